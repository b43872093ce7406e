/**
 * Models and their versions. Registering is slow and careful (examination in a worker thread, SQL transactions);
 * asking what there is costs a look into memory, so that the journey of a request never waits for a database.
 */
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Objects } from '../platform/objects.ts'
import { isExternal, type Model, predictorOf } from '../predictor/model.ts'
import type { AnyPredictor } from '../predictor/predictor.ts'
import type { Actor } from '../route.ts'
import type { Runtimes } from '../runtimes/runtimes.ts'
import { type Background, parseBackground } from './background.ts'
import { type Catalogue, type CatalogueChange, type LiveCatalogue, liveCatalogue } from './catalogue.ts'
import { type Examiner, openExaminer } from './examination.ts'
import { CHAMPION, isHeld, type LeadPolicy } from './leading.ts'
import { judgeNumber, neighboursAmong, type VersionRule } from './lifecycle/version-rule.ts'
import { loadVerified } from './load-verified.ts'
import { parseProfile, type ReferenceProfile } from './profile.ts'
import { type Caller, changeRecord, preview, type RegisterParts, register, type Sealing } from './register.ts'
import { type AnyTransaction, findVersion, type InTransaction, registryStore, versionsOf } from './store.ts'
import type { FileRole, Registered, Submission } from './submission.ts'
import type { Alias, ModelVersion, StoredFile } from './version.ts'

export type { Catalogue, CatalogueChange } from './catalogue.ts'

/** A version ready to answer. */
export interface LoadedVersion {
  readonly version: ModelVersion
  readonly predictor: AnyPredictor
  readonly profile?: ReferenceProfile
  /** What the predictor was made of. */
  readonly artifact?: Model
  /** Rows of the reference data to compare with; absent where it was registered without. */
  readonly background?: Background
}

export interface Registry {
  readonly catalogue: Catalogue
  /** Stores an upload within the limit of its role; throws `too_large`. */
  receive(role: FileRole, source: AsyncIterable<Uint8Array>): Promise<StoredFile>
  /**
   * Examines and registers. Throws `invalid` where artifact, manifest and data disagree or stated metrics are not
   * reproduced, `conflict` where the version exists with other content. Whatever is thrown, nothing became visible.
   */
  register(submission: Submission, by: Actor, source?: string): Promise<Registered>
  /** What `register` would make of a submission, or has made of it. Throws what it throws, and keeps no version. */
  preview(
    submission: Submission,
    by: Actor,
  ): Promise<{ readonly version: ModelVersion; readonly isRegistered: boolean }>
  /** Reads, verifies (SHA-256) and compiles the artifact. Not cached: serving keeps what it serves. */
  load(model: string, version: string): Promise<LoadedVersion>
  /** The reference profile; throws `not_found` where the version was registered without reference data. */
  profile(model: string, version: string): Promise<ReferenceProfile>
  /** Points an alias at a version (semver or alias). Moving it to where it is already changes nothing. */
  setAlias(model: string, alias: string, reference: string, by: Actor, source?: string): Promise<Alias>
  /** Throws `not_found` where there is no such alias. */
  removeAlias(model: string, alias: string, by: Actor, source?: string): Promise<void>
  /** Takes in what other replicas changed. */
  refresh(): Promise<void>
  /** Calls `listener` after the catalogue changed, whoever changed it. Returns how to stop. */
  onChange(listener: (change: CatalogueChange) => void): () => void
  /**
   * Calls `prepare` before an alias moves. What it rejects with is thrown to whoever moves it, and the alias stays where it
   * is. Returns how to stop.
   */
  beforeMove(prepare: (move: AliasMove) => Promise<void>): () => void
  /**
   * Asks `check` in the turn in which an alias moves, right before: nothing that takes its turn can come between. It must be quick, ask
   * the database through `tx` alone, and throw to hold the alias. Returns how to stop.
   */
  inMove(check: MoveCheck): () => void
}

export type MoveCheck = (move: AliasMove, tx: AnyTransaction) => Promise<void>

/** An alias on its way from a version, if it was anywhere, to another. */
export interface AliasMove {
  readonly model: string
  readonly alias: string
  readonly from: string | undefined
  readonly to: string
}

export interface RegistryLimits {
  readonly artifactBytesMax: number
  readonly referenceBytesMax: number
}

export interface RegistryParts {
  readonly db: Database
  readonly objects: Objects
  readonly clock: Clock
  readonly ids: Ids
  readonly limits: RegistryLimits
  readonly log: Pick<Log, 'info' | 'error'>
  readonly runtimes: Runtimes
  /** Python program of models that name none. */
  readonly pythonCommand: string
  /** Which first versions of a model are not its champion at once. */
  readonly leadPolicy: LeadPolicy
  readonly evidence?: Sealing | undefined
  /** Of versions that break callers under a number that promises the contrary; `tell` unless it is said. */
  readonly versionRule?: VersionRule
  /** How many people must approve of versions of a model; nobody unless it is said. */
  readonly approvalsOf?: (model: string) => number
}

