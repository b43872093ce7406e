/** One run: what it was told, what it measured, what went in and what came out. */
import type { ComponentChildren, VNode } from 'preact'
import { useState } from 'preact/hooks'
import { dateTime, plural } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import { Scrolled } from '../../../ui/parts/scrolled.tsx'
import { comparePath, type DatasetBody, experimentPath, runPath, type WholeRunBody } from '../api-runs.ts'
import { useLive } from '../live.ts'
import { now } from '../now.ts'
import { RunArtifacts } from './run-artifacts.tsx'
import { RunCurves } from './run-curves.tsx'
import { metricText, nameOf, RunState, statusWord, tookText } from './run-words.tsx'

const EVERY_MS = 3_000
/** From so many on, one is found by its name. */
const MANY = 14
const COMPARED_MAX = 100

export function RunPage({ run }: { run: string }): VNode {
  const { body, problem } = useLive<WholeRunBody>(runPath(run), EVERY_MS)
  if (body !== undefined) return <RunView run={body} />
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Run {run.slice(0, 8)}</h1>
      </div>
      <section class="panel">
        {problem === undefined ? (
          <Loading lines={7} />
        ) : problem.status === 404 ? (
          <Empty title="There is no such run">
            {problem.message}. <a href="/runs">See all experiments</a>
          </Empty>
        ) : (
          <Failed title="Cannot show the run" detail={problem.message} />
        )}
      </section>
    </>
  )
}

function RunView({ run }: { run: WholeRunBody }): VNode {
  const nested = run.nested.map(({ id }) => id)
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/runs">Runs</a> / <a href={experimentPath(run.in.id)}>{run.in.name}</a>
            {run.parent === undefined ? null : (
              <>
                {' / '}
                <a href={runPath(run.parent.id)}>{nameOf(run.parent)}</a>
              </>
            )}
          </p>
          <h1 tabIndex={-1}>{nameOf(run)}</h1>
          {run.tags['mlflow.note.content'] === undefined ? null : <p>{run.tags['mlflow.note.content']}</p>}
        </div>
        {nested.length < 2 ? null : (
          <a class="button" href={comparePath(nested.slice(0, COMPARED_MAX))}>
            Compare its nested runs
          </a>
        )}
      </div>
      <Facts run={run} />
      <div class="grid-page">
        {run.latest.length === 0 ? null : <RunCurves runs={[run]} metrics={inOrder(run)} />}
        {run.nested.length === 0 ? null : <Nested run={run} />}
        <Listed title="Metrics" width="half" none="No metric was logged" rows={metricRows(run)} isNumber />
        <Listed title="Parameters" width="half" none="No parameter was logged" rows={textRows(run.params)} />
        <RunArtifacts run={run.id} />
        <Inputs run={run} />
        <Listed title="Tags" width="half" none="There is no tag" rows={textRows(run.tags)} />
      </div>
    </>
  )
}

/** What the machine did comes behind what the model did. */
function inOrder({ latest }: WholeRunBody): readonly string[] {
  const isSystem = (name: string): number => (name.startsWith('system/') ? 1 : 0)
  return latest.map(({ name }) => name).sort((a, b) => isSystem(a) - isSystem(b))
}

