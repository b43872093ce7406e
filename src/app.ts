/**
 * The whole program, put together. This file alone knows every part; read top to bottom it is the architecture: what there
 * is, who is handed what, and who hears of what.
 */
import { randomBytes, randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { type Access, openAccess } from './access/access.ts'
import { admission } from './access/admission.ts'
import { judgeBinding } from './access/keyless.ts'
import { configuredBuckets } from './access/open-rates.ts'
import { configuredTokens } from './access/open-tokens.ts'
import { openRates } from './access/rates.ts'
import { accessRoutes } from './access/routes.ts'
import { accessMigrations } from './access/tables.ts'
import { openGrpc } from './app/grpc.ts'
import { ownerTransport, type Transport } from './client.ts'
import { docsRoutes } from './doors/docs.ts'
import { httpDoor } from './doors/http.ts'
import { doorProtection } from './doors/protection.ts'
import { openWatches, type Watches } from './drift/open-watches.ts'
import { driftRoutes } from './drift/routes.ts'
import { explainRoutes } from './explain/routes.ts'
import { type Feedback, openFeedback } from './feedback/feedback.ts'
import { feedbackMigrations } from './feedback/tables.ts'
import { cardRoutes } from './governance/card/routes.ts'
import { cardMigrations } from './governance/card/tables.ts'
import { changeWebhookHandlers, changeWebhookRoutes } from './governance/webhooks/routes.ts'
import { changeWebhookMigrations } from './governance/webhooks/tables.ts'
import { changeTeller } from './governance/webhooks/tell.ts'
import { type Changes, openChanges } from './ledger/changes.ts'
import { type OpenedLedger, openLedger } from './ledger/open-ledger.ts'
import { pseudonyms } from './ledger/pseudonyms.ts'
import { type Refusals, refusals } from './ledger/refusals.ts'
import { ledgerRoutes } from './ledger/routes.ts'
import { type SubjectKeys, subjectKeys } from './ledger/subject-keys.ts'
import { ledgerMigrations } from './ledger/tables.ts'
import { ledgerWatch } from './ledger/watch.ts'
import { defaultModelCheck, type ReadinessCheck, readiness } from './monitoring/readiness.ts'
import { monitoringRoutes } from './monitoring/routes.ts'
import { serviceRoutes } from './monitoring/service-routes.ts'
import { monitoringMigrations } from './monitoring/tables.ts'
import type { LoadedConfig } from './platform/config.ts'
import { openSigner } from './platform/crypto.ts'
import { jobStore, jobsMigrations } from './platform/jobs.ts'
import type { Log } from './platform/log.ts'
import { type Objects, openObjects } from './platform/objects.ts'
import { outbox, outboxMigrations } from './platform/outbox.ts'
import { processMemory } from './platform/process-memory.ts'
import { PROGRAM_VERSION } from './platform/program.ts'
import { runJobs } from './platform/run-jobs.ts'
import { systemSurroundings } from './platform/surroundings.ts'
import { systemTimers } from './platform/timers.ts'
import { openWorld, type World } from './platform/world.ts'
import { permitUse } from './policy/uses.ts'
import { configuredRegistry } from './registry/configured-registry.ts'
import type { Evidence } from './registry/evidence/evidence.ts'
import { masterRoutes } from './registry/evidence/rotate-master-route.ts'
import { evidenceRoutes } from './registry/evidence/routes.ts'
import { evidenceMigrations } from './registry/evidence/tables.ts'
import { parseApprovals } from './registry/lifecycle/approvals.ts'
import { lifecycleRoutes } from './registry/lifecycle/routes.ts'
import { lookRegularly } from './registry/look-regularly.ts'
import type { Registry } from './registry/registry.ts'
import { registryRoutes } from './registry/routes.ts'
import { registryMigrations } from './registry/tables.ts'
import type { AnyRoute } from './route.ts'
import { openRuntimes } from './runtimes/runtimes.ts'
import { accessLog } from './serving/access-log.ts'
import { openStatistics, type StatisticsBook } from './serving/call-statistics.ts'
import { championReleases } from './serving/choose.ts'
import { elsewhereRoutes } from './serving/elsewhere-routes.ts'
import { readJson } from './serving/json.ts'
import { laneNumbers } from './serving/lane.ts'
import { memoryRoutes } from './serving/memory.ts'
import type { Serving } from './serving/predict.ts'
import { protocolRoutes } from './serving/protocol-routes.ts'
import { servingRoutes } from './serving/routes.ts'
import { modelSchemas } from './serving/schema.ts'
import { configuredStream } from './serving/stream/configured-stream.ts'
import { openTracing } from './serving/trace-call.ts'
import { forgetUnbelieved } from './serving/unbelieved.ts'
import { openWarmModels } from './serving/warm.ts'
import { lostRunsWatch } from './training/jobs/lost-runs.ts'
import { trainingRoutes } from './training/routes.ts'
import { trainingMigrations } from './training/tables.ts'
import { hookHandlers, webhookRoutes } from './training/tracking/webhook-routes.ts'
import { listedModels } from './web/listed-models.ts'
import { signsOf } from './web/model-signs.ts'
import { pageRoutes, withPages } from './web/pages.ts'
import { dashboardRoutes } from './web/routes.ts'
import type { Workers, WorkersParts } from './workers/open-workers.ts'

export interface App {
  /** Where it answers; undefined while it does not listen. */
  readonly url: string | undefined
  /** Where it answers gRPC, `127.0.0.1:8081`; undefined where it does not. */
  readonly grpc: string | undefined
  /** Speaks to this application as the owner of its data folder. */
  readonly transport: Transport
  /** What a person should know at the start: sentences. */
  readonly notes: readonly string[]
  /** Puts new workers in the place of all without dropping a request; undefined where one process does everything. */
  readonly renew: (() => Promise<void>) | undefined
  /** Finishes what was accepted, and lets go of everything. */
  close(): Promise<void>
}

export interface AppOptions {
  /** False: answers only its own `transport`, for the length of a command. */
  readonly listen?: boolean
  /** No log. */
  readonly quiet?: boolean
}

/** How long requests may go on after the door was asked to close. */
const CLOSE_MS_MAX = 10_000
/** How often it is looked whether a job is due: webhooks want to be told soon. */
const JOBS_POLL_MS = 1_000
/** A webhook that hangs holds one of these for its time limit. */
const JOBS_AT_ONCE = 8
/** A start is busy enough without the engine's. */
const RECOVER_AFTER_MS = 1_000
/** Models with schemas of their own in the API's description: a document of thousands could not be read. */
const DESCRIBED_MODELS_MAX = 100

export async function openApp({ config }: LoadedConfig, options: AppOptions = {}): Promise<App> {
  const closing: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const world = await openWorld(config, { quiet: options.quiet === true, migrations: MIGRATIONS }, closing)
    const parts = await openParts(world, closing)
    return await openDoor(world, parts, options, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

const MIGRATIONS = [
  outboxMigrations,
  jobsMigrations,
  accessMigrations,
  ledgerMigrations,
  registryMigrations,
  evidenceMigrations,
  ...trainingMigrations,
  feedbackMigrations,
  monitoringMigrations,
  cardMigrations,
  changeWebhookMigrations,
]

/** The slices, in their order: each is handed what it needs of those before. */
interface Parts {
  readonly access: Access
  readonly ledger: OpenedLedger
  readonly objects: Objects
  readonly refusals: Refusals
  readonly seals: SubjectKeys
  readonly changes: Changes
  readonly registry: Registry
  readonly evidence: Evidence
  readonly serving: Serving
  readonly feedback: Feedback
  readonly statistics: StatisticsBook
  readonly watches: Watches
  /** What workers need of them, where there are any. */
  readonly workers: Omit<WorkersParts, 'watch' | 'observers'>
}

async function openParts(world: World, closing: (() => Promise<void>)[]): Promise<Parts> {
  const { config, path, clock, ids, log, metrics, keyring, db } = world
  const tokens = await configuredTokens(config.oidc, clock, keyring)
  const access = await openAccess({ db, clock, ids, tokens, random: bytes => void randomFillSync(bytes) })

  const signer = await openSigner(path, 'ledger', keyring)
  const ledger = await openLedger({ folder: join(path, 'ledger'), signer, clock, log, metrics, options: config.ledger })
  closing.push(() => ledger.close())
  const seals = subjectKeys({ db, keyring, clock })
  const changes = await openChanges({ outbox: outbox(db), ledger, onRecorded: changeTeller(db, clock) })
  closing.push(() => changes.recorded())

  const objects = openObjects(path, keyring)
  const runtimes = openRuntimes(systemSurroundings(log))
  metrics.family(runtimes.render)
  const { registry, evidence } = await configuredRegistry(world, { objects, runtimes })
  if (db.engine === 'postgres') closing.push(lookRegularly(access, registry, log))
  const releases = championReleases(registry.catalogue, config.validation.champion)
  const time = { clock, timers: systemTimers, timer: () => performance.now() }
  const watches = openWatches({ ...world, ledger, registry, ...time })
  closing.push(
    () => watches.watch.close(),
    async () => watches.drift.close(),
  )
  const refused = refusals({ append: records => ledger.append(records), ids, ...time, onWritten: watches.refused })
  closing.push(() => refused.flush())
  const known = pseudonyms(keyring.derive)
  const { batchRowsMax, referenceBytesMax: importBytesMax } = config.limits
  const named = { ledger, registry, releases, pseudonyms: known, seals, timers: systemTimers }
  const feedback = openFeedback({ ...world, ...named, batchRowsMax, importBytesMax })
  metrics.family(feedback.render)
  closing.push(() => feedback.close())
  const budgetMs = (model: string, version: string): number => watches.targetsOf(model, version).p99LatencyMs
  const numberOf = laneNumbers()
  const models = openWarmModels({ registry, metrics, settings: config.serving, budgetMs, numberOf, ...time })
  closing.push(() => models.close())
  closing.push(async () => runtimes.close())
  const buckets = await configuredBuckets(config, time.timer, log, closing)
  const statistics = openStatistics()
  const serving: Serving = {
    catalogue: registry.catalogue,
    models,
    releases,
    pseudonyms: known,
    seals,
    permitUse,
    ledger,
    refusals: refused,
    observers: [...watches.observers, feedback.observe, accessLog(log.line), statistics.observe],
    ...time,
    rates: buckets && openRates(config.limits, buckets),
    tracing: openTracing({ ...world, ...time }, closing),
    ids,
    ...(config.server.model === undefined ? {} : { defaultModel: config.server.model }),
    batchRowsMax,
  }
  const workers = { ledger, refusals: refused, registry, numberOf, buckets }
  const kept = { access, ledger, objects, refusals: refused, seals, changes, registry, evidence }
  return { ...kept, serving, feedback, statistics, watches, workers }
}

function routesOf(world: World, parts: Parts, crew: Workers | undefined): AnyRoute[] {
  const { config, metrics, clock } = world
  const { access, ledger, objects, refusals: refused, seals, changes, registry, evidence, serving } = parts
  const { feedback, watches } = parts
  // Whoever changes something is answered when it is in force everywhere.
  const unbelieved = forgetUnbelieved(evidence.keys, serving.models)
  const recorded = async (): Promise<void> => {
    await changes.recorded()
    await unbelieved()
    await crew?.refresh()
  }
  const answered = crew === undefined ? [] : [{ name: 'workers', check: () => crew.requireOne() }]
  const checks = [{ name: 'journal', check: ledger.requireWritable }, ...answered, defaultModelCheck(serving)]
  const isReady = readyBy(checks)
  const { artifactBytesMax, referenceBytesMax } = config.limits
  const bytesMax = artifactBytesMax + 2 * referenceBytesMax
  const leadPolicy = config.validation.champion
  const { catalogue, releases, batchRowsMax } = serving
  const signs = signsOf(watches, feedback)
  const answering = (model: string): string | undefined => releases.choose(model, undefined)?.version
  const routes = [
    ...servingRoutes(serving),
    ...explainRoutes({ serving, ledger, seals }),
    ...elsewhereRoutes({ ...serving, ledger, artifact: objects.stream }),
    ...registryRoutes({ registry, bytesMax, recorded }),
    ...evidenceRoutes({ evidence, registry, recorded }),
    ...lifecycleRoutes({
      ...world,
      ledger,
      evidence,
      registry,
      approvalsOf: parseApprovals(config.versions.approvals),
      recorded,
    }),
    ...masterRoutes({ ...world, objects, hasWorkers: crew !== undefined, recorded }),
    ...trainingRoutes({ ...world, objects, registry, evidence, artifactBytesMax, bytesMax, leadPolicy, recorded }),
    ...ledgerRoutes({ ledger, refusals: refused, seals, pseudonyms: serving.pseudonyms, reviews: feedback.reviews }),
    ...accessRoutes({ access, clock, recorded }),
    ...protocolRoutes({ serving, statistics: parts.statistics, programVersion: PROGRAM_VERSION, isReady }),
    ...monitoringRoutes({ metrics, checks }),
    ...memoryRoutes({ models: serving.models, processMemory }),
    ...serviceRoutes({ ...watches, registry, releases: serving.releases, clock, ...config.monitoring }),
    ...driftRoutes({ ...watches, now: clock.now, windowMs: config.monitoring.windowMs, catalogue, answering }),
    ...feedback.routes,
    ...webhookRoutes({ ...world, timers: systemTimers }),
    ...changeWebhookRoutes({ ...world, timers: systemTimers }, recorded),
    ...cardRoutes({ ...world, ...watches, objects, registry, evidence, signs }),
    ...dashboardRoutes({ clock, models: () => listedModels(serving), signs }),
  ]
  const models = () => modelSchemas(catalogue, releases, batchRowsMax, DESCRIBED_MODELS_MAX)
  const api = [...routes, ...docsRoutes({ routes, models, version: PROGRAM_VERSION })]
  const pages = { wantsKey: access.hasKeys }
  return [...withPages(api, pages), ...pageRoutes(pages)]
}

function readyBy(checks: readonly ReadinessCheck[]): () => Promise<boolean> {
  return async () => (await readiness(checks)).ready
}

async function openDoor(
  world: World,
  parts: Parts,
  options: AppOptions,
  closing: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<App> {
  const { config, ids, log, clock, announce } = world
  const isOpen = options.listen !== false
  const { host, port } = isOpen ? config.server : { host: '127.0.0.1', port: 0 }
  judgeBinding({ host, hasKeys: parts.access.hasKeys() })
  const ownerKey = randomBytes(32).toString('base64url')
  const ownerAuthorization = `Bearer ${ownerKey}`
  const crew = isOpen && config.server.workers > 1 ? await crewOf(world, parts) : undefined
  const door = httpDoor({
    routes: routesOf(world, parts, crew),
    admission: admission(parts.access, ownerAuthorization, isOpen, config.server.corsOrigins.split(/ *, */)),
    rates: parts.serving.rates,
    timers: systemTimers,
    timer: parts.serving.tracing && parts.serving.timer,
    clock,
    ...(crew?.innerDoor ?? (isOpen ? doorProtection(config) : {})),
    readJson,
    ids,
    log,
    limits: config.limits,
  })
  closing.push(() => door.close(CLOSE_MS_MAX))
  const { url, localUrl } =
    crew === undefined
      ? { url: await door.listen(host, port), localUrl: door.localUrl() }
      : await crew.open(door, { host, port, ownerAuthorization }, closing)
  const isReady = readyBy([{ name: 'journal', check: parts.ledger.requireWritable }, defaultModelCheck(parts.serving)])
  const grpcParts = { ...parts, ownerAuthorization, isReady, closeMsMax: CLOSE_MS_MAX }
  const grpc = isOpen ? await openGrpc(world, grpcParts, closing) : undefined
  if (isOpen) {
    announce(localUrl)
    closing.push(startJobs(world, parts))
    closing.push(recoverCounts(parts, log))
    await configuredStream({ world, ...parts, refused: parts.watches.refused, timers: systemTimers }, closing)
    log.info({ url, ...(grpc === undefined ? {} : { grpc }), version: PROGRAM_VERSION }, 'Listening')
  }
  return {
    url: isOpen ? url : undefined,
    grpc,
    transport: ownerTransport(localUrl, ownerKey),
    renew: crew && (() => crew.renew()),
    notes: notesOf(parts.access),
    close,
  }
}

/** Loaded where it is used: a server of one process starts without it. */
async function crewOf(world: World, { watches, feedback, statistics, workers }: Parts): Promise<Workers> {
  const { openWorkers } = await import('./workers/open-workers.ts')
  const observers = [watches.service.observe, watches.drift.observe, feedback.observe, statistics.observe]
  return openWorkers(world, { ...workers, watch: watches.watch, observers })
}

function notesOf(access: Access): readonly string[] {
  if (access.hasKeys()) return []
  return ['There are no keys: everybody on this machine may do everything, and nobody beyond it is answered']
}

/** What is done in the background, beside answering; returns how to stop it. */
function startJobs(world: World, { ledger }: Parts): () => Promise<void> {
  const { path, clock, ids, log, metrics, db } = world
  const { publicKey, keyId } = ledger
  const watch = ledgerWatch({ folder: join(path, 'ledger'), publicKey, keyId, clock, log, metrics })
  const lost = lostRunsWatch(world)
  const sending = { ...world, timers: systemTimers }
  const jobs = runJobs({
    store: jobStore(db),
    schedules: [...watch.schedules, ...lost.schedules],
    handlers: { ...watch.handlers, ...lost.handlers, ...hookHandlers(sending), ...changeWebhookHandlers(sending) },
    clock,
    timers: systemTimers,
    ids,
    random: Math.random,
    concurrency: JOBS_AT_ONCE,
    pollMs: JOBS_POLL_MS,
    onError: (error, job) => log.error({ err: error, job: job?.kind }, 'A job failed; it is tried again'),
  })
  return () => jobs.stop()
}

/** Counts what the last process had not stored, and judges quality; whoever asks meanwhile waits. Returns how to call it off. */
function recoverCounts({ watches, feedback }: Parts, log: Log): () => Promise<void> {
  const warn = (message: string) => (error: unknown) => log.warn({ error: String(error) }, message)
  const cancel = systemTimers.after(RECOVER_AFTER_MS, () => {
    watches.drift
      .begin()
      .catch(warn('Counts of earlier predictions could not be made: it is tried when they are asked for'))
    feedback.begin().catch(warn('The live quality of earlier predictions is not known until outcomes come'))
  })
  return async () => cancel()
}
