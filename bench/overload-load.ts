/** The generator of `overload.ts`, in a process of its own: a schedule that does not wait for answers. Prints JSON. */
import { readFileSync } from 'node:fs'
import { runLoad } from '../src/loadtest/run-load.ts'
import { seededRandom } from '../src/math/random.ts'

export interface OverloadPlan {
  readonly url: string
  /** File of JSON bodies, one a line. */
  readonly bodies: string
  readonly rate: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly connections: number
  /** After which an answer is of no use to its caller. */
  readonly deadlineMs: number
}

export interface OverloadFound {
  readonly due: number
  /** Answered with 2xx within the deadline. */
  readonly goodPerSecond: number
  /** Null where nothing was answered. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** By status, or why there was none. */
  readonly errors: Readonly<Record<string, number>>
}

if (import.meta.main) {
  const plan = JSON.parse(process.argv[2]!) as OverloadPlan
  const { hostname, port, pathname } = new URL(plan.url)
  const requests = readFileSync(plan.bodies, 'utf8')
    .trim()
    .split('\n')
    .map(body => {
      const head = [
        `POST ${pathname} HTTP/1.1`,
        `host: ${hostname}:${port}`,
        'content-type: application/json',
        `content-length: ${Buffer.byteLength(body)}`,
      ]
      return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
    })
  const { tally, measuredMs } = await runLoad(
    {
      endpoint: { host: hostname, port: Number(port), isSecure: false },
      requests,
      rate: plan.rate,
      arrivals: 'poisson',
      random: seededRandom(7),
      connections: plan.connections,
      warmUpMs: plan.warmUpSeconds * 1000,
      measuredMs: plan.seconds * 1000,
      timeoutMs: plan.deadlineMs,
    },
    { signal: new AbortController().signal, onProgress: () => {} },
  )
  const found: OverloadFound = {
    due: tally.due,
    goodPerSecond: (tally.answered * 1000) / measuredMs,
    p50Ms: tally.service.quantile(0.5) / 1000,
    p99Ms: tally.service.quantile(0.99) / 1000,
    errors: Object.fromEntries(tally.errors),
  }
  process.stdout.write(`${JSON.stringify(found)}\n`)
}
