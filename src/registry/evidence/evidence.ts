/** The evidence of versions: what is signed when one is registered, what others add later, and what of it is believed. */
import { createHash } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { canonical } from '../../ledger/canonical.ts'
import { CHANGE_TOPIC } from '../../ledger/changes.ts'
import type { ChangeRecord } from '../../ledger/record.ts'
import { type Database, tables } from '../../platform/database.ts'
import { enqueue } from '../../platform/outbox.ts'
import type { Actor } from '../../route.ts'
import { type AnyTransaction, findVersion, type InTransaction, inTurn } from '../store.ts'
import type { ModelVersion } from '../version.ts'
import { type Bundle, signStatement } from './bundle.ts'
import { artifactName } from './file-names.ts'
import { modelStatement } from './model-signature.ts'
import {
  type Judged,
  judge,
  type RequireEvidence,
  type RequirementParts,
  recordDigest,
  requirements,
  verifyAbout,
} from './requirements.ts'
import { believedKeys, openSigningKeys, type SigningKeyParts, type SigningKeys } from './signing-keys.ts'
import { MEASUREMENT, PROVENANCE, REGISTRATION, SIGNATURE, type Statement, statementOf, wordOf } from './statement.ts'
import type { EvidenceTables, StatementsRow } from './tables.ts'

export interface EvidenceParts extends SigningKeyParts, RequirementParts {
  readonly programVersion: string
}

/** A statement as it is told. */
export interface Told {
  readonly id: string
  /** The word for its type, or the type. */
  readonly about: string
  readonly predicateType: string
  readonly keyId: string
  readonly at: number
  readonly by: string
  readonly isBelieved: boolean
  /** Why it is not believed. */
  readonly problem?: string
  /** What is said; absent where it is not believed. */
  readonly predicate?: object
}

export interface Said {
  readonly model: string
  readonly version: string
  readonly predicateType: string
  readonly predicate: object
  readonly actor: Actor
}

export interface Evidence {
  readonly keys: SigningKeys
  /** For registration: signs, and keeps what was signed in the transaction that adds the version. */
  seal(version: ModelVersion, by: string): Promise<InTransaction>
  /** Signs a statement about a registered version, and keeps it. */
  add(said: Said): Promise<Told>
  /** Keeps what somebody else signed, if it is about this version and its key is believed. */
  attach(model: string, version: string, bundle: string, by: Actor): Promise<Told>
  /** Signs again what was signed at registration, by the key of now: after a key was revoked. */
  signAgain(model: string, version: string, by: Actor): Promise<readonly Told[]>
  /** The oldest first. Within a transaction it tells what that sees: another connection would wait for it, or know less. */
  list(model: string, version: string, within?: AnyTransaction): Promise<readonly Told[]>
  /** The latest believed signature of the model, for a file beside it. Throws `not_found`. */
  signature(model: string, version: string): Promise<string>
  /** A bundle as it was signed. Throws `not_found`. */
  bundle(model: string, version: string, id: string): Promise<string>
  readonly require: RequireEvidence
}

const BUNDLE_BYTES_MAX = 1 << 20

export function openEvidence(parts: EvidenceParts): Evidence {
  const keys = openSigningKeys(parts)
  const found = async (model: string, version: string, within?: AnyTransaction): Promise<ModelVersion> => {
    const stored = await findVersion(within ?? parts.db, model, version)
    if (stored !== undefined) return stored.version
    throw new Problem('not_found', `Cannot find ${model}@${version}: there is no such version`)
  }
  const sign = async (
    version: ModelVersion,
    statements: readonly Statement[],
    by: string,
  ): Promise<StatementsRow[]> => {
    const key = await keys.current()
    const signed = statements.map(async statement =>
      rowOf(parts, version, statement.predicateType, await signStatement(statement, key), key.keyId, by),
    )
    return Promise.all(signed)
  }
  // In turn with what changes the registry: whoever moves an alias has seen all that was said before, or is told first.
  const keep = (rows: readonly StatementsRow[]): Promise<void> =>
    inTurn(parts.db, tx => insert(parts, tx as Transacted, rows))

  return {
    keys,
    async seal(version, by) {
      const rows = await sign(version, atRegistration(parts, version), by)
      return tx => insert(parts, tx as Transacted, rows)
    },
    async add({ model, version, predicateType, predicate, actor }) {
      const about = await found(model, version)
      const rows = await sign(about, [statementOf(subjectOf(about), predicateType, predicate)], actor.id)
      await keep(rows)
      return told((await judge(parts, about)).find(({ row }) => row.id === rows[0]!.id)!)
    },
    async attach(model, version, text, by) {
      const about = await found(model, version)
      const row = await attached(parts, about, text, by.id)
      await keep([row])
      return told((await judge(parts, about)).find(each => each.row.id === row.id)!)
    },
    async signAgain(model, version, by) {
      const about = await found(model, version)
      const rows = await sign(about, atRegistration(parts, about), by.id)
      await keep(rows)
      const ids = new Set(rows.map(({ id }) => id))
      return (await judge(parts, about)).filter(({ row }) => ids.has(row.id)).map(told)
    },
    list: async (model, version, within) => (await judge(parts, await found(model, version, within), within)).map(told),
    signature: async (model, version) => signatureIn(await judge(parts, await found(model, version)), model, version),
    bundle: async (model, version, id) => bundleIn(await judge(parts, await found(model, version)), id),
    require: requirements(parts),
  }
}

