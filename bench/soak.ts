/**
 * Whether memory, descriptors and latency of a server stay as they are under a steady load:
 * `npm run bench:soak -- [--minutes 30] [--rate 2000] [--svg docs/pictures/soak.svg] [--samples FILE]`.
 *
 * The load is `bellwether bench`, arriving at random, with latency from when a request was due. The first fifth is warm-up: the heap
 * grows to its working size, the compiler does its work. After it, each figure is told in eight spans and as the
 * change over the time by its least-squares line. The rate is bounded because every request is kept on disk.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadReport } from '../src/loadtest/report.ts'
import { type Chart, chartSvg, latencyAxis, roundAxis } from '../src/loadtest/report-charts.ts'
import { latencyText } from '../src/loadtest/report-text.ts'
import { openLoop } from './open-loop.ts'
import {
  bodiesFile,
  cpuSeconds,
  machine,
  median,
  registerExample,
  remove,
  residentBytes,
  startServer,
  temporaryFolder,
} from './processes.ts'

const SERVER_CORE = 0
const CONNECTIONS = 32
const SAMPLE_MS = 2000
const WARM_UP_SHARE = 0.2
const SPANS = 8

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '2000' },
    svg: { type: 'string' },
    samples: { type: 'string' },
  },
})
const seconds = Number(values.minutes) * 60

interface Sample {
  readonly minutes: number
  readonly megabytes: number
  readonly descriptors: number
  readonly threads: number
  readonly cpuSeconds: number
}

/** A figure over time. */
type Series = readonly (readonly [minutes: number, value: number])[]

function sampleOf(pid: number, minutes: number): Sample {
  const threads = /^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return {
    minutes,
    megabytes: residentBytes(pid) / 1e6,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: Number(threads),
    cpuSeconds: cpuSeconds(pid),
  }
}

async function soak(folder: string): Promise<{ samples: Sample[]; report: LoadReport }> {
  const data = join(folder, 'data')
  registerExample(data)
  const rows = bodiesFile(folder, 997)
  const server = await startServer(data, SERVER_CORE)
  const samples: Sample[] = []
  const startedAt = performance.now()
  const timer = setInterval(() => {
    samples.push(sampleOf(server.pid, (performance.now() - startedAt) / 60_000))
  }, SAMPLE_MS)
  try {
    const rate = Number(values.rate)
    const load = { url: `${server.url}/predict`, rows, rate, seconds, connections: CONNECTIONS }
    // Nothing is left out by the command: what is warm-up is decided here, for all figures alike.
    const report = await openLoop({ ...load, arrivals: 'poisson', options: ['--warm-up', '0s'] })
    return { samples, report }
  } finally {
    clearInterval(timer)
    await server.stop()
  }
}

function settled(series: Series): Series {
  const last = series.at(-1)?.[0] ?? 0
  return series.filter(([minutes]) => minutes >= last * WARM_UP_SHARE)
}

/** The least-squares line's change from its first to its last moment, as a share of the mean. */
function trend(series: Series): number {
  const mean = (of: (point: Series[number]) => number): number =>
    series.reduce((sum, point) => sum + of(point), 0) / series.length
  const [at, value] = [mean(point => point[0]), mean(point => point[1])]
  const slope = mean(point => (point[0] - at) * (point[1] - value)) / mean(point => (point[0] - at) ** 2)
  return (slope * (series.at(-1)![0] - series[0]![0])) / value
}

function told(name: string, all: Series, digits: number): string {
  const series = settled(all)
  const spans = Array.from({ length: SPANS }, (_, i) => {
    const part = series.slice(
      Math.floor((i * series.length) / SPANS),
      Math.max(1, Math.floor(((i + 1) * series.length) / SPANS)),
    )
    return median(part.map(([, value]) => value)).toFixed(digits)
  })
  const numbers = series.map(([, value]) => value)
  const change = trend(series) * 100
  return `  ${name}: ${spans.join(' ')} (lowest ${Math.min(...numbers).toFixed(digits)}, highest ${Math.max(...numbers).toFixed(digits)}); change over the time ${change >= 0 ? '+' : ''}${change.toFixed(1)} %`
}

const STYLE = `text{fill:#62686c;font:11px sans-serif}.grid line,.axis line{stroke:#e3e4e0}.line{fill:none;stroke-width:1.4;stroke-linejoin:round}.main{stroke:#0f6d66}.second{stroke:#62686c}.third{stroke:#a3580a;stroke-width:1}.title{fill:#1a1d1f;font-weight:600;font-size:12px}`
const WIDTH = 880
const HEIGHT = 170
const TITLE = 24

