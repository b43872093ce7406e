/** Whether a version may be served, by what was signed of it. */
import { createHash } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keyring } from '../../platform/crypto.ts'
import { type Database, tables } from '../../platform/database.ts'
import type { AnyTransaction } from '../store.ts'
import type { ModelVersion } from '../version.ts'
import { type Trust, type Verified, verifyBundle } from './bundle.ts'
import { signedModel } from './model-signature.ts'
import { believedKeys } from './signing-keys.ts'
import {
  APPROVAL,
  isObject,
  PROVENANCE,
  REGISTRATION,
  REQUIRABLE,
  SIGNATURE,
  TEST_RESULT,
  wordOf,
} from './statement.ts'
import type { EvidenceTables, StatementsRow } from './tables.ts'

export interface EvidencePolicy {
  /** Types of predicates without which a version is not served. */
  readonly required: readonly string[]
  /** PEM by key id: keys of others, whose statements count as ours do. */
  readonly keys: ReadonlyMap<string, string>
  /** PEM of root certificates. */
  readonly roots: readonly string[]
}

export interface RequirementParts {
  readonly db: Database
  readonly clock: Clock
  readonly policy: EvidencePolicy
  readonly keyring: Keyring
}

/** A statement as it is kept, and what came of verifying it. */
export interface Judged {
  readonly row: StatementsRow
  readonly verified?: Verified
  /** Why it is not believed. */
  readonly problem?: Problem
}

/** Throws `corrupt`, saying what is wrong, where a version must not be served. */
export type RequireEvidence = (version: ModelVersion) => Promise<void>

export function requirements(parts: RequirementParts): RequireEvidence {
  return async version => {
    const { required } = parts.policy
    const isSigned = version.evidence === 'signed'
    const wanted = isSigned ? new Set([SIGNATURE, PROVENANCE, ...required]) : new Set(required)
    if (wanted.size === 0) return
    const judged = await judge(parts, version)
    const refused = (why: string): Problem => {
      const name = `${version.model}@${version.version}`
      return new Problem('corrupt', `Cannot serve ${name}: ${why}; what there is: bellwether evidence ${name}`)
    }
    for (const predicateType of wanted) {
      const why = missing(judged, predicateType)
      if (why !== undefined) throw refused(why)
    }
    if (isSigned && !isAsRegistered(judged, version)) {
      throw refused(
        'what is kept of it (its model.yaml, signature, limits) is not what was signed when it was registered',
      )
    }
  }
}

/** SHA-256 of all that is kept of a version, hex. */
export function recordDigest(version: ModelVersion): string {
  // Through JSON, as the database keeps it.
  return createHash('sha256')
    .update(canonical(JSON.parse(JSON.stringify(version))))
    .digest('hex')
}

function isAsRegistered(judged: readonly Judged[], version: ModelVersion): boolean {
  const digest = recordDigest(version)
  return judged.some(({ verified }) => {
    if (verified?.statement.predicateType !== PROVENANCE) return false
    const { buildDefinition } = verified.statement.predicate as Readonly<Record<string, unknown>>
    if (!isObject(buildDefinition) || buildDefinition['buildType'] !== REGISTRATION) return false
    const { externalParameters } = buildDefinition
    return isObject(externalParameters) && externalParameters['record'] === digest
  })
}

/** All statements of a version, the oldest first, each verified. */
export async function judge(parts: RequirementParts, about: Named, within?: AnyTransaction): Promise<Judged[]> {
  const { clock, policy } = parts
  const db = within ?? parts.db
  const { model, version } = about
  const rows = await tables<EvidenceTables>(db)
    .selectFrom('evidence_statements')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('id')
    .execute()
  if (rows.length === 0) return []
  const trust: Trust = {
    keys: new Map([...policy.keys, ...(await believedKeys({ db, keyring: parts.keyring }))]),
    roots: policy.roots,
    now: clock.now(),
  }
  return rows.map(row => {
    try {
      const verified = verifyAbout(row.bundle, trust, about)
      if (verified.statement.predicateType === row.predicate_type) return { row, verified }
      throw new Problem('corrupt', `Cannot believe the statement: it is a ${wordOf(verified.statement.predicateType)}`)
    } catch (error) {
      if (error instanceof Problem) return { row, problem: error }
      throw error
    }
  })
}

export type Named = Pick<ModelVersion, 'model' | 'version' | 'artifact'>

/** What says yes to a version, and not only to its bytes: another version may have the same with other limits. */
const OF_ONE_VERSION: readonly string[] = [APPROVAL, TEST_RESULT]

/** Throws as `verifyBundle` does, and `corrupt` where the statement is about something else. */
export function verifyAbout(bundle: string, trust: Trust, { model, version, artifact }: Named): Verified {
  const verified = verifyBundle(bundle, trust)
  const { predicateType, subject } = verified.statement
  if (predicateType === SIGNATURE) {
    if (signedModel(verified.statement).files.some(({ sha256 }) => sha256 === artifact.sha256)) return verified
    throw notAbout(`the artifact ${artifact.sha256.slice(0, 16)}`)
  }
  const same = subject.filter(({ digest }) => digest['sha256'] === artifact.sha256)
  if (same.length === 0) throw notAbout(`the artifact ${artifact.sha256.slice(0, 16)}`)
  const name = `${model}@${version}`
  if (OF_ONE_VERSION.includes(predicateType) && !same.some(each => each.name === name)) {
    throw notAbout(`${name}, but about ${same[0]!.name}`)
  }
  return verified
}

function notAbout(what: string): Problem {
  return new Problem('corrupt', `Cannot believe the statement: it is not about ${what}`)
}

/** Why a requirement is not met, if so. */
function missing(judged: readonly Judged[], predicateType: string): string | undefined {
  const word = wordOf(predicateType)
  const all = judged.filter(({ row }) => row.predicate_type === predicateType)
  const believed = all.filter(({ verified }) => verified !== undefined)
  const latest = believed.at(-1)?.verified?.statement.predicate as Readonly<Record<string, unknown>> | undefined
  if (latest === undefined) {
    const problem = all.at(-1)?.problem
    return problem === undefined ? `it has no signed ${word}, which is required` : `${word}: ${problem.message}`
  }
  if (predicateType === TEST_RESULT && latest['result'] === 'FAILED') return 'its latest validation failed'
  if (predicateType === APPROVAL && latest['decision'] === 'rejected') return 'its approval was refused'
  return undefined
}

/** The words of a setting as types of predicates; throws `misconfigured` for one that there is not. */
export function requiredTypes(words: string): string[] {
  return words
    .split(/[\s,]+/)
    .filter(word => word !== '')
    .map(word => {
      const predicateType = REQUIRABLE[word] ?? (/^[a-z][a-z0-9+.-]*:/.test(word) ? word : undefined)
      if (predicateType !== undefined) return predicateType
      const wanted = `${Object.keys(REQUIRABLE).join(', ')} or the URI of a type of predicate`
      throw new Problem('misconfigured', `Cannot require ${JSON.stringify(word)} (evidence.required): wanted ${wanted}`)
    })
}
