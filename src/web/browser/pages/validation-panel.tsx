/** What a version had to show before it answered, and whether it did. */
import type { VNode } from 'preact'
import { date, decimals, plural } from '../../../ui/format.ts'
import { StateMark, type StateName } from '../../../ui/parts/state-mark.tsx'
import type { CheckBody, ValidationBody, ValidationsBody } from '../api-validation.ts'
import { useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { modelPath } from '../router.ts'

const EVERY_MS = 15_000
const STATES: Readonly<Record<CheckBody['status'], StateName>> = {
  failed: 'alarm',
  warned: 'warning',
  passed: 'ok',
  skipped: 'idle',
}
const ORDER = ['failed', 'warned', 'passed', 'skipped'] as const

export function ValidationPanel({ model, version }: { model: string; version: string }): VNode {
  const path = `${modelPath(model)}/versions/${encodeURIComponent(version)}/validations`
  const live = useLive<ValidationsBody>(path, EVERY_MS)
  const latest = live.body?.validations[0]
  return (
    <LivePanel
      live={live}
      width="half"
      title="Validation"
      note={latest === undefined ? undefined : `${date(latest.at)} by ${latest.by}`}
      emptiness={({ validations }) =>
        validations.length > 0
          ? undefined
          : {
              title: 'It was not validated',
              text: (
                <>
                  <code>
                    bellwether validate {model}@{version}
                  </code>{' '}
                  looks for leaks, slices where it is bad, and compares it with the champion.
                </>
              ),
            }
      }
      draw={({ validations: [made] }) => <Verdict key={made!.id} path={`${path}/${made!.id}`} made={made!} />}
    />
  )
}

function Verdict({ path, made }: { path: string; made: ValidationsBody['validations'][number] }): VNode {
  const { body } = useLive<ValidationBody>(path, 0)
  const { passed, counts, against } = made
  const than = against === undefined ? '' : `, compared with ${against}`
  const told = `${plural(counts.passed, 'check')} passed, ${counts.failed} failed, ${counts.warned} warned${than}`
  const checks = body?.report.checks ?? []
  return (
    <>
      <p>
        <StateMark
          state={passed ? (counts.warned > 0 ? 'warning' : 'ok') : 'alarm'}
          label={passed ? 'Passed' : 'Failed'}
        />{' '}
        {passed ? 'Passed' : 'Failed'}: {told}
      </p>
      <ul class="steps">
        {ORDER.flatMap(status => checks.filter(check => check.status === status)).map(({ name, status, says }) => (
          <li key={name}>
            <StateMark state={STATES[status]} label={status} />
            <span>{says}</span>
          </li>
        ))}
      </ul>
      {body === undefined ? null : <Slices report={body.report} />}
    </>
  )
}

function Slices({ report: { slices } }: Pick<ValidationBody, 'report'>): VNode | null {
  const judged = slices.rows.filter(({ estimate }) => estimate !== undefined)
  if (judged.length === 0) return null
  return (
    <div class="table-box">
      <table class="table dense">
        <thead>
          <tr>
            <th scope="col">Slice</th>
            <th scope="col" class="number">
              Rows
            </th>
            <th scope="col" class="number">
              {slices.metric.replaceAll('_', ' ')}
            </th>
            <th scope="col" class="number">
              Interval
            </th>
          </tr>
        </thead>
        <tbody>
          {judged.map(({ column, slice, rows, estimate }) => (
            <tr key={`${column} ${slice}`}>
              <td>
                {column}: {slice}
              </td>
              <td class="number">{rows}</td>
              <td class="number">{decimals(estimate!.value, 3)}</td>
              <td class="number">
                {decimals(estimate!.low, 3)}–{decimals(estimate!.high, 3)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
