/** Registering: read the manifest, examine the files, keep the version. */
import { createHash } from 'node:crypto'
import { Problem } from '../errors.ts'
import { canonical } from '../ledger/canonical.ts'
import type { ChangeRecord } from '../ledger/record.ts'
import type { Clock } from '../platform/clock.ts'
import type { Ids } from '../platform/ids.ts'
import type { Objects } from '../platform/objects.ts'
import type { Actor } from '../route.ts'
import type { Background } from './background.ts'
import type { Examiner } from './examination.ts'
import type { Examination, Shape } from './examine.ts'
import { pythonOf, requireTrusted } from './external.ts'
import { CHAMPION, isHeld, type LeadPolicy, needsValidation } from './leading.ts'
import type { Manifest } from './manifest.ts'
import type { ReferenceProfile } from './profile.ts'
import type { InTransaction, RegistryStore } from './store.ts'
import { FILE_ROLES, type FileRole, type Registered, type Submission } from './submission.ts'
import type { ModelVersion, StoredFile } from './version.ts'

const PROFILE_BYTES_MAX = 1 << 28

export interface RegisterParts {
  readonly store: RegistryStore
  readonly objects: Objects
  readonly examiner: Examiner
  readonly clock: Clock
  readonly ids: Ids
  /** The Python program of the settings. */
  readonly pythonCommand: string
  readonly leadPolicy: LeadPolicy
  /** Absent: versions are not signed, as in a world without keys. */
  readonly evidence?: Sealing | undefined
  /** Throws where the number of a new version promises what it does not keep; returns what a person should know. */
  readonly judgeNumber: (version: ModelVersion) => readonly string[]
  /** The same among what the database has by then: others may have registered meanwhile. */
  readonly judgeAgain: (version: ModelVersion) => InTransaction
  readonly approvalsOf?: (model: string) => number
}

/** Signs what a version is; see `Evidence.seal`. */
export interface Sealing {
  seal(version: ModelVersion, by: string): Promise<InTransaction>
  require(version: ModelVersion): Promise<void>
}

export interface Caller {
  readonly by: Actor
  readonly source?: string
}

/** Everything but the catalogue: see `Registry.register`. */
export async function register(parts: RegisterParts, submission: Submission, caller: Caller): Promise<Registered> {
  const made = await versionOfSubmission(parts, submission, caller)
  const { digest, trust } = made
  if (made.isRegistered) return { version: made.version, created: false, notes: [] }
  const notes = [...made.notes, ...parts.judgeNumber(made.version)]
  const approvals = parts.approvalsOf?.(made.version.model) ?? 0
  const version: ModelVersion = {
    ...made.version,
    ...(approvals === 0 ? {} : { approvals }),
    ...(parts.evidence === undefined ? {} : { evidence: 'signed' }),
  }
  const mayLead = !isHeld(parts.leadPolicy, version)
  const sealed = await parts.evidence?.seal(version, caller.by.id)
  const recordsOf = ({ isFirst }: { readonly isFirst: boolean }): readonly ChangeRecord[] => {
    const registered = changeRecord(parts, caller, 'model:registered', version, {
      artifact: version.artifact.sha256,
      digest,
      format: version.format,
      ...(trust === undefined ? {} : { trust }),
      ...(version.origin === undefined ? {} : { origin: version.origin.source }),
      ...(version.reference === undefined ? {} : { reference: version.reference.sha256 }),
      ...(version.evaluation === undefined ? {} : { evaluation: version.evaluation.sha256 }),
    })
    if (!isFirst || !mayLead) return [registered]
    const detail = { alias: CHAMPION, to: version.version }
    return [registered, changeRecord(parts, caller, 'alias:moved', version, detail)]
  }
  const judgeAgain = parts.judgeAgain(version)
  const also: InTransaction = tx => judgeAgain(tx).then(() => sealed?.(tx))
  const added = await parts.store.add({ version, digest }, mayLead ? CHAMPION : undefined, recordsOf, also)
  const told = mayLead ? notes : [...notes, ...heldNotes(parts.leadPolicy, version)]
  return { ...added, notes: added.created ? told : [] }
}

function heldNotes(policy: LeadPolicy, made: ModelVersion): string[] {
  const { model, version, approvals = 0 } = made
  const notes: string[] = []
  if (needsValidation(policy, made))
    notes.push(`it becomes champion only after a passed validation: bellwether validate ${model}@${version}`)
  if (approvals > 0)
    notes.push(`it becomes champion only when ${approvals} approved of it: bellwether approve ${model}@${version}`)
  return notes
}

/** See `Registry.preview`. */
export async function preview(
  parts: RegisterParts,
  submission: Submission,
  caller: Caller,
): Promise<{ readonly version: ModelVersion; readonly isRegistered: boolean }> {
  const { version, isRegistered } = await versionOfSubmission(parts, submission, caller)
  return { version, isRegistered }
}

interface MadeVersion {
  readonly version: ModelVersion
  readonly digest: string
  readonly trust?: string
  readonly notes: readonly string[]
  /** With the same content: then nothing was examined. */
  readonly isRegistered: boolean
}

