/** Cards of versions: measured once, when first asked for, and told with what production knows now. */
import type { Readable } from 'node:stream'
import { driftReport, type ReportParts } from '../../drift/report.ts'
import { Problem } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { type Database, tables } from '../../platform/database.ts'
import { runFed, turns } from '../../platform/fed-worker.ts'
import type { Objects } from '../../platform/objects.ts'
import { workerUrl } from '../../platform/threads.ts'
import type { Evidence } from '../../registry/evidence/evidence.ts'
import { type Registry, versionIn } from '../../registry/registry.ts'
import type { ModelVersion } from '../../registry/version.ts'
import { type Card, cardOf, type DriftReading, type LiveSigns } from './card.ts'
import type { Measured } from './measured.ts'
import type { CardTables } from './tables.ts'

export interface CardParts {
  readonly db: Database
  readonly objects: Objects
  readonly registry: Pick<Registry, 'catalogue'>
  readonly evidence: Pick<Evidence, 'list'>
  readonly clock: Clock
  /** What production knows of a version. */
  readonly signs: (model: string, version: string) => LiveSigns
  readonly drift: ReportParts['drift']
  readonly watch: ReportParts['watch']
  readonly config: { readonly monitoring: { readonly windowMs: number } }
}

export interface Cards {
  /** @param reference a semantic version or an alias. Throws `not_found`. */
  card(model: string, reference: string): Promise<Card>
}

interface Found {
  readonly measured?: Measured
  readonly unmeasured?: string
}

/** A card tells its time by the minute: the same card of a minute is the same file. */
const MINUTE_MS = 60_000
const WORKERS_MAX = 1
const WAITING_MAX = 64
const HEAP_MB_MAX = 2048

export function openCards(parts: CardParts): Cards {
  const { registry, evidence } = parts
  const full = () => new Problem('overloaded', `Cannot make the card: ${WAITING_MAX} others are being made`)
  const inTurn = turns(WORKERS_MAX, WAITING_MAX, full)
  const underWay = new Map<string, Promise<Found>>()
  const measuredOf = (version: ModelVersion): Promise<Found> => {
    const name = `${version.model}@${version.version}`
    const running = underWay.get(name)
    if (running !== undefined) return running
    const started = kept(parts, version, () => inTurn(() => measureInWorker(parts.objects, version)))
    underWay.set(name, started)
    started.then(
      () => underWay.delete(name),
      () => underWay.delete(name),
    )
    return started
  }
  return {
    async card(model, reference) {
      const version = versionIn(registry.catalogue, model, reference)
      const found = await measuredOf(version)
      const aliases = registry.catalogue.aliases(version.model).filter(each => each.version === version.version)
      return cardOf({
        version,
        aliases: aliases.map(({ alias }) => alias),
        ...found,
        evidence: await evidence.list(version.model, version.version),
        live: await liveOf(parts, version),
        at: Math.floor(parts.clock.now() / MINUTE_MS) * MINUTE_MS,
      })
    },
  }
}

async function liveOf({ signs, drift, watch, clock, config }: CardParts, version: ModelVersion): Promise<LiveSigns> {
  const live = signs(version.model, version.version)
  if (live.drift === undefined || version.profile === undefined) return live
  const parts = { drift, watch, now: () => clock.now(), windowMs: config.monitoring.windowMs }
  const { readings } = await driftReport(parts, version, { statistic: 'psi', by: 'size', source: 'live' })
  const deciding = readings.flatMap(({ feature, statistic, value, threshold, decides, verdict }): DriftReading[] =>
    decides && statistic !== undefined && value !== undefined
      ? [{ feature, statistic, value, isDrift: verdict === 'drift', ...(threshold === undefined ? {} : { threshold }) }]
      : [],
  )
  return { ...live, drift: { ...live.drift, readings: deciding } }
}

/** What was found before, else what `make` finds now. */
async function kept({ db, clock }: CardParts, version: ModelVersion, make: () => Promise<Measured>): Promise<Found> {
  const sql = tables<CardTables>(db)
  const { model, version: number } = version
  const row = await sql
    .selectFrom('card_measurements')
    .select(['measured', 'problem'])
    .where('model', '=', model)
    .where('version', '=', number)
    .executeTakeFirst()
  if (row !== undefined) return foundOf(row.measured, row.problem)
  const made = await tried(version, make)
  const values = {
    model,
    version: number,
    measured: made.measured === undefined ? null : JSON.stringify(made.measured),
    problem: made.unmeasured ?? null,
    made_at: clock.now(),
  }
  // Replicas may measure the same: they find the same.
  await sql
    .insertInto('card_measurements')
    .values(values)
    .onConflict(conflict => conflict.doNothing())
    .execute()
  return made
}

function foundOf(measured: string | null, problem: string | null): Found {
  return {
    ...(measured === null ? {} : { measured: JSON.parse(measured) as Measured }),
    ...(problem === null ? {} : { unmeasured: problem }),
  }
}

/** What cannot be measured, ever, is said in the card; what failed for another reason is tried again by the next who asks. */
async function tried(version: ModelVersion, make: () => Promise<Measured>): Promise<Found> {
  if (version.evaluation === undefined) return { unmeasured: 'It was registered without evaluation data' }
  try {
    return { measured: await make() }
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid') return { unmeasured: error.message }
    throw error
  }
}

function measureInWorker(objects: Objects, version: ModelVersion): Promise<Measured> {
  const open = (role: string): Readable =>
    objects.stream(role === 'evaluation' ? version.evaluation!.sha256 : version.artifact.sha256)
  return runFed<Measured>({
    program: workerUrl(import.meta.url, './card-worker'),
    name: 'model card',
    task: version,
    open,
    heapMbMax: HEAP_MB_MAX,
  })
}
