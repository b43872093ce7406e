/** Prometheus' text exposition, written by hand: for families whose counting must cost nothing. */

/** Quoted and escaped label pairs, without braces: `model="churn",version="1.0.0"`. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** The two lines before a family's samples. */
export function familyHead(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

/** Counts of values by upper bound, inclusive, as Prometheus counts them. */
export interface HistogramCounts {
  /** Ascending, finite. */
  readonly bounds: Float64Array
  /** One more than bounds: the last is for values beyond. Not cumulative. */
  readonly counts: Float64Array
  sum: number
}

export function histogramCounts(bounds: readonly number[]): HistogramCounts {
  return { bounds: Float64Array.from(bounds), counts: new Float64Array(bounds.length + 1), sum: 0 }
}

/** A value that somebody can look into: of a bucket, the last whose trace is kept. */
export interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Counts one finite value: a binary search and two additions. Returns the place of its bucket in `counts`. */
export function countValue(histogram: HistogramCounts, value: number): number {
  const { bounds, counts } = histogram
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value <= bounds[middle]!) high = middle
    else low = middle + 1
  }
  counts[low]! += 1
  histogram.sum += value
  return low
}

/**
 * The samples of one histogram under its labels.
 * @param exemplars by bucket; OpenMetrics only, for Prometheus' own text format has none.
 */
export function histogramText(
  name: string,
  labels: string,
  { bounds, counts, sum }: HistogramCounts,
  exemplars: readonly (Exemplar | undefined)[] = [],
): string {
  let text = ''
  let below = 0
  for (let at = 0; at < bounds.length; at++) {
    below += counts[at]!
    text += `${name}_bucket{${labels},le="${bounds[at]!}"} ${below}${exemplarText(exemplars[at])}\n`
  }
  below += counts[bounds.length]!
  const last = exemplarText(exemplars[bounds.length])
  return `${text}${name}_bucket{${labels},le="+Inf"} ${below}${last}\n${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${below}\n`
}

/** OpenMetrics 1.0, "Exemplars": labels, value, seconds since 1970. */
function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return ''
  return ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.at / 1000}`
}
