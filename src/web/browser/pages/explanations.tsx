/** What moves the answers of a version: all features together, and each by its value. */
import type { VNode } from 'preact'
import { beeswarm, beeswarmHeight, type SwarmRow } from '../../../ui/charts/beeswarm.ts'
import { type DependencePoint, dependence } from '../../../ui/charts/dependence.ts'
import { importanceBars, importanceHeight } from '../../../ui/charts/importance-bars.ts'
import { count, plain } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import type { Scalar } from '../api.ts'
import type { ExplanationsBody } from '../api-explain.ts'
import { useLive } from '../live.ts'
import { modelPath, place, withQuery } from '../router.ts'
import { Term } from '../terms.tsx'
import { looked, RangeChoice } from '../time-range.tsx'

const EVERY_MS = 30_000
const FEATURES_SHOWN = 20
const DEPENDENCE_HEIGHT = 260

export function ExplanationsPage({ model }: { model: string }): VNode {
  const { version, output } = place.value.query
  const range = looked(0)
  const query = new URLSearchParams({ since: String(range.since), until: String(range.until), sample: '400' })
  if (version !== undefined) query.set('version', version)
  if (output !== undefined) query.set('output', output)
  const { body, problem, isStale } = useLive<ExplanationsBody>(`${modelPath(model)}/explanations?${query}`, EVERY_MS)
  const ofVersion = version === undefined ? '' : `?version=${encodeURIComponent(version)}`
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/">Overview</a> / <a href={modelPath(model) + ofVersion}>{model}</a> / explanations
          </p>
          <h1 tabIndex={-1}>
            What moves {model} <span class="quiet">{body?.version ?? version}</span>
          </h1>
          <p>{body === undefined ? 'By the explanations that its records keep' : whatOf(body, range.words)}</p>
        </div>
        <div class="toolbar">
          <RangeChoice chosen={range.name} />
        </div>
      </div>
      {body === undefined || body.rows === 0 ? (
        <section class="panel">
          {body !== undefined ? (
            <NothingKept body={body} />
          ) : problem === undefined ? (
            <Loading lines={7} />
          ) : problem.status === 404 ? (
            <Empty title="There is nothing to show">{problem.message}</Empty>
          ) : (
            <Failed title="Cannot tell what moves the model" detail={problem.message} />
          )}
        </section>
      ) : (
        <div class={`grid-page${isStale ? ' stale' : ''}`}>
          <Swarm body={body} />
          <Importance body={body} />
          <Dependence body={body} />
        </div>
      )}
    </>
  )
}

function whatOf({ rows, output, sealed }: ExplanationsBody, words: string): string {
  const of = output === undefined ? '' : `, of ${output}`
  const without =
    sealed.length === 0 ? '' : `; without ${sealed.join(', ')}, which ${sealed.length === 1 ? 'is' : 'are'} sealed`
  return `${count(rows)} explained predictions of the last ${words}${of}${without}`
}

function NothingKept({ body: { explain } }: { body: ExplanationsBody }): VNode {
  if (explain === 'always') {
    return <Empty title="Nothing was predicted in this time">Look further back, or ask for a prediction.</Empty>
  }
  return (
    <Empty title="No record of this time keeps an explanation">
      This version explains on request. With <code>explain: always</code> in model.yaml each answer is explained; those
      asked at <code>/explain</code> are counted here, too.
    </Empty>
  )
}

function Swarm({ body }: { body: ExplanationsBody }): VNode {
  const rows = swarmOf(body)
  const more = body.features.length - rows.length
  const [first] = body.features
  const label = `What moves answers, feature by feature; ${first?.feature ?? 'nothing'} does most`
  return (
    <section class="panel two-thirds">
      <div class="panel-head">
        <h2>
          <Term name="contribution">Contributions</Term>
        </h2>
        <div class="panel-note">
          <span class="legend swarm-legend">
            <span>small values</span>
            <span class="large">large ones</span>
          </span>
        </div>
      </div>
      <Measured height={beeswarmHeight(rows.length)} draw={width => beeswarm(rows, { width, label })} />
      <p class="quiet small">
        {count(body.sample.length)} predictions drawn by chance, each a dot in every line
        {more > 0 ? `; ${count(more)} features that move less are left out` : ''}
      </p>
    </section>
  )
}

function swarmOf({ features, sample }: ExplanationsBody): SwarmRow[] {
  return features.slice(0, FEATURES_SHOWN).map(({ feature, importance }, at) => {
    const ordered = sample
      .flatMap(({ values }) => (orderOf(values[at]!) === undefined ? [] : [orderOf(values[at]!)!]))
      .sort((a, b) => a - b)
    const points = sample.flatMap(({ values, contributions }) => {
      const [value, contribution] = [values[at]!, contributions[at]!]
      if (contribution === null) return []
      const rank = rankOf(orderOf(value), ordered)
      return [{ contribution, value: shown(value), ...(rank === undefined ? {} : { rank }) }]
    })
    return { feature, importance, points }
  })
}

/** Of values that have an order. */
function orderOf(value: Scalar | null): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'number' ? value : undefined
}

/** Between the smallest and the largest, by rank: one that is far off must not make all others alike. */
function rankOf(value: number | undefined, sorted: readonly number[]): number | undefined {
  if (value === undefined) return undefined
  const [least = 0, most = 0] = [sorted[0], sorted.at(-1)]
  if (least === most) return 0.5
  let below = 0
  let equal = 0
  for (const other of sorted) {
    if (other < value) below++
    else if (other === value) equal++
  }
  if (value === least) return 0
  if (value === most) return 1
  return (below + equal / 2) / sorted.length
}

function shown(value: Scalar | null): string {
  if (value === null) return 'missing'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' ? plain(value) : value
}

function Importance({ body }: { body: ExplanationsBody }): VNode {
  const bars = body.features.slice(0, FEATURES_SHOWN)
  const label = 'How much each feature moves answers on average'
  return (
    <section class="panel third">
      <div class="panel-head">
        <h2>
          <Term name="importance">Importance</Term>
        </h2>
        <span class="panel-note">mean size</span>
      </div>
      <Measured height={importanceHeight(bars.length)} draw={width => importanceBars(bars, { width, label })} />
    </section>
  )
}

function Dependence({ body }: { body: ExplanationsBody }): VNode {
  const names = body.features.map(({ feature }) => feature)
  const asked = place.value.query['feature']
  const feature = asked !== undefined && names.includes(asked) ? asked : names[0]!
  const at = names.indexOf(feature)
  const points = body.sample.flatMap(({ values, contributions }): DependencePoint[] => {
    const [value, contribution] = [values[at]!, contributions[at]!]
    if (contribution === null) return []
    if (value === null) return [{ contribution }]
    return [{ value: typeof value === 'boolean' ? shown(value) : value, contribution }]
  })
  const label = `What ${feature} contributes, by its value`
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>By value</h2>
        <nav class="choice" aria-label="Feature">
          {names.slice(0, FEATURES_SHOWN).map(name => (
            <a
              key={name}
              href={withQuery({ feature: name })}
              {...(name === feature ? { 'aria-current': 'true' as const } : {})}
            >
              {name}
            </a>
          ))}
        </nav>
      </div>
      <Measured
        height={DEPENDENCE_HEIGHT}
        draw={width => dependence(points, { width, height: DEPENDENCE_HEIGHT, label, feature })}
      />
    </section>
  )
}
