/**
 * A worker, put together: the door and the journey of invocations, on the models, keys and names of the process that owns the
 * data folder. What it counts and records goes there; it keeps nothing.
 */
import { randomFillSync } from 'node:crypto'
import { type Access, openAccess } from '../access/access.ts'
import { admission } from '../access/admission.ts'
import { configuredTokens } from '../access/open-tokens.ts'
import { openRates } from '../access/rates.ts'
import { type HttpDoor, httpDoor } from '../doors/http.ts'
import { doorProtection } from '../doors/protection.ts'
import { explainInvocations } from '../explain/routes.ts'
import { pseudonyms } from '../ledger/pseudonyms.ts'
import type { Refusal } from '../ledger/refusals.ts'
import { subjectKeys } from '../ledger/subject-keys.ts'
import { predictionMetrics } from '../monitoring/prediction-metrics.ts'
import { serviceTargets } from '../monitoring/service-levels.ts'
import { type Clock, steadyClock, systemClock } from '../platform/clock.ts'
import { type Keyring, openKeyring } from '../platform/crypto.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, uuid7 } from '../platform/ids.ts'
import type { Link } from '../platform/link.ts'
import { type Log, openLog } from '../platform/log.ts'
import { type Metrics, type MetricsFormat, openMetrics } from '../platform/metrics.ts'
import { openObjects } from '../platform/objects.ts'
import { remoteDatabase } from '../platform/remote-database.ts'
import { systemSurroundings } from '../platform/surroundings.ts'
import { systemTimers } from '../platform/timers.ts'
import { permitUse } from '../policy/uses.ts'
import { configuredRegistry } from '../registry/configured-registry.ts'
import type { Registry } from '../registry/registry.ts'
import type { AnyRoute } from '../route.ts'
import { openRuntimes } from '../runtimes/runtimes.ts'
import { accessLog } from '../serving/access-log.ts'
import { openStatistics } from '../serving/call-statistics.ts'
import { championReleases } from '../serving/choose.ts'
import { readJson } from '../serving/json.ts'
import type { Models } from '../serving/models.ts'
import type { Serving } from '../serving/predict.ts'
import { protocolRoutes } from '../serving/protocol-routes.ts'
import { servingRoutes } from '../serving/routes.ts'
import { openTracing } from '../serving/trace-call.ts'
import { forgetUnbelieved } from '../serving/unbelieved.ts'
import { openWarmModels, warmBeforeMove } from '../serving/warm.ts'
import { toldLanes } from './calls.ts'
import { forwardTo } from './forward.ts'
import {
  ALIVE,
  BEGIN,
  LANE,
  METRICS,
  READY,
  REFRESH,
  REFUSED,
  RETIRE,
  type Ready,
  STOP,
  TOKENS,
  type Told,
  WARM,
} from './protocol.ts'
import { type RemoteJournal, remoteJournal } from './remote-journal.ts'

/** How often replicas that share a database look what others changed. */
const REFRESH_MS = 2_000

interface World {
  readonly told: Told
  readonly link: Link
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly metrics: Metrics
  readonly keyring: Keyring
  readonly db: Database
}

/** What answering needs, and how to let go of it. */
interface Plane {
  readonly serving: Serving
  readonly access: Access
  readonly registry: Registry
  readonly models: Models
  readonly journal: RemoteJournal
  close(): Promise<void>
  /** Puts models away whose evidence may not be believed any more. */
  readonly unbelieved: () => Promise<void>
}

/** Begins to answer; resolves when it has ended, because it was told to. Rejects with why it cannot begin. */
export async function runWorker(link: Link): Promise<void> {
  const told = await link.ask<Told>(BEGIN)
  const world = await openWorld(link, told)
  const plane = await openPlane(world)
  const door = doorOf(world, plane)
  const stopped = obey(world, plane, door)
  const url = await door.listen(told.host, told.port)
  const ready: Ready = { url, localUrl: door.localUrl(), port: Number(new URL(url).port) }
  await link.ask(READY, ready)
  await stopped
  await plane.close()
  await world.log.close()
}

async function openWorld(link: Link, told: Told): Promise<World> {
  const { config, path, engine } = told
  const clock = steadyClock(systemClock)
  return {
    told,
    link,
    clock,
    ids: uuid7(clock),
    log: openLog({ level: config.log.level, destination: 1 }),
    metrics: openMetrics(),
    keyring: await openKeyring(path, config.keys.master),
    db: remoteDatabase(link, engine),
  }
}

