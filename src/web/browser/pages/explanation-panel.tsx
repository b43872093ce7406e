/** What moved one answer: from the average to this one, and in words. */
import type { VNode } from 'preact'
import { type WaterfallStep, waterfall, waterfallHeight } from '../../../ui/charts/waterfall.ts'
import { plain } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import type { Scalar } from '../api.ts'
import type { ExplanationBody } from '../api-explain.ts'
import { AskProblem } from '../ask.ts'
import { type Live, useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { predictionPath } from '../router.ts'
import { Term } from '../terms.tsx'

const STEPS_MAX = 12
const SCALES: Readonly<Record<string, string>> = {
  output: 'the answer’s own units',
  'log-odds': 'log-odds',
  log: 'the logarithm of the answer',
  'class-log-odds': 'log-odds of each class',
  margin: 'units of the margin',
}

export function ExplanationPanel({ id }: { id: string }): VNode {
  const live = useLive<ExplanationBody>(`${predictionPath(id)}/explanation`, 0)
  return (
    <LivePanel
      title={<Term name="contribution">What moved it</Term>}
      note={live.body === undefined ? undefined : noteOf(live.body)}
      live={refusedAsEmpty(live)}
      emptiness={() => undefined}
      draw={body => <Moved body={body} />}
      lines={6}
    />
  )
}

/** That an answer has no explanation, or none for this reader, is no fault: the server says in words why. */
function refusedAsEmpty(live: Live<ExplanationBody>): Live<ExplanationBody> {
  const { problem } = live
  if (problem === undefined || (problem.status !== 422 && problem.status !== 403)) return live
  return { ...live, problem: new AskProblem(404, problem.message) }
}

function noteOf({ kept, method, scale }: ExplanationBody): string {
  const how = kept ? 'kept with the prediction' : 'computed now from the features as served'
  return `${method}, in ${SCALES[scale] ?? scale}, ${how}`
}

/** Of several margins, the one that was largest: the class that was answered. */
function mainMargin({ explanation: { bias, contributions } }: ExplanationBody): {
  readonly name?: string
  readonly bias: number
  readonly contributions: Readonly<Record<string, number>>
} {
  if (typeof bias === 'number') return { bias, contributions: contributions as Readonly<Record<string, number>> }
  const of = (name: string) => (contributions[name] ?? {}) as Readonly<Record<string, number>>
  const sum = (name: string): number => Object.values(of(name)).reduce((total, value) => total + value, bias[name]!)
  const [name = ''] = Object.keys(bias).toSorted((a, b) => sum(b) - sum(a))
  return { name, bias: bias[name] ?? 0, contributions: of(name) }
}

function Moved({ body }: { body: ExplanationBody }): VNode {
  const { name, bias, contributions } = mainMargin(body)
  const steps = Object.entries(contributions).map(([feature, contribution]): WaterfallStep => {
    const value = body.features[feature]
    return value === undefined ? { feature, contribution } : { feature, value: scalarText(value), contribution }
  })
  const height = waterfallHeight(steps.length, STEPS_MAX)
  const [strongest] = body.reasons
  const label = `From the average answer to this one, by feature. ${strongest?.text ?? 'No feature moved it'}`
  const words = { bias, biasText: 'average', marginText: name ?? 'this answer', stepsMax: STEPS_MAX }
  return (
    <>
      <Measured height={height} draw={width => waterfall(steps, { width, label, ...words })} />
      {body.reasons.length === 0 ? null : (
        <ul class="reasons">
          {body.reasons.map(({ feature, contribution, text }) => (
            <li key={feature} class={contribution > 0 ? 'raises' : 'lowers'}>
              {text}
            </li>
          ))}
        </ul>
      )}
      {body.withheld === undefined ? null : (
        <p class="quiet small">
          Without {body.withheld.features.join(', ')}:{' '}
          {body.withheld.because === 'erased'
            ? 'what they contributed was erased with their key'
            : 'what they contributed is sealed, and your role may not open it'}
        </p>
      )}
    </>
  )
}

function scalarText(value: Scalar): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' ? plain(value) : value
}
