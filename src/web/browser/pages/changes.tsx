import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { ago, date, dateTime } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import type { ChangeRecord } from '../api.ts'
import { useLive } from '../live.ts'
import { now } from '../now.ts'
import { modelPath, place, withQuery } from '../router.ts'

const EVERY_MS = 10_000
const PAGE = 100
const PAGE_MAX = 5_000

/** Who did what, newest first: straight from the ledger. */
export function ChangesPage(): VNode {
  const model = place.value.query['model']
  const [limit, setLimit] = useState(PAGE)
  const filter = model === undefined ? '' : `&model=${encodeURIComponent(model)}`
  const path = `/ledger/records?kind=change&limit=${limit}${filter}`
  const { body, problem } = useLive<{ records: readonly ChangeRecord[]; next?: string }>(path, EVERY_MS)
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>Changes</h1>
          <p>Everything anybody did to the system, as the ledger has it. Nothing can be taken out.</p>
        </div>
        {model === undefined ? null : (
          <a class="button" href={withQuery({ model: undefined })}>
            Only {model} <span aria-hidden="true">×</span>
            <span class="hidden-label">show all</span>
          </a>
        )}
      </div>
      <section class="panel flush" aria-label="Changes">
        {body === undefined ? (
          problem === undefined ? (
            <Loading lines={6} />
          ) : (
            <Failed title="Cannot show the changes" detail={problem.message} />
          )
        ) : body.records.length === 0 ? (
          <Empty title="Nobody has changed anything yet">
            Registering a model, moving an alias or making a key will stand here, with who did it.
          </Empty>
        ) : (
          days(body.records).map(([day, changes]) => (
            <div key={day}>
              <h2 class="day">{day}</h2>
              <ol>
                {changes.map(change => (
                  <Change key={change.id} change={change} />
                ))}
              </ol>
            </div>
          ))
        )}
        {body?.next === undefined || limit >= PAGE_MAX ? null : (
          <div class="more">
            <button type="button" class="button" onClick={() => setLimit(limit * 5)}>
              Show older ones
            </button>
          </div>
        )}
      </section>
    </>
  )
}

function days(records: readonly ChangeRecord[]): [string, ChangeRecord[]][] {
  const found = new Map<string, ChangeRecord[]>()
  for (const record of records) {
    const day = date(record.at)
    found.set(day, [...(found.get(day) ?? []), record])
  }
  return [...found]
}

function Change({ change }: { change: ChangeRecord }): VNode {
  const { at, actor, source, target, model, detail, id } = change
  return (
    <li class="change">
      <time dateTime={new Date(at).toISOString()} data-tip={`${dateTime(at)} UTC, ${ago(at, now.value)}`}>
        {dateTime(at).slice(11)}
      </time>
      <div>
        <p>
          <strong>{actor}</strong> {verb(change)}{' '}
          {model === undefined ? (
            <code>{target}</code>
          ) : (
            <a class="link" href={modelPath(model)}>
              {target}
            </a>
          )}
        </p>
        <details>
          <summary>Details</summary>
          <dl class="pairs small">
            <dt>Record</dt>
            <dd class="mono">{id}</dd>
            {source === undefined ? null : (
              <>
                <dt>From</dt>
                <dd class="mono">{source}</dd>
              </>
            )}
          </dl>
          {detail === undefined ? null : <pre class="record-text">{JSON.stringify(detail, undefined, 2)}</pre>}
        </details>
      </div>
    </li>
  )
}

/** `model:registered` is "registered model", `alias:moved` is "moved alias". */
function verb({ action }: ChangeRecord): string {
  const [thing = action, done] = action.split(':')
  return done === undefined ? action : `${done.replaceAll('-', ' ')} ${thing}`
}
