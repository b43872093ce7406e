/** What may be shown to whoever asks why a version answers: what was signed of it, who approved, where it stands, its card. */
import type { VNode } from 'preact'
import { count, date, plural } from '../../../ui/format.ts'
import { StateMark } from '../../../ui/parts/state-mark.tsx'
import type { ApprovalsBody, EvidenceBody, StandingBody } from '../api-proof.ts'
import { Download } from '../download.tsx'
import { useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { modelPath } from '../router.ts'

const EVERY_MS = 15_000
const KEY_DIGITS = 12
const CARDS = { pdf: 'PDF', md: 'Markdown', yaml: 'YAML', json: 'JSON' } as const

interface Version {
  readonly model: string
  readonly version: string
}

function versionPath({ model, version }: Version): string {
  return `${modelPath(model)}/versions/${encodeURIComponent(version)}`
}

export function ProofPanels(of: Version): VNode {
  return (
    <>
      <EvidencePanel {...of} />
      <ApprovalsPanel {...of} />
      <StandingPanel {...of} />
    </>
  )
}

function EvidencePanel(of: Version): VNode {
  const live = useLive<EvidenceBody>(`${versionPath(of)}/evidence`, EVERY_MS)
  return (
    <LivePanel
      live={live}
      width="half"
      title="Evidence"
      note={<Cards {...of} />}
      emptiness={({ statements }) =>
        statements.length > 0
          ? undefined
          : { title: 'Nothing was signed', text: 'It was registered before versions were signed.' }
      }
      draw={({ statements }) => (
        <ul class="steps">
          {statements.map(({ id, about, isBelieved, problem, at, by, keyId }) => (
            <li key={id}>
              <StateMark state={isBelieved ? 'ok' : 'alarm'} label={isBelieved ? 'Believed' : 'Not believed'} />
              <span>
                {about}{' '}
                <span class="quiet">
                  {date(at)} by {by}, key {keyId.slice(0, KEY_DIGITS)}
                </span>
                {problem === undefined ? null : <span class="reason alarm">{problem}</span>}
              </span>
            </li>
          ))}
        </ul>
      )}
    />
  )
}

function Cards(of: Version): VNode {
  return (
    <>
      Model card:{' '}
      {Object.entries(CARDS).map(([format, title], at) => (
        <span key={format}>
          {at === 0 ? '' : ', '}
          <Download
            class="link"
            address={`${versionPath(of)}/card?format=${format}`}
            name={`${of.model}-${of.version}.${format}`}
          >
            {title}
          </Download>
        </span>
      ))}
    </>
  )
}

function ApprovalsPanel(of: Version): VNode {
  const live = useLive<ApprovalsBody>(`${versionPath(of)}/approvals`, EVERY_MS)
  return (
    <LivePanel
      live={live}
      width="half"
      title="Approvals"
      emptiness={({ needed, approvals }) =>
        needed > 0 || approvals.length > 0
          ? undefined
          : {
              title: 'None is needed, and none was given',
              text: (
                <>
                  <code>versions.approvals</code> says how many people must approve before a version becomes champion.
                </>
              ),
            }
      }
      draw={body => <Approvals {...body} of={of} />}
    />
  )
}

function Approvals({ needed, approved, rejected, approvals, of }: ApprovalsBody & { of: Version }): VNode {
  const isEnough = approved >= needed && rejected === 0
  const said = rejected > 0 ? `rejected by ${plural(rejected, 'person', 'people')}` : `${approved} of ${needed} needed`
  return (
    <>
      <p>
        <StateMark state={rejected > 0 ? 'alarm' : isEnough ? 'ok' : 'warning'} label={said} /> Approved:{' '}
        {rejected > 0 ? `no, ${said}` : said}
        {isEnough ? null : (
          <>
            {'. '}
            <code>
              bellwether approve {of.model}@{of.version}
            </code>
          </>
        )}
      </p>
      <ul class="steps">
        {approvals.map(({ id, decision, comment, by, at, counts }) => (
          <li key={id}>
            <StateMark
              state={decision === 'approved' ? (counts ? 'ok' : 'idle') : counts ? 'alarm' : 'idle'}
              label={decision}
            />
            <span>
              {comment}{' '}
              <span class="quiet">
                {decision} {date(at)} by {by}
                {counts ? '' : ', does not count'}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

const STANDING = { good: 'ok', deprecated: 'warning', retired: 'alarm' } as const
const STANDING_WORDS = { good: 'In use', deprecated: 'Deprecated', retired: 'Retired' } as const

function StandingPanel(of: Version): VNode {
  // Who calls is asked of the ledger, which takes a while: once for a page.
  const live = useLive<StandingBody>(`${versionPath(of)}/standing`, 0)
  return (
    <LivePanel
      live={live}
      width="half"
      title="Standing"
      emptiness={() => undefined}
      draw={body => <Standing {...body} />}
    />
  )
}

function Standing({ state, reason, successor, sunsetAt, at, by, days, callers }: StandingBody): VNode {
  const since = at === undefined ? '' : ` since ${date(at)}, by ${by}`
  return (
    <>
      <p>
        <StateMark state={STANDING[state]} label={state} /> {STANDING_WORDS[state]}
        {since}
        {reason === undefined ? '' : `: ${reason}`}
        {successor === undefined ? '' : `. Its successor is ${successor}`}
        {sunsetAt === undefined ? '' : `, it ends ${date(sunsetAt)}`}
      </p>
      {callers.length === 0 ? (
        <p class="quiet">Nobody was answered by it in the last {plural(days, 'day')}.</p>
      ) : (
        <div class="table-box">
          <table class="table dense">
            <thead>
              <tr>
                <th scope="col">Who called in {plural(days, 'day')}</th>
                <th scope="col" class="number">
                  Calls
                </th>
                <th scope="col" class="number">
                  Last
                </th>
              </tr>
            </thead>
            <tbody>
              {callers.map(({ actor, calls, lastAt }) => (
                <tr key={actor}>
                  <td>{actor}</td>
                  <td class="number">{count(calls)}</td>
                  <td class="number">{date(lastAt)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}
