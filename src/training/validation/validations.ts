/** Validations: run, kept, told, and asked for when a version is to become champion. */
import { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../../platform/database.ts'
import type { Ids } from '../../platform/ids.ts'
import type { Objects } from '../../platform/objects.ts'
import { CHAMPION, type LeadPolicy } from '../../registry/leading.ts'
import { type Registry, versionIn } from '../../registry/registry.ts'
import type { Submission } from '../../registry/submission.ts'
import type { ModelVersion } from '../../registry/version.ts'
import type { Actor } from '../../route.ts'
import { holdChampion } from './hold.ts'
import type { Report } from './report.ts'
import { readReport } from './report-object.ts'
import { type Validation, validationStore } from './store.ts'
import { openValidator } from './validator.ts'
import { TEST_RESULT, type TestResult, testResult } from './verdict.ts'

/** Keeps a signed statement about a version. */
export interface VerdictEvidence {
  add(statement: {
    readonly model: string
    readonly version: string
    readonly predicateType: typeof TEST_RESULT
    readonly predicate: TestResult
    readonly actor: Actor
  }): Promise<unknown>
}

export interface ValidationParts {
  readonly db: Database
  readonly objects: Objects
  readonly registry: Registry
  readonly clock: Clock
  readonly ids: Ids
  readonly leadPolicy: LeadPolicy
  /** Absent: verdicts are kept here alone. */
  readonly evidence?: VerdictEvidence
}

export interface Made {
  readonly report: Report
  /** Absent where the version is not registered: then nothing was kept. */
  readonly validation?: Validation
}

export interface Validations {
  /**
   * Validates a registered version and keeps the verdict.
   *
   * @param against what it is compared with, `MODEL@VERSION` or `MODEL@ALIAS`; its model's champion unless it is said.
   */
  validate(model: string, reference: string, against: string | undefined, by: Actor): Promise<Made>
  /** Validates what could be registered; where it is registered already, as `validate`. Otherwise nothing is kept. */
  preview(submission: Submission, against: string | undefined, by: Actor): Promise<Made>
  /** The latest first. */
  list(model: string, reference: string): Promise<readonly Validation[]>
  /** @param id of a validation, or `latest`. Throws `not_found`. */
  report(model: string, reference: string, id: string): Promise<Made>
}

const REPORT_BYTES_MAX = 1 << 26
const LISTED_MAX = 100

/** Opens validations; from now on the champion's place is held for versions that passed. */
export function openValidations(parts: ValidationParts): Validations {
  const { objects, registry, clock } = parts
  const { catalogue } = registry
  const store = validationStore(parts.db)
  holdChampion({ ...parts, store })
  const run = openValidator(objects)
  const judge = async (candidate: ModelVersion, against: string | undefined): Promise<Report> => {
    const champion = opponentOf(registry, candidate, against)
    return await run({ candidate, now: clock.now(), ...(champion === undefined ? {} : { champion }) })
  }
  const kept = async (report: Report, by: Actor): Promise<Made> => ({
    report,
    validation: await keep(parts, report, by),
  })

  return {
    async validate(model, reference, against, by) {
      await registry.refresh() // another process may have registered the version a moment ago
      return await kept(await judge(versionIn(catalogue, model, reference), against), by)
    },
    async preview(submission, against, by) {
      await registry.refresh()
      const { version, isRegistered } = await registry.preview(submission, by)
      const report = await judge(version, against)
      return isRegistered ? await kept(report, by) : { report }
    },
    async list(model, reference) {
      const { version } = versionIn(catalogue, model, reference)
      return await store.list(model, version, LISTED_MAX)
    },
    async report(model, reference, id) {
      const { version } = versionIn(catalogue, model, reference)
      const made = await store.list(model, version, id === 'latest' ? 1 : LISTED_MAX)
      const validation = id === 'latest' ? made[0] : made.find(one => one.id === id)
      if (validation !== undefined) return { validation, report: await readReport(objects, validation) }
      const what = id === 'latest' ? 'a validation' : `the validation ${id}`
      throw new Problem(
        'not_found',
        `Cannot find ${what} of ${model}@${version}: bellwether validate ${model}@${version} makes one`,
      )
    },
  }
}

/** The version it is compared with: the champion, unless another is named, or it is the champion itself. */
function opponentOf(
  { catalogue }: Registry,
  candidate: ModelVersion,
  against: string | undefined,
): ModelVersion | undefined {
  if (against === undefined) {
    const champion = catalogue.resolve(candidate.model, CHAMPION)
    return champion === undefined || champion === candidate.version
      ? undefined
      : catalogue.version(candidate.model, champion)
  }
  const at = against.lastIndexOf('@')
  const [model, reference] = at < 0 ? [candidate.model, against] : [against.slice(0, at), against.slice(at + 1)]
  return versionIn(catalogue, model, reference)
}

async function keep(
  { db, objects, clock, ids, evidence }: ValidationParts,
  report: Report,
  by: Actor,
): Promise<Validation> {
  const bytes = new TextEncoder().encode(canonical(report))
  const stored = await objects.put(once(bytes), { bytesMax: REPORT_BYTES_MAX, what: 'the report of a validation' })
  const { model, version, passed, counts, comparison } = report
  const validation: Validation = {
    id: ids.next(),
    model,
    version,
    passed,
    report: stored.sha256,
    counts,
    at: clock.now(),
    by: by.id,
    ...(comparison === undefined ? {} : { against: comparison.against }),
  }
  // First: a verdict that opens the way without a statement of it would be worse than the other way round.
  await evidence?.add({
    model,
    version,
    predicateType: TEST_RESULT,
    predicate: testResult(report, stored.sha256),
    actor: by,
  })
  await validationStore(db).add(validation, recordOf(validation, ids))
  return validation
}

function recordOf({ id, at, by, model, version, passed, report, against }: Validation, ids: Ids): ChangeRecord {
  return {
    kind: 'change',
    id: ids.next(),
    at,
    actor: by,
    action: 'model:validated',
    target: `${model}@${version}`,
    model,
    version,
    detail: { validation: id, passed, report, ...(against === undefined ? {} : { against }) },
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
