import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { ago, answerText, count, dateTime, milliseconds, plain } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import type {
  InclusionProof,
  OutcomeRecord,
  PredictionBody,
  PredictionRecord,
  Review,
  Scalar,
  SigningKeys,
} from '../api.ts'
import { AskProblem, askJson } from '../ask.ts'
import { canVerify, checkProof, type Step } from '../evidence.ts'
import { useLive } from '../live.ts'
import { now } from '../now.ts'
import { modelPath } from '../router.ts'
import { Term } from '../terms.tsx'
import { ExplanationPanel } from './explanation-panel.tsx'
import { Steps } from './steps.tsx'

/** An outcome may come at any time. */
const EVERY_MS = 5_000
const OUTPUTS_SHOWN = 3

/** One prediction: what was asked and answered, what became of it, and the proof that this is how it was. */
export function PredictionPage({ id }: { id: string }): VNode {
  const { body, problem } = useLive<PredictionBody>(`/predictions/${encodeURIComponent(id)}`, EVERY_MS)
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/predictions">Predictions</a>
          </p>
          <h1 tabIndex={-1}>{body === undefined ? 'Prediction' : outputText(body.record.outputs)}</h1>
          <p>
            {body === undefined ? (
              <code>{id}</code>
            ) : (
              <>
                answered by{' '}
                <a href={`${modelPath(body.record.model)}?version=${encodeURIComponent(body.record.version)}`}>
                  {body.record.model} {body.record.version}
                </a>{' '}
                on {dateTime(body.record.at)}, {ago(body.record.at, now.value)}
              </>
            )}
          </p>
        </div>
      </div>
      {body === undefined ? (
        <section class="panel">
          {problem === undefined ? (
            <Loading lines={5} />
          ) : problem.status === 404 ? (
            <Empty title="There is no prediction with this id">
              An id has 36 characters, as in the answer’s <code>id</code>. A subject can be looked for above, too.
            </Empty>
          ) : (
            <Failed title="Cannot show the prediction" detail={problem.message} />
          )}
        </section>
      ) : (
        <div class="grid-page">
          <Asked body={body} />
          <section class="panel half">
            <div class="panel-head">
              <h2>What became of it</h2>
            </div>
            <Outcomes outcomes={body.outcomes} />
            <Reviews reviews={body.reviews ?? []} />
          </section>
          <ExplanationPanel id={id} />
          <How record={body.record} />
          <Proof id={id} />
        </div>
      )}
    </>
  )
}

/** Of many outputs, such as the probabilities of classes, the largest few. */
export function mainOutputs(outputs: Readonly<Record<string, Scalar>>): {
  readonly shown: readonly (readonly [name: string, value: Scalar])[]
  readonly hidden: number
} {
  const entries = Object.entries(outputs)
  if (entries.length <= OUTPUTS_SHOWN) return { shown: entries, hidden: 0 }
  const sorted = entries.toSorted(([, a], [, b]) => Number(b) - Number(a))
  return { shown: sorted.slice(0, OUTPUTS_SHOWN), hidden: entries.length - OUTPUTS_SHOWN }
}

export function outputText(outputs: Readonly<Record<string, Scalar>>): string {
  const { shown, hidden } = mainOutputs(outputs)
  const more = hidden === 0 ? '' : ` and ${count(hidden)} more`
  return shown.map(([name, value]) => `${name} ${answerText(value)}`).join(', ') + more
}

function valueText(value: Scalar): string {
  return typeof value === 'number' ? plain(value) : String(value)
}

