/** Every experiment that clients of MLflow logged runs in, the newest first. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { ago, count, date, dateTime } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import { type ExperimentBody, type ExperimentsBody, experimentPath } from '../api-runs.ts'
import { type Live, useLive } from '../live.ts'
import { now } from '../now.ts'
import { go, place, withQuery } from '../router.ts'

const EVERY_MS = 5_000

export function ExperimentsPage(): VNode {
  const { search = '', page } = place.value.query
  const asked = new URLSearchParams({ ...(search === '' ? {} : { search }), ...(page === undefined ? {} : { page }) })
  const live = useLive<ExperimentsBody>(`/runs/experiments?${asked}`, EVERY_MS)
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>Runs</h1>
          <p>What training logged, by experiment; the newest experiments first.</p>
        </div>
        <Search key={search} search={search} />
      </div>
      <section class="panel flush" aria-label="Experiments">
        {contentOf(live, search)}
      </section>
      {live.body?.next === undefined ? null : (
        <p class="pages">
          <a class="button" href={withQuery({ page: live.body.next })}>
            Older ones
          </a>
        </p>
      )}
    </>
  )
}

function Search({ search }: { search: string }): VNode {
  const [text, setText] = useState(search)
  const submit = (event: Event): void => {
    event.preventDefault()
    go(withQuery({ search: text.trim(), page: undefined }))
  }
  return (
    <form class="toolbar" onSubmit={submit}>
      <input
        class="field"
        type="search"
        aria-label="Find experiments by their name"
        placeholder="Find an experiment"
        value={text}
        onInput={event => setText(event.currentTarget.value)}
      />
      <button type="submit" class="button">
        Find
      </button>
    </form>
  )
}

function contentOf({ body, problem }: Live<ExperimentsBody>, search: string): VNode {
  if (body === undefined) {
    if (problem === undefined) return <Loading lines={5} />
    return <Failed title="Cannot show the experiments" detail={problem.message} />
  }
  if (body.experiments.length === 0)
    return search === '' ? <NothingLogged /> : <Empty title={`No experiment has “${search}” in its name`} />
  return <Table experiments={body.experiments} />
}

/** How runs come here: shown where there are none. */
export function NothingLogged(): VNode {
  return (
    <Empty title="Nothing was logged yet">
      MLflow’s own client logs here once it is told where:
      <pre>MLFLOW_TRACKING_URI={location.origin}</pre>
    </Empty>
  )
}

function Table({ experiments }: { experiments: readonly ExperimentBody[] }): VNode {
  return (
    <div class="table-box">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Experiment</th>
            <th scope="col" class="number">
              Runs
            </th>
            <th scope="col">Last run</th>
            <th scope="col" class="wide-only">
              Created
            </th>
          </tr>
        </thead>
        <tbody>
          {experiments.map(({ id, name, runs, lastRunAt, createdAt }) => (
            <tr key={id} class="leads">
              <td class="breaks">
                <a class="name" href={experimentPath(id)}>
                  {name}
                </a>
              </td>
              <td class="number">{count(runs)}</td>
              <td class="nowrap" {...(lastRunAt === undefined ? {} : { 'data-tip': dateTime(lastRunAt) })}>
                {lastRunAt === undefined ? <span class="quiet">none</span> : ago(lastRunAt, now.value)}
              </td>
              <td class="wide-only nowrap">{date(createdAt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
