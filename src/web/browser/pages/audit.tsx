import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { ago, count, dateTime } from '../../../ui/format.ts'
import { Failed, Loading } from '../../../ui/parts/notice.tsx'
import type { SignedHead } from '../api.ts'
import { AskProblem, ask } from '../ask.ts'
import { canVerify, type Step } from '../evidence.ts'
import { checkKept, keepHead, keptHead } from '../kept-head.ts'
import { useLive } from '../live.ts'
import { now } from '../now.ts'
import { Term } from '../terms.tsx'
import { checkHeads, checkRecords, loadEvidence } from '../verify-log.ts'
import { Steps } from './steps.tsx'

/** Each look signs a head where records came since the last one, so looks are not frequent. */
const EVERY_MS = 30_000

/** The evidence: the newest head, its verification here, and how to take everything away. */
export function AuditPage(): VNode {
  const { body: head, problem } = useLive<SignedHead>('/audit/head', EVERY_MS)
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>Audit</h1>
          <p>Every prediction, refusal, outcome and change is one record under one signed head.</p>
        </div>
      </div>
      <div class="grid-page">
        <section class="panel">
          <div class="panel-head">
            <h2>
              <Term name="head">Newest head</Term>
            </h2>
            <span class="panel-note">
              Keep a copy elsewhere: against it shows, later, whatever was changed or cut off
            </span>
          </div>
          {head === undefined ? (
            problem === undefined ? (
              <Loading lines={3} />
            ) : (
              <Failed title="Cannot show the head" detail={problem.message} />
            )
          ) : (
            <Head head={head} />
          )}
        </section>
        {head === undefined ? null : (
          <>
            <Verification />
            <Export />
          </>
        )}
      </div>
    </>
  )
}

function Head({ head }: { head: SignedHead }): VNode {
  return (
    <>
      <dl class="facts">
        <div class="fact">
          <dt>Records</dt>
          <dd>{count(head.size)}</dd>
        </div>
        <div class="fact">
          <dt>Signed</dt>
          <dd>
            {dateTime(head.at)} <span class="quiet">{ago(head.at, now.value)}</span>
          </dd>
        </div>
        <div class="fact">
          <dt>Key</dt>
          <dd class="mono">{head.keyId}</dd>
        </div>
      </dl>
      <dl class="pairs head-pairs">
        <dt>
          <Term name="root">Root</Term>
        </dt>
        <dd class="hash">{head.root}</dd>
        <dt>Head before</dt>
        <dd class="hash">{head.previous}</dd>
        <dt>Signature</dt>
        <dd class="hash">{head.signature}</dd>
      </dl>
    </>
  )
}

interface Progress {
  readonly steps: readonly Step[]
  readonly records?: number
  readonly of?: number
  readonly problem?: string
  readonly isDone?: boolean
}

function Verification(): VNode {
  const [progress, setProgress] = useState<Progress>()
  const stop = useRef<AbortController>(undefined)
  const isBusy = progress !== undefined && progress.isDone !== true
  const start = (): void => {
    stop.current = new AbortController()
    void verify(stop.current.signal, setProgress)
  }
  const cancel = (): void => {
    stop.current?.abort()
    setProgress(undefined)
  }
  return (
    <section class="panel two-thirds">
      <div class="panel-head">
        <h2>Verify in this browser</h2>
        {isBusy ? (
          <button type="button" class="button" onClick={cancel}>
            Stop
          </button>
        ) : (
          <button type="button" class="button main" disabled={!canVerify()} onClick={start}>
            Verify every record
          </button>
        )}
      </div>
      {canVerify() ? (
        <p class="quiet">
          Your browser reads every record, hashes it, and holds the result against every signed head. It trusts nothing
          but the key. What it cannot know is whether you were shown the same ledger as everybody else: for that,
          compare heads.
        </p>
      ) : (
        <p class="quiet">Browsers verify over HTTPS or on the server’s own machine only.</p>
      )}
      <div aria-live="polite">
        {progress === undefined ? null : (
          <>
            {isBusy && progress.of !== undefined ? <Bar done={progress.records ?? 0} of={progress.of} /> : null}
            <Steps steps={progress.steps} />
            {progress.problem === undefined ? null : <Failed title="Cannot go on" detail={progress.problem} />}
            {progress.isDone === true && progress.problem === undefined ? <Verdict steps={progress.steps} /> : null}
          </>
        )}
      </div>
    </section>
  )
}

function Verdict({ steps }: { steps: readonly Step[] }): VNode {
  const isRight = steps.every(step => step.isRight)
  return (
    <p class={`banner verdict ${isRight ? 'ok' : 'alarm'}`}>
      {isRight
        ? 'Verified: nothing was edited, inserted, reordered or deleted'
        : 'Not verified: this ledger is not what was signed'}
    </p>
  )
}

function Bar({ done, of }: { done: number; of: number }): VNode {
  const style = { width: `${of === 0 ? 100 : (100 * done) / of}%` }
  return (
    <>
      <div class="progress" role="progressbar" aria-label="Records read" aria-valuemax={of} aria-valuenow={done}>
        <div style={style} />
      </div>
      <p class="quiet small">
        {count(done)} of {count(of)} records
      </p>
    </>
  )
}

async function verify(signal: AbortSignal, tell: (progress: Progress) => void): Promise<void> {
  const steps: Step[] = []
  try {
    const evidence = await loadEvidence(signal)
    const { heads, keys } = evidence
    const last = heads.at(-1)
    steps.push(...(await checkHeads(evidence)))
    const kept = checkKept(keptHead(keys.ledger), heads)
    if (kept !== undefined) steps.push(kept)
    const of = last?.size ?? 0
    tell({ steps: [...steps], records: 0, of })
    steps.push(await checkRecords(heads, signal, records => tell({ steps: [...steps], records, of })))
    if (last !== undefined && steps.every(({ isRight }) => isRight)) keepHead(keys.ledger, last)
    tell({ steps, isDone: true })
  } catch (error) {
    if (signal.aborted) return
    tell({ steps, isDone: true, problem: error instanceof AskProblem ? error.message : String(error) })
  }
}

function Export(): VNode {
  const [problem, setProblem] = useState<string>()
  const save = (path: string, name: string): void => {
    download(path, name).then(
      () => setProblem(undefined),
      (error: unknown) => setProblem(error instanceof AskProblem ? error.message : String(error)),
    )
  }
  return (
    <section class="panel third">
      <div class="panel-head">
        <h2>Take it away</h2>
      </div>
      <p class="quiet">
        A folder with these three files is checked by <code>verify-export.mjs</code>, which knows nothing of us.
      </p>
      <div class="stack">
        <button type="button" class="button" onClick={() => save('/audit/records', 'records.jsonl')}>
          Records
        </button>
        <button type="button" class="button" onClick={() => save('/audit/heads', 'heads.jsonl')}>
          Heads
        </button>
        <button type="button" class="button" onClick={() => save('/audit/keys', 'keys.json')}>
          Keys
        </button>
      </div>
      {problem === undefined ? null : <Failed title="Cannot take it away" detail={problem} />}
      <p class="quiet small export-note">
        For a ledger larger than this browser’s memory: <code>bellwether audit export</code>
      </p>
    </section>
  )
}

/** With the key, which a plain link could not send. */
async function download(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await ask(path)).blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