function Facts({ run }: { run: WholeRunBody }): VNode {
  const { tags } = run
  const commit = tags['mlflow.source.git.commit']
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    ['Started', dateTime(run.startedAt)],
    ['Took', tookText(run, now.value)],
    ['By', run.user],
    ['Source', tags['mlflow.source.name']],
    ['Commit', commit === undefined ? undefined : <code>{commit.slice(0, 12)}</code>],
    [
      'Registered as',
      run.versions.length === 0 ? undefined : run.versions.map(v => `${v.name} ${v.version}`).join(', '),
    ],
    ['Id', <code>{run.id}</code>],
  ]
  return (
    <section class="panel now" aria-label="About this run">
      <dl class="run-facts">
        <div>
          <dt>State</dt>
          <dd>
            <RunState status={run.status} /> {statusWord(run.status)}
            {run.isDeleted === true ? ' · deleted' : ''}
          </dd>
        </div>
        {facts
          .filter(([, value]) => value !== undefined && value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  )
}

interface ListedRow {
  readonly name: string
  readonly value: string
  readonly tip?: string
}

function metricRows({ latest }: WholeRunBody): readonly ListedRow[] {
  return latest.map(({ name, value, step, at }) => {
    return { name, value: metricText(value), tip: `${value} at step ${step}, ${dateTime(at)}` }
  })
}

function textRows(texts: Readonly<Record<string, string>>): readonly ListedRow[] {
  return Object.entries(texts).map(([name, value]) => ({ name, value }))
}

interface ListedProps {
  readonly title: string
  readonly width: 'half'
  readonly none: string
  readonly rows: readonly ListedRow[]
  readonly isNumber?: boolean
}

function Listed({ title, width, none, rows, isNumber = false }: ListedProps): VNode {
  const [search, setSearch] = useState('')
  const words = search.trim().toLowerCase()
  const shown = rows.filter(({ name }) => name.toLowerCase().includes(words))
  return (
    <section class={`panel ${width}`}>
      <div class="panel-head">
        <h2>{title}</h2>
        {rows.length < MANY ? null : (
          <input
            class="field small-field"
            type="search"
            aria-label={`Find in ${title.toLowerCase()}`}
            placeholder={`Find among ${rows.length}`}
            value={search}
            onInput={event => setSearch(event.currentTarget.value)}
          />
        )}
      </div>
      {rows.length === 0 ? (
        <p class="quiet">{none}</p>
      ) : (
        <Scrolled label={title} tall>
          <table class="table dense listed">
            <tbody>
              {shown.map(({ name, value, tip }) => (
                <tr key={name}>
                  <th scope="row" class="breaks">
                    {name}
                  </th>
                  <td class={isNumber ? 'number' : 'breaks'} {...(tip === undefined ? {} : { 'data-tip': tip })}>
                    {value}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
    </section>
  )
}

function Inputs({ run: { datasets, models } }: { run: WholeRunBody }): VNode {
  return (
    <section class="panel half">
      <div class="panel-head">
        <h2>Data and models</h2>
      </div>
      {datasets.length + models.length === 0 ? <p class="quiet">No data set and no model was logged</p> : null}
      {datasets.map(dataset => (
        <Dataset key={`${dataset.name} ${dataset.digest}`} dataset={dataset} />
      ))}
      {models.length === 0 ? null : (
        <dl class="pairs">
          <dt>Models</dt>
          <dd>
            {models.map(model => (
              <code key={model} class="output">
                {model}
              </code>
            ))}
          </dd>
        </dl>
      )}
    </section>
  )
}

function Dataset({ dataset }: { dataset: DatasetBody }): VNode {
  const { name, digest, source_type, source, schema, profile, tags } = dataset
  const context = tags.find(({ key }) => key === 'mlflow.data.context')?.value
  return (
    <div class="outcome">
      <strong>{name}</strong> {context === undefined ? null : <span class="badge">{context}</span>}{' '}
      <span class="quiet small">
        {source_type}, digest <code>{digest}</code>
      </span>
      <details>
        <summary>Where it is from, and what is in it</summary>
        <pre class="record-text">{[source, schema, profile].filter(one => one !== undefined).join('\n')}</pre>
      </details>
    </div>
  )
}

function Nested({ run }: { run: WholeRunBody }): VNode {
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>Nested runs</h2>
        <span class="panel-note">
          {run.children > run.nested.length
            ? `the latest ${run.nested.length} of ${run.children}`
            : plural(run.nested.length, 'run')}
        </span>
      </div>
      <ul class="nested">
        {run.nested.map(one => (
          <li key={one.id}>
            <RunState status={one.status} />{' '}
            <a class="link" href={runPath(one.id)}>
              {nameOf(one)}
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
