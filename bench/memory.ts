/**
 * Resident memory of the server over a steady load: `npm run bench:memory -- [--minutes 5] [--rate 2000]`.
 *
 * The first fifth is warm-up: the heap grows to its working size. After it, the mean, how far the means of eight equal spans lie
 * from it, the lowest and highest sample (the heap breathes with its collector), and the slope of the least-squares line are told. The rate is bounded because every request is kept on disk.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import type { LoadResult } from './load.ts'
import {
  bodiesFile,
  machine,
  pinned,
  registerExample,
  remove,
  residentBytes,
  startServer,
  temporaryFolder,
} from './processes.ts'

const run = promisify(execFile)
const SERVER_CORE = 0
const LOAD_CORE = 1
const SAMPLE_MS = 1000
const WARM_UP_SHARE = 0.2
const SPANS = 8
const CONNECTIONS = 32

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, rate: { type: 'string', default: '2000' } },
})
const seconds = Number(values.minutes) * 60

interface Sample {
  readonly minutes: number
  readonly megabytes: number
}

function meanOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { megabytes }) => sum + megabytes, 0) / samples.length
}

/** Slope of the least-squares line, megabytes a minute. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number => samples.reduce((sum, s) => sum + of(s), 0) / samples.length
  const minutes = mean(s => s.minutes)
  const megabytes = mean(s => s.megabytes)
  const covariance = mean(s => (s.minutes - minutes) * (s.megabytes - megabytes))
  return covariance / mean(s => (s.minutes - minutes) ** 2)
}

async function observe(pid: number, url: string, bodies: string): Promise<{ samples: Sample[]; load: LoadResult }> {
  const generator = new URL('load.ts', import.meta.url).pathname
  const told = [
    '--url',
    `${url}/predict`,
    '--bodies',
    bodies,
    '--seconds',
    String(seconds),
    '--rate',
    values.rate,
    '--connections',
    String(CONNECTIONS),
  ]
  const samples: Sample[] = []
  const startedAt = performance.now()
  const timer = setInterval(() => {
    samples.push({ minutes: (performance.now() - startedAt) / 60_000, megabytes: residentBytes(pid) / 1e6 })
  }, SAMPLE_MS)
  try {
    const [program, args] = pinned(LOAD_CORE, [process.execPath, generator, ...told])
    return { samples, load: JSON.parse((await run(program, args)).stdout) as LoadResult }
  } finally {
    clearInterval(timer)
  }
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  registerExample(data)
  const server = await startServer(data, SERVER_CORE)
  try {
    const { samples, load } = await observe(server.pid, server.url, bodiesFile(folder, 997))
    const kept = samples.slice(Math.floor(samples.length * WARM_UP_SHARE))
    const mean = meanOf(kept)
    const spans = Array.from({ length: SPANS }, (_, i) =>
      meanOf(kept.slice(Math.floor((i * kept.length) / SPANS), Math.floor(((i + 1) * kept.length) / SPANS))),
    )
    const deviation = Math.max(...spans.map(span => Math.abs(span - mean))) / mean
    const all = kept.map(({ megabytes }) => megabytes)
    process.stdout.write(
      [
        `Resident memory over ${values.minutes} min at ${Math.round(load.requestsPerSecond)} requests/s (${load.requests} requests, ${load.failures} failed):`,
        `  mean after warm-up ${mean.toFixed(0)} MB; spans within ±${(deviation * 100).toFixed(1)} %: ${spans.map(span => span.toFixed(0)).join(' ')} MB`,
        `  lowest ${Math.min(...all).toFixed(0)} MB, highest ${Math.max(...all).toFixed(0)} MB, slope ${slope(kept).toFixed(2)} MB a minute`,
        `  ${machine()}`,
        '',
      ].join('\n'),
    )
  } finally {
    await server.stop()
  }
} finally {
  remove(folder)
}
