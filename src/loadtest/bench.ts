/** `bellwether bench`: from the options to a report. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Problem } from '../errors.ts'
import { type Random, seededRandom } from '../math/random.ts'
import { serviceTargets } from '../monitoring/service-levels.ts'
import { systemClock } from '../platform/clock.ts'
import type { CommandContext } from '../platform/command.ts'
import { INTERRUPTED } from '../platform/run-command.ts'
import { numberText } from '../platform/text-table.ts'
import { plain } from '../platform/text-width.ts'
import { bestOf, findRate } from './find-rate.ts'
import { readBodies } from './load-rows.ts'
import { endpointOf, type LoadTarget, loadTarget, profileOf, requestBytes } from './load-target.ts'
import { runThreads } from './load-threads.ts'
import { type LoadReport, type LoadSettings, loadReport, P99_REQUESTS_MIN, withTried } from './report.ts'
import { reportHtml } from './report-html.ts'
import { reportText, sampleText, triedText } from './report-text.ts'
import type { Loaded, LoadPlan } from './run-load.ts'
import { sampleRows } from './sample-rows.ts'
import { ARRIVALS, type Arrivals } from './schedule.ts'
import { serverCost, serverState } from './server-cost.ts'
import { durationMs, headersOf, numberWithin } from './settings.ts'
import { MISSED } from './statuses.ts'

const SAMPLED_ROWS = 1000
const SEED = 20_261_123
const WARM_UP_SHARE = 0.2
const WARM_UP_MS_MAX = 5000
const DURATION_MS_MAX = 86_400_000
const RATE_MAX = 1_000_000
const THREADS_MAX = 64
/** Requests a second of one thread, with room to spare: where it is nearly full it is late. */
const RATE_OF_A_THREAD = 15_000

export async function runBench(context: CommandContext): Promise<number | undefined> {
  const { options, terminal, args } = context
  const target = await loadTarget(context, args['target'] ?? '')
  const planned = await planOf(context, target, seededRandom(SEED))
  await tryOne(target, planned, context.signal)
  const report =
    options['find'] === true ? await highest(context, target, planned) : await measured(context, target, planned)
  terminal.result(report, () => reportText(report, terminal.paint))
  await keepHtml(options['html'] as string | undefined, report, context)
  if (report.interrupted) return INTERRUPTED
  return report.met ? undefined : MISSED
}

async function measured(context: CommandContext, { api }: LoadTarget, planned: Planned): Promise<LoadReport> {
  const { plan, settings, targets } = planned
  const before = await serverState(api)
  const startedAt = systemClock.now()
  const { tally, measuredMs, interrupted } = await loaded(context, plan, settings.threads)
  const sent = tally.due * (1 + plan.warmUpMs / plan.measuredMs)
  const after = interrupted ? {} : await serverState(api)
  const server = serverCost(before, after, sent)
  return loadReport({ settings, targets, tally, measuredMs, startedAt, interrupted, server })
}

/** The report of the highest rate at which latency and errors are as wanted; of the lowest tried where there is none. */
async function highest(context: CommandContext, target: LoadTarget, planned: Planned): Promise<LoadReport> {
  const { terminal, signal } = context
  const { plan, settings, targets } = planned
  // Below, a percentile could not be told in the time.
  const least = (P99_REQUESTS_MIN * 1.5 * 1000) / plan.measuredMs
  const tried = await findRate(
    plan.rate,
    { least, most: RATE_MAX },
    async rate => {
      const threads = threadsOf(context.options['threads'], rate, plan.connections)
      const at = { ...planned, plan: { ...plan, rate }, settings: { ...settings, rate, threads } }
      let report = await measured(context, target, at)
      // Perhaps something else wanted our core just then.
      if (report.isGeneratorLate && !signal.aborted) report = await measured(context, target, at)
      if (signal.aborted) return { isGood: false, result: report }
      const isGood = report.met && !report.isGeneratorLate
      terminal.say(triedText(report, isGood, terminal.paint))
      return { isGood, result: report }
    },
    () => signal.aborted,
  )
  terminal.say('')
  const { result } = bestOf(tried) ?? tried.toSorted((a, b) => a.rate - b.rate)[0]!
  return withTried(
    result,
    tried.map(({ result: one, isGood }) => ({ report: one, isGood })),
    targets,
    signal.aborted,
  )
}

interface Planned {
  readonly headers: ReadonlyMap<string, string>
  readonly bodies: readonly string[]
  readonly plan: LoadPlan
  readonly settings: LoadSettings
  readonly targets: ReturnType<typeof serviceTargets>
}

