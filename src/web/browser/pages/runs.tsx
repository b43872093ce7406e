/** The runs of an experiment: searched in MLflow's own language, with the columns one wants, by any of them. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { count, plural } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import { comparePath, type ExperimentBody, experimentPath, type RunsBody } from '../api-runs.ts'
import { type Live, useLive } from '../live.ts'
import { place, withQuery } from '../router.ts'
import { NothingLogged } from './experiments.tsx'
import { RunColumns } from './run-columns.tsx'
import { RunFilter } from './run-filter.tsx'
import { RunTable } from './run-table.tsx'

const EVERY_MS = 3_000
const EXPERIMENT_EVERY_MS = 15_000
const ONLY_OUTER = 'tags.`mlflow.parentRunId` IS NULL'
const VIEWS = ['active', 'deleted', 'all'] as const
const COMPARED_MAX = 100

export function RunsPage({ experiment }: { experiment: string }): VNode {
  const path = experimentPath(experiment)
  const { body: described, problem } = useLive<ExperimentBody>(path, EXPERIMENT_EVERY_MS)
  const live = useLive<RunsBody>(`${path}/runs?${askedRuns()}`, EVERY_MS)
  const [chosen, setChosen] = useState<readonly string[]>([])
  if (described === undefined && problem?.status === 404) return <NoExperiment says={problem.message} />
  const toggle = (id: string): void =>
    setChosen(chosen.includes(id) ? chosen.filter(one => one !== id) : [...chosen, id].slice(-COMPARED_MAX))
  const { filter = '', order = '', nested } = place.value.query
  const isWrong = live.problem !== undefined && [400, 422].includes(live.problem.status)
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/runs">Runs</a> / experiments
          </p>
          <h1 tabIndex={-1}>{described?.name ?? experiment}</h1>
          <p>{describe(described)}</p>
        </div>
        <div class="toolbar">
          <Views />
          <a class="button" href={withQuery({ nested: nested === 'hide' ? undefined : 'hide', page: undefined })}>
            {nested === 'hide' ? 'Show nested runs' : 'Hide nested runs'}
          </a>
        </div>
      </div>
      <RunFilter key={filter} filter={filter} wrong={isWrong ? live.problem?.message : undefined} />
      <div class="toolbar run-tools">
        {live.body === undefined ? null : <RunColumns names={live.body.names} columns={live.body.columns} />}
        <Compare chosen={chosen} clear={() => setChosen([])} />
      </div>
      <section
        class={`panel flush${live.body !== undefined && (live.isStale || isWrong) ? ' stale' : ''}`}
        aria-label="Runs"
      >
        {contentOf(live, isWrong, body => (
          <RunTable body={body} order={order} chosen={chosen} toggle={toggle} />
        ))}
      </section>
      <Pages next={live.body?.next} />
    </>
  )
}

function askedRuns(): URLSearchParams {
  const { filter = '', order, columns, page, view, nested } = place.value.query
  const conditions = [filter.trim(), nested === 'hide' ? ONLY_OUTER : ''].filter(one => one !== '')
  const all = { filter: conditions.join(' AND '), order, columns, page, view }
  const given = Object.entries(all).filter(([, value]) => value !== undefined && value !== '')
  return new URLSearchParams(given as [string, string][])
}

function describe(experiment: ExperimentBody | undefined): string {
  if (experiment === undefined) return ' '
  const note = experiment.tags?.['mlflow.note.content']
  const parts = [plural(experiment.runs, 'run')]
  if (experiment.isDeleted === true) parts.push('this experiment is deleted')
  return note === undefined ? parts.join(' · ') : `${note} · ${parts.join(' · ')}`
}

function NoExperiment({ says }: { says: string }): VNode {
  return (
    <section class="panel">
      <h1 tabIndex={-1} class="hidden-label">
        Not found
      </h1>
      <Empty title="There is no such experiment">
        {says}. <a href="/runs">See all experiments</a>
      </Empty>
    </section>
  )
}

function Views(): VNode {
  const { view = 'active' } = place.value.query
  return (
    <nav class="choice" aria-label="Which runs">
      {VIEWS.map(one => (
        <a
          key={one}
          href={withQuery({ view: one === 'active' ? undefined : one, page: undefined })}
          {...(one === view ? { 'aria-current': 'true' as const } : {})}
        >
          {one}
        </a>
      ))}
    </nav>
  )
}

function Compare({ chosen, clear }: { chosen: readonly string[]; clear: () => void }): VNode {
  if (chosen.length === 0) return <span class="quiet small">Mark runs to compare them</span>
  return (
    <>
      {chosen.length === 1 ? (
        <span class="quiet small">One run is marked: mark another</span>
      ) : (
        <a class="button main" href={comparePath(chosen)}>
          Compare {count(chosen.length)} runs
        </a>
      )}
      <button type="button" class="button" onClick={clear}>
        Unmark
      </button>
    </>
  )
}

function contentOf({ body, problem }: Live<RunsBody>, isWrong: boolean, draw: (body: RunsBody) => VNode): VNode {
  if (body === undefined) {
    if (problem === undefined) return <Loading lines={8} />
    if (isWrong) return <Empty title="The search cannot be read">What is wrong with it stands there.</Empty>
    return <Failed title="Cannot show the runs" detail={problem.message} />
  }
  if (body.runs.length > 0) return draw(body)
  const { filter, view, page, nested } = place.value.query
  const isAsked = [filter, view, page, nested].some(one => one !== undefined)
  return isAsked ? <Empty title="No run is so">No run of this experiment is as asked for.</Empty> : <NothingLogged />
}

function Pages({ next }: { next: string | undefined }): VNode | null {
  const { page } = place.value.query
  if (page === undefined && next === undefined) return null
  return (
    <nav class="pages" aria-label="Pages of runs">
      {page === undefined ? null : (
        <a class="button" href={withQuery({ page: undefined })}>
          First page
        </a>
      )}
      {next === undefined ? null : (
        <a class="button" href={withQuery({ page: next })}>
          Next page
        </a>
      )}
    </nav>
  )
}