async function versionOfSubmission(
  parts: RegisterParts,
  { manifest: given, files, requirements, origin }: Submission,
  caller: Caller,
): Promise<MadeVersion> {
  const { checkManifest, parseManifest } = await import('./manifest.ts') // a server may run for months without it
  const manifest = typeof given === 'string' ? parseManifest(given) : checkManifest({ ...given })
  requireFiles(manifest, requirements === undefined ? { files } : { files, requirements })
  requireTrusted(manifest, caller.by)
  const python = pythonOf(manifest, requirements, parts.pythonCommand)
  const digest = digestOf(manifest, files, requirements)
  const there = await parts.store.find(manifest.name, manifest.version)
  // What is there already, or clashes, need not be examined; the transaction of the store decides again.
  if (there?.digest === digest) return { version: there.version, digest, notes: [], isRegistered: true }
  if (there !== undefined) throw conflict(there.version)

  const roles = FILE_ROLES.filter(role => files[role] !== undefined)
  const open = (role: FileRole) => parts.objects.stream(files[role]!.sha256)
  const examination = await parts.examiner.examine(manifest, roles, open, python)
  const { profile, background, notes } = examination
  const kept: Kept = {
    ...(profile && { profile: await store(parts.objects, profile, 'reference profile') }),
    ...(background && { background: await store(parts.objects, background, 'background sample') }),
  }
  const made = versionOf(manifest, files, examination, kept, { ...caller, at: parts.clock.now() })
  const version = origin === undefined ? made : { ...made, origin }
  const trust = manifest.trust === undefined ? {} : { trust: manifest.trust }
  return { version, digest, notes, isRegistered: false, ...trust }
}

/** A `change` record of the ledger about a version or an alias of it. */
export function changeRecord(
  { ids, clock }: Pick<RegisterParts, 'ids' | 'clock'>,
  { by, source }: Caller,
  action: string,
  { model, version }: { readonly model: string; readonly version?: string },
  detail: Readonly<Record<string, string>>,
): ChangeRecord {
  return {
    kind: 'change',
    id: ids.next(),
    at: clock.now(),
    actor: by.id,
    ...(source === undefined ? {} : { source }),
    action,
    target: detail['alias'] === undefined ? `${model}@${version}` : `${model}@${detail['alias']}`,
    model,
    ...(version === undefined ? {} : { version }),
    detail,
  }
}

/** A model.yaml that names a file is of no use without it: the profile or the check of the metrics would be missing. */
function requireFiles(manifest: Manifest, { files, requirements }: Omit<Submission, 'manifest'>): void {
  const { requirements: path } = manifest.python ?? {}
  if (typeof path === 'string' && requirements === undefined) {
    throw new Problem('invalid', `Cannot register: model.yaml names requirements that were not sent (${path})`, {
      fields: [{ field: 'requirements', problem: 'was not sent' }],
    })
  }
  const missing = FILE_ROLES.filter(role => manifest[role] !== undefined && files[role] === undefined)
  if (missing.length === 0) return
  const named = missing.map(role => `${role}: ${manifest[role]}`).join(', ')
  throw new Problem('invalid', `Cannot register: model.yaml names files that were not sent (${named})`, {
    fields: missing.map(field => ({ field, problem: 'was not sent' })),
  })
}

/** What makes two registrations the same: what the manifest says, in whatever form, and the bytes; not names of files. */
function digestOf(manifest: Manifest, files: Submission['files'], requirements: string | undefined): string {
  const { artifact: _, reference: __, evaluation: ___, ...said } = manifest
  const bytes = Object.fromEntries(FILE_ROLES.map(role => [role, files[role]?.sha256]))
  return createHash('sha256')
    .update(canonical({ said, bytes, ...(requirements === undefined ? {} : { requirements }) }))
    .digest('hex')
}

function conflict({ model, version }: ModelVersion): Problem {
  return new Problem(
    'conflict',
    `Cannot register ${model}@${version}: it exists with other content, and versions never change; choose a new version`,
  )
}

/** What was made of the reference data. */
type Kept = Pick<ModelVersion, 'profile' | 'background'>

async function store(objects: Objects, made: ReferenceProfile | Background, what: string): Promise<StoredFile> {
  const bytes = new TextEncoder().encode(JSON.stringify(made))
  return await objects.put(once(bytes), { bytesMax: PROFILE_BYTES_MAX, what })
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function versionOf(
  manifest: Manifest,
  files: Submission['files'],
  examination: Examination,
  kept: Kept,
  { by, at }: { readonly by: Actor; readonly at: number },
): ModelVersion {
  const { format, task, objective, facts, signature, external, measuredMetrics, reference, evaluation } = examination
  const { owner, description, uses } = manifest
  return {
    model: manifest.name,
    version: manifest.version,
    ...(owner === undefined ? {} : { owner }),
    ...(description === undefined ? {} : { description }),
    format,
    task,
    objective,
    artifact: files.artifact,
    signature,
    uses: {
      permitted: uses?.permitted ?? [],
      prohibited: uses?.prohibited ?? [],
      required: uses?.required ?? false,
    },
    limitations: manifest.limitations ?? [],
    statedMetrics: manifest.metrics ?? {},
    ...(measuredMetrics === undefined ? {} : { measuredMetrics }),
    ...snapshotPart('reference', files.reference, reference),
    ...snapshotPart('evaluation', files.evaluation, evaluation),
    ...kept,
    ...(manifest.threshold === undefined ? {} : { threshold: manifest.threshold }),
    ...(manifest.target === undefined ? {} : { target: manifest.target }),
    ...(manifest.validation === undefined ? {} : { validation: manifest.validation }),
    ...(manifest.drift === undefined ? {} : { drift: manifest.drift }),
    ...(manifest.service === undefined ? {} : { service: manifest.service }),
    durability: manifest.durability ?? 'process',
    explain: examination.explain,
    ...(manifest.reasons === undefined ? {} : { reasons: manifest.reasons }),
    ...(external === undefined ? {} : { external }),
    facts,
    registeredAt: at,
    registeredBy: by.id,
  }
}

function snapshotPart(
  role: 'reference' | 'evaluation',
  file: StoredFile | undefined,
  shape: Shape | undefined,
): Partial<Pick<ModelVersion, 'reference' | 'evaluation'>> {
  return file === undefined || shape === undefined ? {} : { [role]: { ...file, ...shape } }
}
