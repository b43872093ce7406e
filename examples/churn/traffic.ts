/** Live traffic over real HTTP: keep-alive connections, a bounded number of requests under way, now and then a wrong one. */
import { Agent, request } from 'node:http'
import type { Person } from './population.ts'

export interface Answered {
  readonly person: Person
  /** Of the record. */
  readonly id: string
  /** The model's first output. */
  readonly value: number
}

export interface Wrong {
  readonly what: string
  readonly path: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Refusal {
  readonly what: string
  readonly count: number
  readonly status: number
  readonly code: string
  /** What the caller was told: the detail, and the fields. */
  readonly told: string
}

export interface Figures {
  readonly done: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface TrafficPlan {
  readonly url: string
  readonly path: string
  readonly people: readonly Person[]
  /** How many others were asked about before. */
  readonly before: number
  readonly purpose: string | undefined
  /** Sent in turn, one after each `WRONG_EVERY` right ones. */
  readonly wrong: readonly Wrong[]
  readonly signal: AbortSignal
  readonly observe: (figures: Figures) => void
  /** At most; so that what comes in seconds here can be told apart in time. */
  readonly requestsPerSecond: number
}

export interface TrafficResult extends Figures {
  readonly answered: readonly Answered[]
  /** By kind, in the order of `TrafficPlan.wrong`. */
  readonly refusals: readonly Refusal[]
  /** Right requests that were not answered; none is expected. */
  readonly failures: readonly Refusal[]
  readonly latencies: readonly number[]
}

export const CONNECTIONS = 16
const WRONG_EVERY = 60
const OBSERVE_MS = 100

interface HttpAnswer {
  readonly status: number
  readonly text: string
}

export async function sendTraffic(plan: TrafficPlan): Promise<TrafficResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const latencies: number[] = []
  const answered: Answered[] = []
  const refusals = new Map<string, Refusal>()
  const failures = new Map<string, Refusal>()
  const startedAt = performance.now()
  const figures = (): Figures => figuresOf(latencies, performance.now() - startedAt)
  let observedAt = startedAt
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < plan.people.length && !plan.signal.aborted) {
      const index = next++
      const person = plan.people[index]!
      await pause(startedAt + (index * 1000) / plan.requestsPerSecond - performance.now())
      const sentAt = performance.now()
      const answer = await post(agent, plan.url + plan.path, person.body, headersOf(plan, person))
      latencies.push(performance.now() - sentAt)
      if (answer.status === 200) answered.push({ person, ...predictionOf(answer.text) })
      else note(failures, 'a right request', answer)
      const place = plan.before + index
      if (place % WRONG_EVERY === WRONG_EVERY - 1 && plan.wrong.length > 0) {
        const wrong = plan.wrong[Math.floor(place / WRONG_EVERY) % plan.wrong.length]!
        const refused = await post(agent, plan.url + wrong.path, wrong.body, {
          ...headersOf(plan, person),
          ...wrong.headers,
        })
        note(refusals, wrong.what, refused)
      }
      if (performance.now() - observedAt > OBSERVE_MS) {
        observedAt = performance.now()
        plan.observe(figures())
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  } finally {
    agent.destroy()
  }
  return { ...figures(), answered, refusals: [...refusals.values()], failures: [...failures.values()], latencies }
}

/** What came of one after the other. */
export function joined(all: readonly TrafficResult[]): TrafficResult {
  const latencies = all.flatMap(result => result.latencies)
  const elapsedMs = all.reduce((sum, { done, requestsPerSecond }) => sum + (done / requestsPerSecond) * 1000, 0)
  return {
    ...figuresOf(latencies, elapsedMs),
    answered: all.flatMap(({ answered }) => answered),
    refusals: summed(all.flatMap(({ refusals }) => refusals)),
    failures: summed(all.flatMap(({ failures }) => failures)),
    latencies,
  }
}

function summed(all: readonly Refusal[]): Refusal[] {
  const sums = new Map<string, Refusal>()
  for (const refusal of all) {
    const known = sums.get(refusal.what)
    sums.set(refusal.what, known === undefined ? refusal : { ...known, count: known.count + refusal.count })
  }
  return [...sums.values()]
}

function pause(ms: number): Promise<void> | undefined {
  return ms < 1 ? undefined : new Promise(resolve => setTimeout(resolve, ms))
}

function headersOf({ purpose }: TrafficPlan, { subject }: Person): Record<string, string> {
  return {
    'content-type': 'application/json',
    'bellwether-subject': subject,
    ...(purpose === undefined ? {} : { 'bellwether-purpose': purpose }),
  }
}

function post(agent: Agent, url: string, body: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body)) }
    const sent = request(url, { method: 'POST', agent, headers: { ...headers, ...length } }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function predictionOf(text: string): { readonly id: string; readonly value: number } {
  const { id, outputs } = JSON.parse(text) as { id: string; outputs: Record<string, number> }
  return { id, value: Object.values(outputs)[0]! }
}

/** Counts an answer that was no prediction; what was told is kept of the first. */
function note(into: Map<string, Refusal>, what: string, { status, text }: HttpAnswer): void {
  const known = into.get(what)
  if (known === undefined) into.set(what, { what, count: 1, status, ...toldBy(text) })
  else into.set(what, { ...known, count: known.count + 1 })
}

function toldBy(text: string): { readonly code: string; readonly told: string } {
  try {
    const {
      code = '',
      detail = '',
      errors = [],
    } = JSON.parse(text) as {
      code?: string
      detail?: string
      errors?: { field: string; problem: string }[]
    }
    const fields = errors.map(({ field, problem }) => `${field} ${problem}`)
    return { code, told: fields.length > 0 ? fields.join('; ') : detail }
  } catch {
    return { code: '', told: text.slice(0, 100) }
  }
}

function figuresOf(latencies: readonly number[], elapsedMs: number): Figures {
  const sorted = Float64Array.from(latencies).sort()
  const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0
  const requestsPerSecond = (latencies.length / Math.max(1, elapsedMs)) * 1000
  return { done: latencies.length, requestsPerSecond, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
}

/** What goes wrong with requests in practice. Each must be refused, and leave a record. */
export function wrongRequests(
  model: string,
  path: string,
  body: string,
  prohibited: string | undefined,
): readonly Wrong[] {
  const right = JSON.parse(body) as Record<string, unknown>
  const names = Object.keys(right)
  const [first, second] = names
  const wrongTypes = { ...right, [first!]: 'forty', ...(second === undefined ? {} : { [second]: {} }) }
  const some = Object.fromEntries(Object.entries(right).slice(0, Math.floor(names.length / 2)))
  return [
    { what: 'wrong types', path, body: JSON.stringify(wrongTypes) },
    { what: 'features missing', path, body: JSON.stringify(some) },
    { what: 'a feature nobody knows', path, body: JSON.stringify({ ...right, shoe_size: 43 }) },
    { what: 'JSON cut short', path, body: body.slice(0, -10) },
    { what: 'a model nobody knows', path: path.replace(`/${model}/`, `/${[...model].reverse().join('')}/`), body },
    ...(prohibited === undefined
      ? []
      : [{ what: 'a purpose that is prohibited', path, body, headers: { 'bellwether-purpose': prohibited } }]),
  ]
}
