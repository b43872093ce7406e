/**
 * The models that are ready to answer: loaded and compiled once, shared by all who ask while they load, and kept until
 * others need the memory more.
 */
import { Problem } from '../errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Timers } from '../platform/timers.ts'
import { explainerOf } from '../predictor/explainer.ts'
import { type AnyPredictor, isAwaited } from '../predictor/predictor.ts'
import { backgroundRows } from '../registry/background.ts'
import type { LoadedVersion } from '../registry/registry.ts'
import type { Explaining } from './explain-rows.ts'
import { explainingOf } from './explaining.ts'
import { type Lane, type LoadedModel, laneMaker } from './lane.ts'
import { outputWriter } from './outputs.ts'
import { type CompiledSignature, compileSignature } from './signature.ts'

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
  readonly timers: Timers
  /** Least recently used models make room beyond this; one is always kept. */
  readonly bytesMax: number
}

/** A failure is told again for so long, so that a crowd at a broken model does not load it once for each of them. */
const FAILURE_KEPT_MS = 1_000
/** Requests that are under way when a model is put away have so long to ask it. */
const LEAVING_MS = 5_000

interface Place {
  loaded: LoadedModel | undefined
  loading: Promise<LoadedModel> | undefined
  failure: { readonly error: unknown; readonly until: number } | undefined
  /** Counts up with every use of any model. */
  usedAt: number
}

export function openModels({ load, clock, timers, bytesMax }: ModelsParts): Models {
  const places = new Map<string, Map<string, Place>>()
  const lanes = laneMaker()
  let uses = 0
  // What explains a model is made when it is asked for: what all of them hold is counted when one comes.
  const bytes = (): number => allOf(places).reduce((sum, { loaded }) => sum + (loaded?.bytes() ?? 0), 0)
  let isClosed = false
  /** Put away, and still open to those who had them in hand. */
  const leaving = new Set<LoadedModel>()
  const leave = (model: LoadedModel): void => {
    if (!isAwaited(model.predictor)) return
    leaving.add(model)
    timers.after(LEAVING_MS, () => {
      leaving.delete(model)
      letGo(model).catch(() => undefined) // there is nobody to tell of a fault
    })
  }

  const fill = async (place: Place, model: string, version: string): Promise<LoadedModel> => {
    try {
      const loaded = await ready(await load(model, version), lanes)
      if (isClosed) {
        await letGo(loaded)
        throw closed(model, version)
      }
      place.loaded = loaded
      const excess = bytes() - bytesMax
      if (excess > 0) evict(places, place, excess, leave)
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
    bytes,
    async close() {
      isClosed = true
      const all = allOf(places)
      places.clear()
      await Promise.all(all.map(place => place.loading?.catch(() => undefined)))
      const open = [...leaving, ...all.flatMap(({ loaded }) => loaded ?? [])]
      await Promise.all(open.map(letGo))
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

function allOf(places: ReadonlyMap<string, ReadonlyMap<string, Place>>): Place[] {
  return [...places.values()].flatMap(versions => [...versions.values()])
}

/** Puts away the models that were not used for longest until `excess` bytes are free; `leave` takes each. */
function evict(
  places: Map<string, Map<string, Place>>,
  keep: Place,
  excess: number,
  leave: (model: LoadedModel) => void,
): void {
  const oldest = allOf(places).filter(place => place !== keep && place.loaded !== undefined)
  oldest.sort((a, b) => a.usedAt - b.usedAt)
  let freed = 0
  for (const place of oldest) {
    if (freed >= excess) break
    freed += place.loaded!.bytes()
    leave(place.loaded!)
    place.loaded = undefined
  }
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
  { version, predictor, artifact, profile, background: sample }: LoadedVersion,
  makeLane: ReturnType<typeof laneMaker>,
): LoadedModel {
  const outputs = outputWriter(version.signature.outputs, predictor.outputCount)
  const signature = compileSignature(version.signature, predictor)
  if (predictor.features.length === 0) {
    throw new Problem('misconfigured', `Cannot serve ${version.model}@${version.version}: it takes no features`)
  }
  const background = sample && backgroundRows(sample, signature.width, columnIn(signature))
  let explaining: Explaining | undefined
  const exact = once(() => {
    const found = artifact && explainerOf(artifact, background === undefined ? {} : { background })
    explaining = found && explainingOf(found, signature, version, predictor)
    return explaining
  })
  const lanes: Lane[] = []
  const model: LoadedModel = {
    version,
    predictor,
    signature,
    outputs,
    artifact,
    background,
    ...(profile === undefined ? {} : { profile }),
    explaining: version.explain === 'always' ? exact() : undefined,
    exact,
    bytes: () => predictor.bytes + (explaining?.bytes ?? 0) + (background?.rows.byteLength ?? 0),
    lane(release, arm) {
      for (const lane of lanes) if (lane.release === release && lane.arm === arm) return lane
      const lane = makeLane(model, release, arm)
      lanes.push(lane)
      return lane
    },
  }
  return model
}

function columnIn({ inputs, columns }: CompiledSignature): (name: string) => number | undefined {
  const places = new Map(inputs.map(({ name }, input) => [name, columns[input]!]))
  return name => places.get(name)
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