/** Charts below each other in one picture. */
function picture(panels: readonly { readonly title: string; readonly chart: Chart }[]): string {
  const height = HEIGHT + TITLE
  const parts = panels.map(
    ({ title, chart }, i) =>
      `<g transform="translate(0 ${i * height})"><text class="title" x="58" y="16">${title}</text><g transform="translate(0 ${TITLE})">${chartSvg(chart).replace(/^<svg /, `<svg width="${WIDTH}" height="${HEIGHT}" `)}</g></g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${panels.length * height}" role="img" aria-label="Memory, descriptors and latency over time under a steady load"><style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>\n`
}

function chart(lines: Chart['lines'], text: (value: number) => string): Chart {
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite))
  const x = roundAxis(seconds / 60, minutes => `${minutes} min`, 6)
  return { width: WIDTH, height: HEIGHT, label: '', lines, x, y: roundAxis(most * 1.1, text, 3) }
}

function drawn(samples: readonly Sample[], { parts, partSeconds }: LoadReport): string {
  const of = (value: (sample: Sample) => number): Series => samples.map(sample => [sample.minutes, value(sample)])
  const latency = (value: (part: LoadReport['parts'][number]) => number | undefined): Series =>
    parts.map(part => [(part.at + partSeconds / 2) / 60, value(part) ?? Number.NaN])
  const lines: Chart['lines'] = [
    { tone: 'main', points: latency(part => part.p99) },
    { tone: 'second', points: latency(part => part.p50) },
  ]
  const latencies = latencyAxis(
    lines.flatMap(({ points }) => points.map(([, ms]) => ms)),
    latencyText,
  )
  return picture([
    {
      title: 'Resident memory',
      chart: chart([{ tone: 'main', points: of(({ megabytes }) => megabytes) }], value => `${value} MB`),
    },
    {
      title: 'Open descriptors (green) and threads (grey)',
      chart: chart(
        [
          { tone: 'main', points: of(({ descriptors }) => descriptors) },
          { tone: 'second', points: of(({ threads }) => threads) },
        ],
        String,
      ),
    },
    {
      title: 'Latency from when a request was due: p99 (green) and p50 (grey)',
      chart: { ...chart(lines, latencyText), y: latencies },
    },
  ])
}

const folder = temporaryFolder()
try {
  const { samples, report } = await soak(folder)
  const { requests, answered, parts, partSeconds, latencyMs, answeredPerSecond } = report
  const of = (value: (sample: Sample) => number): Series => samples.map(sample => [sample.minutes, value(sample)])
  const perMinute = (value: (part: LoadReport['parts'][number]) => number | undefined): Series =>
    parts.map(part => [(part.at + partSeconds / 2) / 60, value(part) ?? Number.NaN])
  const cpu: Series = samples.slice(1).map((sample, i) => {
    const before = samples[i]!
    const requestsMeanwhile = (sample.minutes - before.minutes) * 60 * answeredPerSecond
    return [sample.minutes, ((sample.cpuSeconds - before.cpuSeconds) * 1e6) / requestsMeanwhile]
  })
  const lines = [
    `${values.minutes} min at ${Math.round(answeredPerSecond)} requests/s, arriving at random: ${requests} requests, ${requests - answered} not answered`,
    'Medians of eight spans after the first fifth:',
    told(
      'resident memory, MB',
      of(({ megabytes }) => megabytes),
      0,
    ),
    told(
      'open descriptors',
      of(({ descriptors }) => descriptors),
      0,
    ),
    told(
      'threads',
      of(({ threads }) => threads),
      0,
    ),
    told(
      'p50, ms',
      perMinute(part => part.p50),
      2,
    ),
    told(
      'p99, ms',
      perMinute(part => part.p99),
      2,
    ),
    told('processor time a request, µs', cpu, 1),
    `  over all: p99 ${latencyMs?.p99.toFixed(2)} ms, p99.9 ${latencyMs?.p999.toFixed(2)} ms, the slowest ${latencyMs?.max.toFixed(0)} ms`,
    `  ${machine()}`,
    '',
  ]
  process.stdout.write(lines.join('\n'))
  if (values.svg !== undefined) writeFileSync(values.svg, drawn(samples, report))
  if (values.samples !== undefined) writeFileSync(values.samples, `${JSON.stringify({ samples, report })}\n`)
} finally {
  remove(folder)
}