function signatureIn(judged: readonly Judged[], model: string, version: string): string {
  const last = judged.filter(({ verified }) => verified?.statement.predicateType === SIGNATURE).at(-1)
  if (last !== undefined) return last.row.bundle
  throw new Problem('not_found', `Cannot find a signature of ${model}@${version}: none is believed`)
}

function bundleIn(judged: readonly Judged[], id: string): string {
  const one = judged.find(({ row }) => row.id === id)
  if (one !== undefined) return one.row.bundle
  throw new Problem('not_found', `Cannot find the statement ${id}: there is none about this version`)
}

type Transacted = Pick<Database, 'sql'>['sql']

async function insert({ ids }: EvidenceParts, tx: Transacted, rows: readonly StatementsRow[]): Promise<void> {
  const sql = tables<EvidenceTables>(tx)
  await sql
    .insertInto('evidence_statements')
    .values([...rows])
    .execute()
  for (const row of rows) {
    const record = recordOf(row, ids.next())
    await enqueue(tx, { id: record.id, topic: CHANGE_TOPIC, payload: canonical(record), at: record.at })
  }
}

function recordOf(
  { id, model, version, predicate_type, key_id, bundle, added_at, added_by }: StatementsRow,
  recordId: string,
): ChangeRecord {
  return {
    kind: 'change',
    id: recordId,
    at: added_at,
    actor: added_by,
    action: 'evidence:added',
    target: `${model}@${version}`,
    model,
    version,
    detail: {
      statement: id,
      about: wordOf(predicate_type),
      key: key_id,
      bundle: createHash('sha256').update(bundle).digest('hex'),
    },
  }
}

function rowOf(
  { ids, clock }: EvidenceParts,
  { model, version }: ModelVersion,
  predicateType: string,
  bundle: Bundle | string,
  keyId: string,
  by: string,
): StatementsRow {
  return {
    id: ids.next(),
    model,
    version,
    predicate_type: predicateType,
    key_id: keyId,
    bundle: typeof bundle === 'string' ? bundle : JSON.stringify(bundle),
    added_at: clock.now(),
    added_by: by,
  }
}

function subjectOf({ model, version, artifact }: ModelVersion): Statement['subject'][number] {
  return { name: `${model}@${version}`, digest: { sha256: artifact.sha256 } }
}

/** What is known of every version from its first moment: its bytes, where it came from, what was measured. */
function atRegistration({ programVersion }: EvidenceParts, version: ModelVersion): Statement[] {
  const { model, artifact, reference, evaluation, statedMetrics, measuredMetrics } = version
  const data = Object.entries({ reference, evaluation }).flatMap(([name, file]) =>
    file === undefined ? [] : [{ name: `${name} data`, digest: { sha256: file.sha256 } }],
  )
  const provenance = {
    buildDefinition: {
      buildType: REGISTRATION,
      externalParameters: {
        model,
        version: version.version,
        format: version.format,
        task: version.task,
        record: recordDigest(version),
      },
      resolvedDependencies: data,
    },
    runDetails: {
      builder: { id: 'urn:bellwether:registry', version: { bellwether: programVersion } },
      metadata: { finishedOn: new Date(version.registeredAt).toISOString() },
      byproducts: [],
    },
  }
  return [
    modelStatement(model, [{ name: artifactName(version.format), sha256: artifact.sha256 }]),
    statementOf(subjectOf(version), PROVENANCE, provenance),
    statementOf(subjectOf(version), MEASUREMENT, {
      stated: statedMetrics,
      ...(measuredMetrics === undefined ? {} : { measured: measuredMetrics }),
      ...(evaluation === undefined ? {} : { on: { name: 'evaluation data', digest: { sha256: evaluation.sha256 } } }),
    }),
  ]
}

async function attached(parts: EvidenceParts, version: ModelVersion, text: string, by: string): Promise<StatementsRow> {
  if (text.length > BUNDLE_BYTES_MAX) {
    throw new Problem(
      'too_large',
      `Cannot keep the statement: it has ${text.length} characters, at most ${BUNDLE_BYTES_MAX}`,
    )
  }
  const { policy, clock } = parts
  const trust = {
    keys: new Map([...policy.keys, ...(await believedKeys(parts))]),
    roots: policy.roots,
    now: clock.now(),
  }
  const { statement, keyId } = verifyAbout(text, trust, version)
  return rowOf(parts, version, statement.predicateType, text, keyId, by)
}

function told({ row, verified, problem }: Judged): Told {
  return {
    id: row.id,
    about: wordOf(row.predicate_type),
    predicateType: row.predicate_type,
    keyId: row.key_id,
    at: row.added_at,
    by: row.added_by,
    isBelieved: verified !== undefined,
    ...(problem === undefined ? {} : { problem: problem.message }),
    ...(verified === undefined ? {} : { predicate: verified.statement.predicate }),
  }
}
