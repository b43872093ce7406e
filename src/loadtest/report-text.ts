/** A load test's report for a terminal: figures, two plots, and the targets. Pure. */
import type { Paint } from '../platform/paint.ts'
import { bytesText, durationText, numberText } from '../platform/text-table.ts'
import { padEnd, padStart, plain } from '../platform/text-width.ts'
import type { Latencies, LoadReport, TargetVerdict } from './report.ts'
import { percentText, shown } from './report.ts'

const BAR_COLUMNS = 32
const PLOT_COLUMNS = 60
const PLOT_ROWS = 6
const EIGHTHS = ' ▁▂▃▄▅▆▇█'
const ACROSS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const LABEL_COLUMNS = 9

export function reportText(report: LoadReport, paint: Paint): string {
  const sections = [
    headLines(report, paint),
    latencyLines(report, paint),
    histogramLines(report, paint),
    plotLines(report, paint),
    errorLines(report, paint),
    targetLines(report, paint),
    report.notes.map(note => `${paint.notable('note')} ${plain(note)}`),
  ]
  return sections
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n')
}

/** What was done, in two lines and one of results. */
function headLines(report: LoadReport, { strong, faint }: Paint): string[] {
  const { url, model, version, rate, arrivals, connections, threads, seconds, warmUpSeconds, rows, rowsFrom, server } =
    report
  const who = model === undefined ? '' : `  ${model}${version === undefined ? '' : `@${version}`}`
  const how = arrivals === 'poisson' ? 'at random' : 'equally spaced'
  const cost = [
    ...(server.cpuUs === undefined ? [] : [`${shown(server.cpuUs)} µs of processor time a request`]),
    ...(server.residentBytes === undefined ? [] : [`${bytesText(server.residentBytes)} resident`]),
  ]
  return [
    `${strong(`POST ${plain(url)}`)}${plain(who)}`,
    faint(
      `${shown(rate)} requests/s, arriving ${how}, for ${durationText(seconds * 1000)} after ${durationText(warmUpSeconds * 1000)} of warm-up; ${connections} connections${threads > 1 ? ` of ${threads} threads` : ''}`,
    ),
    faint(`${numberText(rows)} different rows, ${plain(rowsFrom)}`),
    `${numberText(report.requests)} requests, ${numberText(report.answered)} answered with 2xx: ${shown(report.answeredPerSecond)}/s`,
    ...(cost.length === 0 ? [] : [`The server: ${cost.join(', ')}`]),
  ]
}

/** One step of the search for the highest rate. */
export function triedText(report: LoadReport, isGood: boolean, { good, bad }: Paint): string {
  const { rate, latencyMs, errorRate, isGeneratorLate } = report
  const p99 = latencyMs === undefined ? '–' : latencyText(latencyMs.p99)
  const figures = `${padStart(`${shown(rate)}/s`, 12)}  p99 ${padStart(p99, 8)}  errors ${padStart(percentText(errorRate), 8)}`
  return `${figures}  ${isGood ? good('kept') : bad(isGeneratorLate ? 'the generator is too late' : 'not kept')}`
}

const FIGURES: readonly (readonly [string, keyof Latencies])[] = [
  ['mean', 'mean'],
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['p99.9', 'p999'],
  ['max', 'max'],
]

function latencyLines({ latencyMs, serviceMs }: LoadReport, { strong, faint }: Paint): string[] {
  if (latencyMs === undefined) return []
  const line = (name: string, of: Latencies | undefined): string =>
    `${padEnd(name, 17)}${FIGURES.map(([, key]) => padStart(of === undefined ? '–' : latencyText(of[key]), 10)).join('')}`
  return [
    faint(`${padEnd('latency', 17)}${FIGURES.map(([name]) => padStart(name, 10)).join('')}`),
    strong(line('since it was due', latencyMs)),
    faint(line('since it was sent', serviceMs)),
  ]
}

/** Three digits, in the unit that suits. */
export function latencyText(ms: number): string {
  const rounded = Number(ms.toPrecision(3))
  if (rounded < 1) return `${shown(rounded * 1000)} µs`
  return rounded < 1000 ? `${rounded} ms` : `${shown(rounded / 1000)} s`
}

function histogramLines({ histogram }: LoadReport, { accent, faint }: Paint): string[] {
  const total = histogram.reduce((sum, { count }) => sum + count, 0)
  const most = Math.max(...histogram.map(({ count }) => count))
  return histogram.map(({ fromMs, toMs, count }) => {
    const range = padStart(`${latencyText(fromMs)} – ${latencyText(toMs)}`, 19)
    const share = padStart(percentText(count / total), 9)
    return `${faint(range)} ${accent(padEnd(count === 0 ? '' : bar((count / most) * BAR_COLUMNS), BAR_COLUMNS))}${share} ${faint(padStart(numberText(count), 10))}`
  })
}

