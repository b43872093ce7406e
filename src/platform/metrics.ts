/** What a process counts, as Prometheus and OpenMetrics read it. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type Exposition, mergeMetrics } from './merge-metrics.ts'

export type MetricsFormat = 'prometheus' | 'openmetrics'

export interface Metrics {
  /**
   * A family of samples that somebody counts in their own way, because a library would be too slow there. `render` returns
   * its lines in the Prometheus text format, each ended by a line feed: `# HELP`, `# TYPE`, then the samples, a counter's
   * family under its full name with `_total` (OpenMetrics' shorter family name is made of it). Only for `openmetrics` may
   * samples carry exemplars.
   */
  family(render: (format: MetricsFormat) => string): void
  /** A number that only grows. Its name ends in `_total`. */
  counter<L extends string>(options: MetricOptions<L>): Counter<L>
  /** A number that goes up and down. */
  gauge<L extends string>(options: MetricOptions<L>): Gauge<L>
  /** A distribution. `buckets` are upper bounds, rising, without infinity. */
  histogram<L extends string>(options: MetricOptions<L> & { readonly buckets: readonly number[] }): Histogram<L>
  /** Adds what other processes of this server expose as `own` does. */
  beside(expose: (format: MetricsFormat) => Promise<readonly Exposition[]>): void
  /** What this process counts, as `family` wants it. */
  own(format: MetricsFormat): Promise<string>
  /** Everything, in OpenMetrics where the `Accept` header prefers that, else in the Prometheus text format. */
  expose(accept?: string): Promise<{ readonly text: string; readonly type: string }>
}

export interface MetricOptions<L extends string> {
  readonly name: string
  readonly help: string
  readonly labels?: readonly L[]
}

const TYPES: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Gauges of the library whose names end as only a counter's may. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** Starts with the process's own metrics: CPU, memory, file descriptors, event loop, garbage collection. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const renderers: ((format: MetricsFormat) => string)[] = []
  let others: ((format: MetricsFormat) => Promise<readonly Exposition[]>) | undefined
  const own = async (format: MetricsFormat): Promise<string> => {
    const families = [await registry.metrics(), ...renderers.map(render => render(format))]
    return families
      .map(family => `${family}\n`)
      .join('')
      .replace(/\n{2,}/g, '\n')
  }
  const common = <L extends string>({ name, help, labels = [] }: MetricOptions<L>) => ({
    name: judgedName(name),
    help,
    labelNames: [...labels],
    registers: [registry],
  })
  return {
    family(render): void {
      renderers.push(render)
    },
    counter<L extends string>(options: MetricOptions<L>): Counter<L> {
      if (!options.name.endsWith('_total'))
        throw new Error(`Cannot make the counter ${options.name}: its name must end in _total`)
      return new Counter(common(options))
    },
    gauge<L extends string>(options: MetricOptions<L>): Gauge<L> {
      if (options.name.endsWith('_total')) {
        throw new Error(`Cannot make the gauge ${options.name}: only a counter's name ends in _total`)
      }
      return new Gauge(common(options))
    },
    histogram<L extends string>(options: MetricOptions<L> & { readonly buckets: readonly number[] }): Histogram<L> {
      return new Histogram({ ...common(options), buckets: [...options.buckets] })
    },
    beside(expose): void {
      others = expose
    },
    own,
    async expose(accept?: string): Promise<{ text: string; type: string }> {
      const format = formatFor(accept)
      const text = others === undefined ? await own(format) : mergeMetrics(await own(format), await others(format))
      return { text: format === 'openmetrics' ? openMetricsText(text) : text, type: TYPES[format] }
    },
  }
}

function judgedName(name: string): string {
  if (/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) return name
  throw new Error(`Cannot make the metric ${name}: wanted a name in lower snake case`)
}

/** OpenMetrics 1.0 names a counter's family without `_total`, quotes in help texts, calls untyped unknown, says where it ends. */
function openMetricsText(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(found => found[1] as string))
  const headers = text.replace(/^# (HELP|TYPE) (\S+)_total /gm, (line, keyword: string, name: string) =>
    counters.has(name) ? `# ${keyword} ${name} ` : line,
  )
  const helped = headers.replace(/^# HELP .*$/gm, line => line.replace(/(?<!\\)"/g, '\\"'))
  return `${helped.replace(/^(# TYPE \S+) untyped$/gm, '$1 unknown')}# EOF\n`
}

/** Content negotiation (RFC 9110 §12.5.1) between two types; without a preference, the older one, which every tool reads. */
export function formatFor(accept = ''): MetricsFormat {
  const ranges = accept.split(',').map(range => {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const weight = parameters.find(parameter => parameter.startsWith('q='))
    return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 }
  })
  const weightOf = (types: readonly string[]): number => {
    const found = types.map(type => ranges.filter(range => range.type === type)).find(matches => matches.length > 0)
    return Math.max(0, ...(found ?? []).map(range => range.weight))
  }
  const openmetrics = weightOf(['application/openmetrics-text'])
  const prometheus = weightOf(['text/plain', 'text/*', '*/*'])
  return openmetrics > 0 && openmetrics >= prometheus ? 'openmetrics' : 'prometheus'
}