async function openPlane(world: World): Promise<Plane> {
  const { told, link, clock, ids, log, metrics, keyring, db } = world
  const { config } = told
  const closing: (() => Promise<void>)[] = []
  const tokens = await configuredTokens(config.oidc, clock, keyring)
  const access = await openAccess({ db, clock, ids, tokens, random: bytes => void randomFillSync(bytes) })
  const runtimes = openRuntimes(systemSurroundings(log))
  metrics.family(runtimes.render)
  const objects = openObjects(told.path, keyring)
  const policy = config.validation.champion
  const { registry, evidence } = await configuredRegistry({ ...world, config, path: told.path }, { objects, runtimes })
  const { catalogue } = registry
  const budgetMs = (model: string, version: string): number =>
    serviceTargets(catalogue.version(model, version)?.service).p99LatencyMs
  const timer = (): number => performance.now()
  const time = { clock, timers: systemTimers, timer }
  const models = openWarmModels({ registry, metrics, settings: config.serving, budgetMs, ...time })
  const journal = remoteJournal(
    link,
    toldLanes(lane => void link.ask(LANE, lane).catch(() => undefined)),
  )
  const counted = predictionMetrics()
  metrics.family(counted.render)
  const serving: Serving = {
    catalogue,
    models,
    releases: championReleases(catalogue, policy),
    pseudonyms: pseudonyms(keyring.derive),
    seals: subjectKeys({ db, keyring, clock }),
    permitUse,
    ledger: journal,
    refusals: { record: (refusal: Refusal) => link.ask(REFUSED, refusal) },
    observers: [counted.observe, accessLog(log.line)],
    clock,
    timer,
    rates: openRates(config.limits, { takeAll: (names, quotas) => link.ask(TOKENS, { names, quotas }) }),
    tracing: openTracing({ config, timer, ...world }, closing),
    ids,
    ...(config.server.model === undefined ? {} : { defaultModel: config.server.model }),
    batchRowsMax: config.limits.batchRowsMax,
  }
  const close = async (): Promise<void> => {
    await models.close()
    runtimes.close()
    for (const step of closing) await step()
  }
  const unbelieved = forgetUnbelieved(evidence.keys, models)
  return { serving, access, registry, models, journal, unbelieved, close }
}

function doorOf({ told, clock, ids, log }: World, { serving, access }: Plane): HttpDoor {
  const { config, ownerAuthorization, doorPath } = told
  const { limits } = config
  return httpDoor({
    routes: invocationRoutes(serving),
    admission: admission(access, ownerAuthorization, true, config.server.corsOrigins.split(/ *, */)),
    rates: serving.rates,
    timers: systemTimers,
    timer: serving.tracing && serving.timer,
    clock,
    ...doorProtection(config),
    beyond: forwardTo(doorPath, ids),
    readJson,
    ids,
    log,
    limits: {
      ...limits,
      concurrencyMax: share(limits.concurrencyMax, config),
      connectionsMax: share(limits.connectionsMax, config),
    },
  })
}

/** Connections are given out in turn, so that each has its share. */
function share(limit: number, { server }: Told['config']): number {
  return Math.ceil(limit / server.workers)
}

/** All that must leave a record where the caller is; everything else is the other process's. */
function invocationRoutes(serving: Serving): AnyRoute[] {
  const unused = { programVersion: '', isReady: async () => true, statistics: openStatistics() }
  const routes = [...servingRoutes(serving), ...explainInvocations(serving), ...protocolRoutes({ serving, ...unused })]
  return routes.filter(({ kind }) => kind === 'invocation')
}

/** Does what the other process says. Resolves when it is to end. */
function obey({ link, metrics, db, log }: World, plane: Plane, door: HttpDoor): Promise<void> {
  const { access, registry, models, journal, unbelieved } = plane
  const refresh = async (): Promise<void> => {
    await Promise.all([access.refresh(), registry.refresh(), unbelieved()])
  }
  link.answer(REFRESH, refresh)
  link.answer(METRICS, (format: MetricsFormat) => metrics.own(format))
  link.answer(WARM, warmBeforeMove(models))
  link.answer(ALIVE, () => undefined)
  const replicas = db.engine === 'postgres' ? setInterval(() => refresh().catch(warn), REFRESH_MS) : undefined
  const warn = (error: unknown): void => {
    log.warn({ error: String(error) }, 'Cannot read what others changed: answering from what is known')
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = async (close: Promise<void>): Promise<void> => {
    await close
    await journal.settled()
    clearInterval(replicas)
    resolve()
  }
  link.answer(STOP, (withinMs: number) => end(door.close(withinMs)))
  link.answer(RETIRE, (withinMs: number) => end(door.retire(withinMs)))
  return promise
}
