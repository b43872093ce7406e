/** Runs below each other: marked to be compared, in the order of any column. */
import type { ComponentChildren, VNode } from 'preact'
import { ago, dateTime } from '../../../ui/format.ts'
import { type ColumnKind, type RunBody, type RunsBody, runPath } from '../api-runs.ts'
import { now } from '../now.ts'
import { withQuery } from '../router.ts'
import { metricText, nameOf, quoted, RunLink, RunState, tookText } from './run-words.tsx'

interface RunTableProps {
  readonly body: RunsBody
  readonly order: string
  readonly chosen: readonly string[]
  readonly toggle: (id: string) => void
}

export function RunTable({ body, order, chosen, toggle }: RunTableProps): VNode {
  const columns = body.columns.map(columnOf)
  return (
    <div class="table-box">
      <table class="table dense runs">
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden-label">Compare</span>
            </th>
            <Head sort="run_name" order={order}>
              Run
            </Head>
            <Head sort="start_time" order={order === '' ? 'start_time DESC' : order}>
              Started
            </Head>
            <Head sort="user_id" order={order} isWideOnly>
              By
            </Head>
            {columns.map(({ kind, name, sort }) => (
              <Head key={sort} sort={sort} order={order} isNumber={kind === 'metrics'} tip={`${kind}.${name}`}>
                {name}
              </Head>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.runs.map(run => (
            <Row key={run.id} run={run} columns={columns} isChosen={chosen.includes(run.id)} toggle={toggle} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface Column {
  readonly kind: ColumnKind
  readonly name: string
  readonly sort: string
}

function columnOf(text: string): Column {
  const dot = text.indexOf('.')
  const kind = text.slice(0, dot) as ColumnKind
  const name = text.slice(dot + 1)
  return { kind, name, sort: quoted(kind, name) }
}

interface HeadProps {
  readonly sort: string
  readonly order: string
  readonly isNumber?: boolean
  readonly isWideOnly?: boolean
  readonly tip?: string
  readonly children: ComponentChildren
}

/** A press puts the greatest first, another the least, a third the latest. */
function Head({ sort, order, isNumber = false, isWideOnly = false, tip, children }: HeadProps): VNode {
  const isDown = order === `${sort} DESC`
  const isUp = order === `${sort} ASC`
  const next = isDown ? `${sort} ASC` : isUp ? undefined : `${sort} DESC`
  const classes = [isNumber ? 'number' : '', isWideOnly ? 'wide-only' : ''].filter(one => one !== '').join(' ')
  return (
    <th
      scope="col"
      class={classes}
      {...(isDown || isUp ? { 'aria-sort': isDown ? ('descending' as const) : ('ascending' as const) } : {})}
    >
      <a
        class="sort"
        href={withQuery({ order: next, page: undefined })}
        {...(tip === undefined ? {} : { 'data-tip': tip })}
      >
        {children}
        <span aria-hidden="true">{isDown ? ' ↓' : isUp ? ' ↑' : ''}</span>
      </a>
    </th>
  )
}

interface RowProps {
  readonly run: RunBody
  readonly columns: readonly Column[]
  readonly isChosen: boolean
  readonly toggle: (id: string) => void
}

function Row({ run, columns, isChosen, toggle }: RowProps): VNode {
  return (
    <tr class="leads">
      <td>
        <input
          type="checkbox"
          checked={isChosen}
          aria-label={`Compare ${nameOf(run)}`}
          onChange={() => toggle(run.id)}
        />
      </td>
      <td class="run-name">
        <RunState status={run.status} /> <RunLink run={run} />
        {run.isDeleted === true ? <span class="badge">deleted</span> : null}
        <Nesting run={run} />
      </td>
      <td class="nowrap" data-tip={dateTime(run.startedAt)}>
        {ago(run.startedAt, now.value)}
        <span class="under">{tookText(run, now.value)}</span>
      </td>
      <td class="wide-only">{run.user}</td>
      {columns.map(({ kind, name, sort }) =>
        kind === 'metrics' ? (
          <td key={sort} class="number">
            {metricText(run.metrics[name])}
          </td>
        ) : (
          <td key={sort} class="cut" {...(run[kind][name] === undefined ? {} : { 'data-tip': run[kind][name] })}>
            {run[kind][name]}
          </td>
        ),
      )}
    </tr>
  )
}

function Nesting({ run: { id, children, parent } }: { run: RunBody }): VNode | null {
  const inside = (of: string): string =>
    withQuery({ filter: `tags.\`mlflow.parentRunId\` = '${of}'`, nested: undefined, page: undefined })
  if (children > 0)
    return (
      <a class="under link" href={inside(id)}>
        {children} nested
      </a>
    )
  if (parent === undefined) return null
  return (
    <span class="under">
      nested in{' '}
      <a class="link" href={runPath(parent.id)}>
        {nameOf(parent)}
      </a>
    </span>
  )
}
