/**
 * The models that are ready to answer: loaded and compiled once, shared by all who ask while they load, and kept until
 * others need the memory more.
 */
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import { explainerOf } from '../predictor/explainer.ts'
import { type AnyPredictor, isAwaited } from '../predictor/predictor.ts'
import type { LoadedVersion } from '../registry/registry.ts'
import { explainingOf } from './explaining.ts'
import { type Lane, type LoadedModel, laneMaker } from './lane.ts'
import { outputWriter } from './outputs.ts'
import { compileSignature } from './signature.ts'

export interface Models {
  /** The model; at once where it is loaded, which is nearly always. Rejects with what loading it threw. */
  get(model: string, version: string): LoadedModel | Promise<LoadedModel>
  /** Memory that the loaded artifacts hold, bytes. */
  bytes(): number
  /** Lets go of all of them. Whoever asks later is refused. */
  close(): Promise<void>
}

export interface ModelsParts {
  readonly load: (model: string, version: string) => Promise<LoadedVersion>
  readonly clock: Clock
  /** Least recently used models make room beyond this; one is always kept. */
  readonly bytesMax: number
}

/** A failure is told again for so long, so that a crowd at a broken model does not load it once for each of them. */
const FAILURE_KEPT_MS = 1_000

interface Place {
  loaded: LoadedModel | undefined
  loading: Promise<LoadedModel> | undefined
  failure: { readonly error: unknown; readonly until: number } | undefined
  /** Counts up with every use of any model. */
  usedAt: number
}

export function openModels({ load, clock, bytesMax }: ModelsParts): Models {
  const places = new Map<string, Map<string, Place>>()
  const lanes = laneMaker()
  let uses = 0
  let bytes = 0
  let isClosed = false

  const fill = async (place: Place, model: string, version: string): Promise<LoadedModel> => {
    try {
      const loaded = await ready(await load(model, version), lanes)
      if (isClosed) {
        await letGo(loaded)
        throw closed(model, version)
      }
      place.loaded = loaded
      bytes += loaded.predictor.bytes
      if (bytes > bytesMax) bytes -= evict(places, place, bytes - bytesMax)
      return loaded
    } catch (error) {
      place.failure = { error, until: clock.now() + FAILURE_KEPT_MS }
      throw error
    } finally {
      place.loading = undefined
    }
  }

  return {
    get(model, version) {
      const place = placeOf(places, model, version)
      place.usedAt = ++uses
      if (place.loaded !== undefined) return place.loaded
      if (place.loading !== undefined) return place.loading
      if (place.failure !== undefined && clock.now() < place.failure.until) return Promise.reject(place.failure.error)
      if (isClosed) return Promise.reject(closed(model, version))
      place.failure = undefined
      place.loading = fill(place, model, version)
      return place.loading
    },
    bytes: () => bytes,
    async close() {
      isClosed = true
      const all = [...places.values()].flatMap(versions => [...versions.values()])
      places.clear()
      await Promise.all(all.map(place => place.loading?.catch(() => undefined)))
      await Promise.all(all.map(place => place.loaded && letGo(place.loaded)))
    },
  }
}

async function letGo({ predictor }: { readonly predictor: AnyPredictor }): Promise<void> {
  if (isAwaited(predictor)) await predictor.close()
}

function closed(model: string, version: string): Problem {
  return new Problem('unavailable', `Cannot load ${model}@${version}: the server is about to end`)
}

function placeOf(places: Map<string, Map<string, Place>>, model: string, version: string): Place {
  let versions = places.get(model)
  if (versions === undefined) {
    versions = new Map()
    places.set(model, versions)
  }
  let place = versions.get(version)
  if (place === undefined) {
    place = { loaded: undefined, loading: undefined, failure: undefined, usedAt: 0 }
    versions.set(version, place)
  }
  return place
}

/** Lets go of the models that were not used for longest until `excess` bytes are free; returns how many it freed. */
function evict(places: Map<string, Map<string, Place>>, keep: Place, excess: number): number {
  const loaded = [...places.values()].flatMap(versions => [...versions.values()])
  const oldest = loaded.filter(place => place !== keep && place.loaded !== undefined)
  oldest.sort((a, b) => a.usedAt - b.usedAt)
  let freed = 0
  for (const place of oldest) {
    if (freed >= excess) break
    freed += place.loaded!.predictor.bytes
    // Answers under way end first; there is nobody to tell of a fault.
    letGo(place.loaded!).catch(() => undefined)
    place.loaded = undefined
  }
  return freed
}

/** A predictor that cannot be used is let go of at once. */
async function ready(loaded: LoadedVersion, makeLane: ReturnType<typeof laneMaker>): Promise<LoadedModel> {
  try {
    return compiled(loaded, makeLane)
  } catch (error) {
    await letGo(loaded)
    throw error
  }
}

function compiled(
  { version, predictor, artifact, profile }: LoadedVersion,
  makeLane: ReturnType<typeof laneMaker>,
): LoadedModel {
  const outputs = outputWriter(version.signature.outputs, predictor.outputCount)
  const signature = compileSignature(version.signature, predictor)
  if (predictor.features.length === 0) {
    throw new Problem('misconfigured', `Cannot serve ${version.model}@${version.version}: it takes no features`)
  }
  const exact = once(() => {
    const found = artifact && explainerOf(artifact)
    return found && explainingOf(found, signature, version, predictor)
  })
  const lanes: Lane[] = []
  const model: LoadedModel = {
    version,
    predictor,
    signature,
    outputs,
    artifact,
    ...(profile === undefined ? {} : { profile }),
    explaining: version.explain === 'always' ? exact() : undefined,
    exact,
    lane(release, arm) {
      for (const lane of lanes) if (lane.release === release && lane.arm === arm) return lane
      const lane = makeLane(model, release, arm)
      lanes.push(lane)
      return lane
    },
  }
  return model
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