/** A larger artifact is parsed in a worker thread: up to here it takes a few milliseconds. */
const INLINE_BYTES_MAX = 1 << 18
const ALIAS = /^[a-z][a-z0-9_-]{0,49}$/

/** Opens the registry over a migrated database. */
export async function openRegistry(given: RegistryParts): Promise<Registry> {
  const { db, objects, clock, limits, log, runtimes } = given
  const catalogue = liveCatalogue()
  const judges = judgesOf(catalogue, given.versionRule ?? 'tell')
  const parts: RegisterParts = { ...given, store: registryStore(db), examiner: openExaminer(), ...judges }
  const listeners = new Set<(change: CatalogueChange) => void>()
  const preparing = new Set<(move: AliasMove) => Promise<void>>()
  const allowing = new Set<MoveCheck>()
  const refresh = refresher(parts, catalogue, listeners, log)
  await refresh()

  return {
    catalogue,
    receive: (role, source) => objects.put(source, { bytesMax: bytesMaxOf(role, limits), what: WHAT[role] }),
    async register(submission, by, source): Promise<Registered> {
      await refresh() // the release before may have come from another process
      const registered = await register(parts, submission, callerOf(by, source))
      await refresh()
      const { model, version } = registered.version
      if (registered.created) log.info({ model, version, actor: by.id }, 'model registered')
      return registered
    },
    preview: (submission, by) => preview(parts, submission, callerOf(by, undefined)),
    load: async (model, version) => load({ ...parts, runtimes }, versionIn(catalogue, model, version)),
    profile: async (model, version) => profileOf(objects, versionIn(catalogue, model, version)),
    async setAlias(model, alias, reference, by, source): Promise<Alias> {
      requireAlias(alias)
      await refresh() // another process may have registered the version a moment ago
      const meant = versionIn(catalogue, model, reference)
      const { version } = meant
      const move = { model, alias, from: catalogue.resolve(model, alias), to: version }
      if (move.from !== version) for (const prepare of preparing) await prepare(move)
      const caller = callerOf(by, source)
      const moved = { model, alias, version, movedAt: clock.now(), movedBy: by.id }
      const isJudged = alias === CHAMPION && isHeld(given.leadPolicy, meant)
      const recordsOf = ({ from }: { readonly from: string | undefined }) => {
        if (isJudged) requireStill(move, from)
        const detail = { alias, to: version, ...(from === undefined ? {} : { from }) }
        return [changeRecord(parts, caller, 'alias:moved', moved, detail)]
      }
      const set = await parts.store.setAlias(moved, recordsOf, askAll(allowing, move))
      await refresh()
      return set
    },
    async removeAlias(model, alias, by, source): Promise<void> {
      requireModel(catalogue, model)
      const removed = { model, alias, movedAt: clock.now(), movedBy: by.id }
      const caller = callerOf(by, source)
      await parts.store.removeAlias(removed, ({ from }) => [
        changeRecord(parts, caller, 'alias:removed', { model }, { alias, from }),
      ])
      await refresh()
    },
    refresh,
    onChange: listener => joined(listeners, listener),
    beforeMove: prepare => joined(preparing, prepare),
    inMove: check => joined(allowing, check),
  }
}

/** Of numbers: against the versions that this process knows, before anything is signed, and against those of the database. */
function judgesOf(catalogue: Catalogue, rule: VersionRule): Pick<RegisterParts, 'judgeNumber' | 'judgeAgain'> {
  return {
    judgeNumber(version) {
      const { before, after } = neighboursAmong(catalogue.versions(version.model), version.version)
      const known = (name: string | undefined) =>
        name === undefined ? undefined : catalogue.version(version.model, name)
      return judgeNumber({ before: known(before), after: known(after) }, version, rule)
    },
    judgeAgain: version => async tx => {
      const { model } = version
      const { before, after } = neighboursAmong(await versionsOf(tx, model), version.version)
      const kept = async (name: string | undefined) =>
        name === undefined ? undefined : (await findVersion(tx, model, name))?.version
      judgeNumber({ before: await kept(before), after: await kept(after) }, version, rule)
    },
  }
}

/** One after another: a transaction does one thing at a time. */
function askAll(checks: ReadonlySet<MoveCheck>, move: AliasMove): InTransaction {
  return async tx => {
    for (const check of checks) await check(move, tx)
  }
}

