/** A loaded version made ready to answer: its signature compiled, its outputs' writer, what explains it, its lanes. */
import { Problem } from '../errors.ts'
import { explainerOf } from '../predictor/explainer.ts'
import { type AnyPredictor, isAwaited } from '../predictor/predictor.ts'
import { backgroundRows } from '../registry/background.ts'
import type { LoadedVersion } from '../registry/registry.ts'
import type { Explaining } from './explain-rows.ts'
import { explainingOf } from './explaining.ts'
import type { Lane, LoadedModel, laneMaker } from './lane.ts'
import { outputWriter } from './outputs.ts'
import { type CompiledSignature, compileSignature } from './signature.ts'

/** A predictor that cannot be used is let go of at once; throws why it cannot. */
export async function readyModel(loaded: LoadedVersion, makeLane: ReturnType<typeof laneMaker>): Promise<LoadedModel> {
  try {
    return compiled(loaded, makeLane)
  } catch (error) {
    await letGo(loaded)
    throw error
  }
}

export async function letGo({ predictor }: { readonly predictor: AnyPredictor }): Promise<void> {
  if (isAwaited(predictor)) await predictor.close()
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
  const fixedBytes = predictor.bytes + (background?.rows.byteLength ?? 0) + (version.profile?.bytes ?? 0)
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
    notice: undefined,
    bytes: () => fixedBytes + (explaining?.bytes ?? 0),
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
