/** Whether a version may be served, by what was signed of it. */
import { Problem } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { type Database, tables } from '../../platform/database.ts'
import type { ModelVersion } from '../version.ts'
import { type Trust, type Verified, verifyBundle } from './bundle.ts'
import { signedModel } from './model-signature.ts'
import { believedKeys } from './signing-keys.ts'
import { APPROVAL, REQUIRABLE, SIGNATURE, TEST_RESULT, wordOf } from './statement.ts'
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
    const wanted = version.evidence === 'signed' ? new Set([SIGNATURE, ...required]) : new Set(required)
    if (wanted.size === 0) return
    const judged = await judge(parts, version)
    for (const predicateType of wanted) {
      const why = missing(judged, predicateType)
      if (why === undefined) continue
      const name = `${version.model}@${version.version}`
      throw new Problem('corrupt', `Cannot serve ${name}: ${why}; what there is: bellwether evidence ${name}`)
    }
  }
}

/** All statements of a version, the oldest first, each verified. */
export async function judge(
  { db, clock, policy }: RequirementParts,
  { model, version, artifact }: Pick<ModelVersion, 'model' | 'version' | 'artifact'>,
): Promise<Judged[]> {
  const rows = await tables<EvidenceTables>(db)
    .selectFrom('evidence_statements')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('id')
    .execute()
  if (rows.length === 0) return []
  const trust: Trust = {
    keys: new Map([...policy.keys, ...(await believedKeys(db))]),
    roots: policy.roots,
    now: clock.now(),
  }
  return rows.map(row => {
    try {
      return { row, verified: verifyAbout(row.bundle, trust, artifact.sha256) }
    } catch (error) {
      if (error instanceof Problem) return { row, problem: error }
      throw error
    }
  })
}

/** Throws as `verifyBundle` does, and `corrupt` where the statement is about something else. */
export function verifyAbout(bundle: string, trust: Trust, artifact: string): Verified {
  const verified = verifyBundle(bundle, trust)
  const { statement } = verified
  const about =
    statement.predicateType === SIGNATURE
      ? signedModel(statement).files.some(({ sha256 }) => sha256 === artifact)
      : statement.subject.some(({ digest }) => digest['sha256'] === artifact)
  if (about) return verified
  throw new Problem('corrupt', `Cannot believe the statement: it is not about the artifact ${artifact.slice(0, 16)}`)
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