function bar(columns: number): string {
  const eighths = Math.max(1, Math.round(columns * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + ACROSS[eighths % 8]!
}

interface Column {
  readonly p99: number
  readonly max: number
}

/** p99 and the slowest answer over time, on a scale of factors. */
function plotLines(report: LoadReport, { accent, faint, notable }: Paint): string[] {
  const columns = plotColumns(report)
  const known = columns.filter(({ max }) => Number.isFinite(max))
  if (known.length < 2) return []
  const low = Math.log(Math.min(...known.map(({ p99 }) => p99)) / 1.5)
  const high = Math.log(Math.max(...known.map(({ max }) => max)))
  const rowsOf = (ms: number): number => ((Math.log(ms) - low) / Math.max(1e-9, high - low)) * PLOT_ROWS
  const rows = Array.from({ length: PLOT_ROWS }, (_, i) => {
    const row = PLOT_ROWS - 1 - i
    const label = padStart(latencyText(Math.exp(low + ((row + 1) * (high - low)) / PLOT_ROWS)), LABEL_COLUMNS)
    const cells = columns.map(({ p99, max }) => {
      if (!Number.isFinite(max)) return ' '
      const filled = Math.min(8, Math.max(0, Math.round((rowsOf(p99) - row) * 8)))
      if (filled > 0) return accent(EIGHTHS[filled]!)
      return Math.min(PLOT_ROWS - 1, Math.floor(rowsOf(max))) === row ? notable('·') : ' '
    })
    return `${faint(label)} ${cells.join('').trimEnd()}`
  })
  const end = `${shown(report.seconds)} s`
  return [
    faint(`${' '.repeat(LABEL_COLUMNS)} p99 over time; · the slowest`),
    ...rows,
    faint(`${padStart('0', LABEL_COLUMNS + 2)}${padStart(end, Math.max(0, columns.length - 1))}`),
  ]
}

/** Neighbouring parts together, where there are more than columns: the worst of them. */
function plotColumns({ parts }: LoadReport): Column[] {
  const together = Math.ceil(parts.length / PLOT_COLUMNS)
  const wide = Math.max(1, Math.floor(PLOT_COLUMNS / Math.max(1, parts.length)))
  const columns: Column[] = []
  for (let at = 0; at < parts.length; at += together) {
    const group = parts.slice(at, at + together)
    const worst = (of: (part: (typeof parts)[number]) => number | undefined): number =>
      Math.max(...group.map(of).map(value => value ?? Number.NEGATIVE_INFINITY))
    const column = { p99: worst(part => part.p99), max: worst(part => part.max) }
    for (let copy = 0; copy < Math.min(3, wide); copy++) columns.push(column)
  }
  return columns
}

const KINDS: Readonly<Record<string, string>> = {
  timeout: 'no answer in time',
  unsent: 'not sent: no connection was free in time',
  lost: 'the connection broke',
}

/** Why a request was not answered, for people. */
export function errorName(kind: string): string {
  return KINDS[kind] ?? `status ${kind}`
}

function errorLines({ errors, errorSamples }: LoadReport, { bad, faint }: Paint): string[] {
  return Object.entries(errors).flatMap(([kind, count]) => {
    const sample = errorSamples[kind]
    const said = sample === undefined ? [] : [faint(`  ${sampleText(sample)}`)]
    return [`${bad(numberText(count))} ${errorName(kind)}`, ...said]
  })
}

const SAMPLE_CHARACTERS_MAX = 200

/** What a problem document says, or the first words of what is none. */
export function sampleText(sample: string): string {
  let text = sample
  try {
    const { detail, error } = JSON.parse(sample) as { detail?: unknown; error?: unknown }
    if (typeof detail === 'string') text = detail
    else if (typeof error === 'string') text = error
  } catch {
    // No JSON, or not the whole of it: then as it is.
  }
  const line = plain(text.replaceAll(/\s+/g, ' ').trim())
  return line.length > SAMPLE_CHARACTERS_MAX ? `${line.slice(0, SAMPLE_CHARACTERS_MAX)}…` : line
}

/** Met, missed, or not to be told. */
export function verdictWord({ met }: TargetVerdict): 'met' | 'missed' | 'not tested' {
  if (met === undefined) return 'not tested'
  return met ? 'met' : 'missed'
}

function targetLines({ targets, targetsFrom }: LoadReport, { good, bad, faint }: Paint): string[] {
  if (targets.length === 0) return []
  const words = { met: good('met       '), missed: bad('missed    '), 'not tested': faint('not tested') }
  return [
    faint(`targets: ${plain(targetsFrom)}`),
    ...targets.map(target => `${words[verdictWord(target)]}  ${padEnd(target.name, 11)}  ${target.sentence}`),
  ]
}
