/** Runs side by side: what they were told differently, and what came of it. */
import type { VNode } from 'preact'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import { Scrolled } from '../../../ui/parts/scrolled.tsx'
import { type ColumnKind, comparePath, type RunBody } from '../api-runs.ts'
import { useLive } from '../live.ts'
import { now } from '../now.ts'
import { place, withQuery } from '../router.ts'
import { ParallelPanel, ScatterPanel } from './run-compare-charts.tsx'
import { RunCurves } from './run-curves.tsx'
import { isGoingOn, metricText, RunLink, RunState, tookText } from './run-words.tsx'

const EVERY_MS = 3_000
/** Of more runs curves are not told apart. */
const CURVES_OF = 20

export function ComparePage(): VNode {
  const { runs = '' } = place.value.query
  const isAsked = runs !== ''
  const { body, problem } = useLive<{ runs: readonly RunBody[] }>(
    isAsked ? comparePath(runs.split(',').map(encodeURIComponent)) : undefined,
    EVERY_MS,
  )
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/runs">Runs</a> / compare
          </p>
          <h1 tabIndex={-1}>{body === undefined ? 'Runs compared' : `${body.runs.length} runs compared`}</h1>
        </div>
      </div>
      {body !== undefined && isAsked ? (
        <Compared runs={body.runs} />
      ) : (
        <section class="panel">
          {!isAsked ? (
            <Empty title="No run was chosen">
              Mark some in the table of an <a href="/runs">experiment</a>.
            </Empty>
          ) : problem === undefined ? (
            <Loading lines={7} />
          ) : (
            <Failed title="Cannot compare them" detail={problem.message} />
          )}
        </section>
      )}
    </>
  )
}

function Compared({ runs }: { runs: readonly RunBody[] }): VNode {
  const metrics = namesIn(runs, 'metrics').filter(name => !name.startsWith('system/'))
  return (
    <div class="grid-page">
      <Differences runs={runs} />
      <ParallelPanel runs={runs} metrics={metrics} params={namesIn(runs, 'params')} />
      <RunCurves runs={runs.slice(0, CURVES_OF)} metrics={metrics} />
      <ScatterPanel runs={runs} metrics={metrics} params={namesIn(runs, 'params')} />
    </div>
  )
}

function namesIn(runs: readonly RunBody[], kind: ColumnKind): readonly string[] {
  return [...new Set(runs.flatMap(run => Object.keys(run[kind])))].sort()
}

const KINDS: readonly (readonly [ColumnKind, string])[] = [
  ['params', 'Parameters'],
  ['metrics', 'Metrics'],
  ['tags', 'Tags'],
]

function Differences({ runs }: { runs: readonly RunBody[] }): VNode {
  const isAll = place.value.query['rows'] === 'all'
  return (
    <section class="panel flush">
      <div class="panel-head panel-head-flush">
        <h2>{isAll ? 'All that is known' : 'What differs'}</h2>
        <a class="panel-note link" href={withQuery({ rows: isAll ? undefined : 'all' })}>
          {isAll ? 'Only what differs' : 'Also what is the same'}
        </a>
      </div>
      <Scrolled label="Runs side by side" tall>
        <table class="table dense compared">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden-label">Name</span>
              </th>
              {runs.map(run => (
                <th key={run.id} scope="col">
                  <RunState status={run.status} /> <RunLink run={run} />
                  <span class="under">{isGoingOn(run) ? 'running' : tookText(run, now.value)}</span>
                </th>
              ))}
            </tr>
          </thead>
          {KINDS.map(([kind, title]) => (
            <Rows key={kind} kind={kind} title={title} runs={runs} isAll={isAll} />
          ))}
        </table>
      </Scrolled>
    </section>
  )
}

interface RowsProps {
  readonly kind: ColumnKind
  readonly title: string
  readonly runs: readonly RunBody[]
  readonly isAll: boolean
}

/** What only names a run differs always, and says nothing. */
const NAMES_ONLY = /^mlflow\.(?:runName|log-model|user|parentRunId|rootRunId)/

function Rows({ kind, title, runs, isAll }: RowsProps): VNode | null {
  const differs = (name: string): boolean => new Set(runs.map(run => run[kind][name])).size > 1
  const rows = namesIn(runs, kind).filter(name => isAll || (differs(name) && !NAMES_ONLY.test(name)))
  if (rows.length === 0) return null
  return (
    <tbody>
      <tr class="group">
        <th scope="colgroup" colSpan={runs.length + 1}>
          {title}
        </th>
      </tr>
      {rows.map(name => (
        <tr key={name}>
          <th scope="row" class="breaks">
            {name}
          </th>
          {runs.map(run => (
            <td key={run.id} class={`breaks${isAll && differs(name) ? ' differs' : ''}`}>
              {kind === 'metrics' ? metricText(run.metrics[name]) : run[kind][name]}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  )
}