async function planOf({ options }: CommandContext, target: LoadTarget, random: Random): Promise<Planned> {
  const { url, key, version } = target
  const declared = serviceTargets(version?.service)
  const targets = {
    ...declared,
    ...(options['p99'] === undefined ? {} : { p99LatencyMs: numberWithin('p99', options['p99'], 0.001, 600_000) }),
    ...(options['error-rate'] === undefined
      ? {}
      : { errorRate: numberWithin('error-rate', options['error-rate'], 0, 1) }),
  }
  const { bodies, rowsFrom } = await bodiesOf(options['rows'] as string | undefined, target, random)
  const headers = headersOf(options['header'] as readonly string[] | undefined, {
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(options['purpose'] === undefined ? {} : { 'bellwether-purpose': String(options['purpose']) }),
  })
  const measuredMs = durationMs('duration', options['duration'], DURATION_MS_MAX)
  const plan: LoadPlan = {
    endpoint: endpointOf(url),
    requests: bodies.map(body => requestBytes(url, headers, body)),
    rate: numberWithin('rate', options['rate'] ?? targets.requestsPerSecond, 0.01, RATE_MAX),
    arrivals: arrivalsOf(options['arrivals']),
    random,
    connections: wholeWithin('connections', options['connections'], 10_000),
    warmUpMs:
      options['warm-up'] === undefined
        ? Math.min(WARM_UP_MS_MAX, measuredMs * WARM_UP_SHARE)
        : durationMs('warm-up', options['warm-up'], DURATION_MS_MAX, 0),
    measuredMs,
    timeoutMs: durationMs('timeout', options['timeout'], 600_000),
  }
  const isDeclared = version?.service !== undefined
  const isByHand = options['p99'] !== undefined || options['error-rate'] !== undefined
  const targetsFrom = isDeclared ? 'service in model.yaml' : 'the usual ones, as model.yaml declares none'
  const settings: LoadSettings = {
    url: url.href,
    ...(version === undefined ? {} : { model: version.model, version: version.version }),
    rate: plan.rate,
    arrivals: plan.arrivals,
    connections: plan.connections,
    threads: threadsOf(options['threads'], plan.rate, plan.connections),
    warmUpSeconds: plan.warmUpMs / 1000,
    timeoutSeconds: plan.timeoutMs / 1000,
    rows: bodies.length,
    rowsFrom,
    targetsFrom: isByHand ? `${targetsFrom}; but for what was given by hand` : targetsFrom,
  }
  return { headers, bodies, plan, settings, targets }
}

async function bodiesOf(
  path: string | undefined,
  { version, api, url }: LoadTarget,
  random: Random,
): Promise<{ readonly bodies: readonly string[]; readonly rowsFrom: string }> {
  if (path !== undefined) return { bodies: await readBodies(path, version?.signature), rowsFrom: `from ${path}` }
  if (version === undefined) {
    throw new Problem(
      'usage',
      `Cannot make rows for ${url.href}: it is not known which model answers there; give them with --rows`,
    )
  }
  const profile = await profileOf(api, version)
  const rows = sampleRows(version.signature, profile, SAMPLED_ROWS, random)
  const rowsFrom = profile === undefined ? 'made of the signature' : 'made like the training data, feature by feature'
  return { bodies: rows.map(row => JSON.stringify(row)), rowsFrom }
}

function arrivalsOf(value: unknown): Arrivals {
  const found = ARRIVALS.find(kind => kind === value)
  if (found !== undefined) return found
  throw new Problem('usage', `Cannot use --arrivals ${plain(String(value))}: wanted ${ARRIVALS.join(' or ')}`)
}

/** As many as the rate needs, where the machine has cores for them beside one for all else. */
function threadsOf(wanted: unknown, rate: number, connections: number): number {
  if (wanted === undefined) {
    const usable = Math.min(THREADS_MAX, connections, Math.max(1, availableParallelism() - 1))
    return Math.min(usable, Math.ceil(rate / RATE_OF_A_THREAD))
  }
  const threads = wholeWithin('threads', wanted, THREADS_MAX)
  if (threads <= connections) return threads
  throw new Problem(
    'usage',
    `Cannot use --threads ${threads}: each wants a connection, and --connections is ${connections}`,
  )
}

function wholeWithin(name: string, value: unknown, most: number): number {
  const number = numberWithin(name, value, 1, most)
  if (Number.isInteger(number)) return number
  throw new Problem('usage', `Cannot use --${name} ${number}: wanted a whole number`)
}

/** One request first: a load of refusals would measure nothing. */
async function tryOne({ url }: LoadTarget, { headers, bodies }: Planned, signal: AbortSignal): Promise<void> {
  const sent = { 'content-type': 'application/json', ...Object.fromEntries(headers) }
  const request = { method: 'POST', headers: sent, body: bodies[0]!, signal }
  const answer = await fetch(url, request).catch((error: unknown) => {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Problem('unavailable', `Cannot reach ${url.origin}: ${reason}`, { cause: error })
  })
  const said = await answer.text()
  if (answer.ok) return
  throw new Problem(
    answer.status === 401 || answer.status === 403 ? 'forbidden' : 'invalid',
    `Cannot load-test ${url.href}: a first request was answered with ${answer.status}: ${sampleText(said)}`,
  )
}

async function loaded(
  { terminal, signal }: CommandContext,
  plan: LoadPlan,
  threads: number,
): Promise<Loaded & { readonly interrupted: boolean }> {
  const total = plan.warmUpMs + plan.measuredMs
  const progress = terminal.progress('Load', Math.round(total))
  try {
    const outcome = await runThreads(plan, threads, {
      signal,
      onProgress(elapsedMs, due) {
        progress.update(Math.round(elapsedMs), due === 0 ? 'warm-up' : `${numberText(due)} requests`)
      },
    })
    return { ...outcome, interrupted: signal.aborted }
  } catch (error) {
    throw new Problem('unavailable', `Cannot load-test ${plan.endpoint.host}: ${(error as Error).message}`, {
      cause: error,
    })
  } finally {
    progress.end()
  }
}

async function keepHtml(path: string | undefined, report: LoadReport, { terminal }: CommandContext): Promise<void> {
  if (path === undefined) return
  await writeFile(path, reportHtml(report)).catch((error: NodeJS.ErrnoException) => {
    throw new Problem('invalid', `Cannot write ${path}: ${error.message}`, { cause: error })
  })
  terminal.say(`\nReport: ${path}`)
}