/** Adds one; returns how to take it out again. */
function joined<T>(all: Set<T>, one: T): () => void {
  all.add(one)
  return () => void all.delete(one)
}

const WHAT: Readonly<Record<FileRole, string>> = {
  artifact: 'the artifact',
  reference: 'the reference data',
  evaluation: 'the evaluation data',
}

function bytesMaxOf(role: FileRole, limits: RegistryLimits): number {
  return role === 'artifact' ? limits.artifactBytesMax : limits.referenceBytesMax
}

function callerOf(by: Actor, source: string | undefined): Caller {
  return source === undefined ? { by } : { by, source }
}

/** Calls of `refresh` follow one another, so that the catalogue never goes back. */
function refresher(
  { store }: RegisterParts,
  catalogue: LiveCatalogue,
  listeners: ReadonlySet<(change: CatalogueChange) => void>,
  log: Pick<Log, 'error'>,
): () => Promise<void> {
  let revision = 0
  let turn: Promise<void> = Promise.resolve()
  const once = async (): Promise<void> => {
    const changes = await store.since(revision)
    revision = changes.revision
    for (const change of catalogue.apply(changes)) {
      for (const listener of listeners) {
        try {
          listener(change)
        } catch (error) {
          log.error({ error: String(error), model: change.model }, 'a listener of the registry failed')
        }
      }
    }
  }
  return () => {
    const mine = turn.then(once)
    turn = mine.catch(() => undefined)
    return mine
  }
}

/** What was judged was a move from one version to another: somebody else's move in between was not judged. */
function requireStill({ model, alias, from, to }: AliasMove, found: string | undefined): void {
  if (found === from) return
  const now = found === undefined ? 'it was removed' : `it went to ${found}`
  throw new Problem('conflict', `Cannot make ${model}@${to} the ${alias}: meanwhile ${now}; try again`)
}

/** Throws `not_found`, saying what there is. */
export function requireModel(catalogue: Catalogue, model: string): void {
  if (!catalogue.has(model)) throw new Problem('not_found', `Cannot find the model ${model}: it is not registered`)
}

/** The version that a semantic version or alias names; throws `not_found`. */
export function versionIn(catalogue: Catalogue, model: string, reference: string): ModelVersion {
  requireModel(catalogue, model)
  const version = catalogue.resolve(model, reference)
  const found = version === undefined ? undefined : catalogue.version(model, version)
  if (found !== undefined) return found
  const newest = catalogue.versions(model).slice(-5).join(', ')
  throw new Problem(
    'not_found',
    `Cannot find ${model}@${reference}: there is no such version or alias; the newest are ${newest}`,
  )
}

function requireAlias(alias: string): void {
  if (ALIAS.test(alias)) return
  const problem = 'wanted a small letter, then at most 49 small letters, digits, dashes and underscores'
  throw new Problem('invalid', `Cannot move the alias ${JSON.stringify(alias)}: ${problem}`, {
    fields: [{ field: 'alias', problem }],
  })
}

interface LoadParts {
  readonly objects: Objects
  readonly examiner: Examiner
  readonly runtimes: Runtimes
  readonly evidence?: Sealing | undefined
}

async function load(
  { objects, examiner, runtimes, evidence }: LoadParts,
  version: ModelVersion,
): Promise<LoadedVersion> {
  await evidence?.require(version)
  const profile = version.profile === undefined ? undefined : await profileOf(objects, version)
  const background = await backgroundOf(objects, version)
  const { sha256, bytes } = version.artifact
  const model: Model =
    version.external ??
    (bytes <= INLINE_BYTES_MAX
      ? loadVerified(await objects.bytes(sha256), sha256)
      : await examiner.load(sha256, () => objects.stream(sha256)))
  const served = { name: `${version.model}@${version.version}`, artifact: () => objects.bytes(sha256) }
  const predictor = isExternal(model) ? await runtimes.open(model, served) : predictorOf(model)
  const loaded = { version, predictor, artifact: model, ...(profile === undefined ? {} : { profile }) }
  return background === undefined ? loaded : { ...loaded, background }
}

async function backgroundOf(objects: Objects, { background }: ModelVersion): Promise<Background | undefined> {
  return background && parseBackground(new TextDecoder().decode(await objects.bytes(background.sha256)))
}

async function profileOf(objects: Objects, { model, version, profile }: ModelVersion): Promise<ReferenceProfile> {
  if (profile === undefined) {
    throw new Problem(
      'not_found',
      `Cannot show the profile of ${model}@${version}: it was registered without reference data`,
    )
  }
  return parseProfile(new TextDecoder().decode(await objects.bytes(profile.sha256)))
}
