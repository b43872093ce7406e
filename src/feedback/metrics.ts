/** What Prometheus hears of outcomes and live quality. */
import type { Told } from './intake.ts'
import type { LiveQuality } from './watch.ts'

export interface FeedbackMetrics {
  /** Counts what became of outcomes. */
  count(status: Told['status'] | 'rejected', outcomes: number): void
  /** The families, for `Metrics.family`. */
  render(): string
}

const STATUSES = ['recorded', 'corrected', 'repeated', 'rejected'] as const

export function feedbackMetrics(all: () => readonly LiveQuality[]): FeedbackMetrics {
  const counts = new Map<string, number>(STATUSES.map(status => [status, 0]))
  return {
    count(status, outcomes): void {
      counts.set(status, counts.get(status)! + outcomes)
    },
    render(): string {
      const live = all()
      const ends = ['value', 'low', 'high'] as const
      const [value, low, high] = ends.map(end =>
        live.flatMap(({ model, version, metrics }) =>
          Object.entries(metrics).map(([metric, estimate]) => sample({ model, version, metric }, estimate[end])),
        ),
      ) as [string[], string[], string[]]
      const maturity = live.flatMap(({ model, version, maturity: known }) =>
        known === undefined ? [] : [sample({ model, version }, known)],
      )
      const told = STATUSES.map(status => sample({ status }, counts.get(status)!))
      const newest = 'over the newest predictions whose outcome is known'
      return [
        family('live_quality', 'gauge', `How right a version is, ${newest}.`, value),
        family('live_quality_low', 'gauge', 'Lower end of the 95 % interval of live_quality.', low),
        family('live_quality_high', 'gauge', 'Upper end of the 95 % interval of live_quality.', high),
        family('outcome_maturity', 'gauge', 'Share of the predictions whose outcome is known.', maturity),
        family('outcomes_total', 'counter', 'Outcomes told, by what became of them.', told),
      ].join('')
    },
  }
}

function family(name: string, type: string, help: string, samples: readonly string[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(text => `${name}${text}\n`).join('')}`
}

/** Names of models and versions need no escape. */
function sample(labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([name, text]) => `${name}="${text}"`)
  return `{${pairs.join(',')}} ${value}`
}
