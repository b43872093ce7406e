/** What Prometheus reads. The registry is handed around, never global; the hot path renders its own families. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter
  gauge(name: string, help: string, labels?: readonly string[]): Gauge
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram
  /** Families that count by themselves: `render` returns exposition text, ending in a line feed, whenever somebody reads. */
  family(render: (format: ExpositionFormat) => string): void
  /** The whole exposition, in OpenMetrics where `accept` asks for it, else in Prometheus' text format. */
  expose(accept: string | undefined): Promise<{ readonly text: string; readonly type: string }>
}

export type ExpositionFormat = 'prometheus' | 'openmetrics'

const TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

export function openMetrics(): Metrics {
  const registry = new Registry()
  const families: ((format: ExpositionFormat) => string)[] = []
  collectDefaultMetrics({ register: registry })
  const registers = [registry]

  return {
    counter: (name, help, labelNames = []) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, labelNames = []) => new Gauge({ name, help, labelNames, registers }),
    histogram: (name, help, buckets, labelNames = []) =>
      new Histogram({ name, help, buckets: [...buckets], labelNames, registers }),
    family(render): void {
      families.push(render)
    },
    async expose(accept): Promise<{ text: string; type: string }> {
      const format = accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'prometheus'
      const own = families.map(render => render(format)).join('')
      const others = `${(await registry.metrics()).trimEnd()}\n`
      const text = format === 'prometheus' ? others + own : `${withoutTotals(others)}${own}# EOF\n`
      return { text, type: TYPES[format] }
    },
  }
}

/** OpenMetrics names a counter's family without the `_total` of its sample. */
function withoutTotals(text: string): string {
  return text.replace(/^# (HELP|TYPE) (\S+)_total /gm, '# $1 $2 ').replace(/\n{2,}/g, '\n')
}