function Asked({ body: { record, sensitive, erased } }: { body: PredictionBody }): VNode {
  const rows = Object.entries(record.features)
  return (
    <section class="panel half flush">
      <div class="panel-head panel-head-flush">
        <h2>What was asked</h2>
        <span class="panel-note">{rows.length + Object.keys(sensitive ?? {}).length} features, as served</span>
      </div>
      <div class="table-box">
        <table class="table">
          <tbody>
            {rows.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{valueText(value)}</td>
              </tr>
            ))}
            {Object.entries(sensitive ?? {}).map(([name, value]) => (
              <tr key={name}>
                <th scope="row">
                  {name} <span class="badge">sensitive</span>
                </th>
                <td class="number">{valueText(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {record.sealed === undefined || sensitive !== undefined ? null : (
        <p class="panel-foot quiet small">
          {erased === true
            ? 'The sensitive features were erased: their key was destroyed, and the proof still holds.'
            : 'Sensitive features are sealed; your role may not open them.'}
        </p>
      )}
    </section>
  )
}

function Outcomes({ outcomes }: { outcomes: readonly OutcomeRecord[] }): VNode {
  if (outcomes.length === 0) {
    return (
      <Empty title="Nothing is known yet">
        What really happened is told by <code>POST /outcomes</code> with this prediction’s id.
      </Empty>
    )
  }
  return (
    <ol>
      {outcomes.map(({ id, at, actor, value, happenedAt, amount }) => (
        <li key={id} class="outcome">
          <strong>{valueText(value)}</strong>
          {amount === undefined ? null : ` · ${amount.amount.toLocaleString('en')} ${amount.currency}`}
          <span class="under">
            {happenedAt === undefined ? '' : `happened ${dateTime(happenedAt)}, `}told by {actor} on {dateTime(at)}
          </span>
        </li>
      ))}
    </ol>
  )
}

const VERDICTS: Readonly<Record<Review['verdict'], string>> = {
  agree: 'agrees',
  disagree: 'disagrees',
  value: 'says that it should have been',
}

function Reviews({ reviews }: { reviews: readonly Review[] }): VNode | null {
  if (reviews.length === 0) return null
  return (
    <>
      <h3 class="reviews-title">What experts think</h3>
      <ol>
        {reviews.map(({ id, at, reviewer, verdict, value, comment, erased }) => (
          <li key={id} class="outcome">
            <strong>{reviewer}</strong> {VERDICTS[verdict]} {value === undefined ? null : valueText(value)}
            {comment === undefined ? null : <q class="comment">{comment}</q>}
            {erased === true ? <span class="quiet"> (the comment was erased)</span> : null}
            <span class="under">{dateTime(at)}</span>
          </li>
        ))}
      </ol>
    </>
  )
}

function How({ record }: { record: PredictionRecord }): VNode {
  const { id, actor, source, door, release, arm, purpose, subject, requestId, traceId, latencyMs } = record
  const pairs: [name: VNode | string, value: string | undefined, isMono?: boolean][] = [
    ['Caller', source === undefined ? actor : `${actor}, from ${source}`],
    ['Door', door],
    ['Release', release === undefined ? undefined : `${release}${arm === undefined ? '' : `, arm ${arm}`}`],
    ['Purpose', purpose],
    [<Term name="pseudonym">Subject</Term>, subject, true],
    ['Took', milliseconds(latencyMs)],
    ['Id', id, true],
    ['Request', requestId, true],
    ['Trace', traceId, true],
  ]
  return (
    <section class="panel half">
      <div class="panel-head">
        <h2>How it was asked</h2>
      </div>
      <dl class="pairs">
        {pairs.map(([name, value, isMono], index) =>
          value === undefined ? null : <PairLine key={index} name={name} value={value} isMono={isMono === true} />,
        )}
      </dl>
    </section>
  )
}

function PairLine({ name, value, isMono }: { name: VNode | string; value: string; isMono: boolean }): VNode {
  return (
    <>
      <dt>{name}</dt>
      <dd class={isMono ? 'mono' : ''}>{value}</dd>
    </>
  )
}

interface Checked {
  readonly proof?: InclusionProof
  readonly steps?: readonly Step[]
  readonly problem?: string
  readonly isBusy?: boolean
}

function Proof({ id }: { id: string }): VNode {
  const [{ proof, steps, problem, isBusy }, setChecked] = useState<Checked>({})
  const verify = async (): Promise<void> => {
    setChecked({ isBusy: true })
    try {
      const found = await askJson<InclusionProof>(`/audit/proofs/${encodeURIComponent(id)}`)
      const keys = await askJson<SigningKeys>('/audit/keys')
      setChecked({ proof: found, steps: await checkProof(id, found, keys) })
    } catch (error) {
      setChecked({ problem: error instanceof AskProblem ? error.message : String(error) })
    }
  }
  return (
    <section class="panel half">
      <div class="panel-head">
        <h2>
          <Term name="proof">Proof</Term>
        </h2>
        <button type="button" class="button" disabled={isBusy === true || !canVerify()} onClick={() => void verify()}>
          {isBusy === true ? 'Verifying' : 'Verify in this browser'}
        </button>
      </div>
      <div aria-live="polite">
        {canVerify() ? null : <p class="quiet">Browsers verify over HTTPS or on the server’s own machine only.</p>}
        {problem === undefined ? null : <Failed title="Cannot get the proof" detail={problem} />}
        {steps === undefined ? (
          problem === undefined && (
            <p class="quiet">
              The record is one leaf of a tree whose root is signed. Your browser can check, by itself, that this record
              is under the newest signed head, exactly as it stands here.
            </p>
          )
        ) : (
          <Steps steps={steps} />
        )}
        {proof === undefined ? null : (
          <details>
            <summary>The record’s bytes</summary>
            <pre class="record-text">{proof.record}</pre>
          </details>
        )}
      </div>
    </section>
  )
}
