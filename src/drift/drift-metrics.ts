/** What Prometheus is told of drift: the statistics that decide, and the state. */
import { labelText } from '../monitoring/exposition.ts'
import type { Verdict } from './judge.ts'
import type { WatchedVersion } from './watched-version.ts'

const STATES: Readonly<Record<Verdict, number>> = { 'not watched': 0, 'too few': 0, ok: 0, warning: 1, drift: 2 }

/** A version that was not asked for so long is not told any more: nobody wants to be woken for one that was replaced. */
const IDLE_MS = 86_400_000

/** Two families in the text format. */
export function driftText(versions: readonly WatchedVersion[], now: number): string {
  const judged = versions.filter(({ latest }) => latest !== undefined && latest.to > now - IDLE_MS)
  return [
    '# HELP drift_score Difference between the last predictions and the reference data, by statistic.\n',
    '# TYPE drift_score gauge\n',
    ...judged.map(scores),
    '# HELP drift_state Whether the last predictions are like the reference data: 0 ok, 1 warning, 2 drift.\n',
    '# TYPE drift_state gauge\n',
    ...judged.map(({ model, version, state }) => {
      return `drift_state{${labelText({ model, version })}} ${STATES[state.verdict]}\n`
    }),
  ].join('')
}

function scores({ model, version, latest, compared }: WatchedVersion): string {
  let text = ''
  for (const { column, measured, verdicts } of latest!.columns) {
    for (const statistic of compared.settings.decide) {
      const value = measured?.values[statistic]
      const verdict = verdicts[statistic]
      if (value === undefined || verdict === undefined || verdict === 'too few') continue
      const labels = labelText({ model, version, feature: column.name, kind: column.kind, statistic })
      text += `drift_score{${labels}} ${value}\n`
    }
  }
  return text
}
