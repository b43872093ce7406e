/** The worker thread that measures a version for its card. */
import { type Fed, serveFed } from '../../platform/fed-worker.ts'
import { QUIET, systemSurroundings } from '../../platform/surroundings.ts'
import { explainerOf } from '../../predictor/explainer.ts'
import { isExternal, type Model, predictorOf } from '../../predictor/model.ts'
import { isAwaited } from '../../predictor/predictor.ts'
import { allBytes } from '../../registry/examine.ts'
import { loadVerified } from '../../registry/load-verified.ts'
import type { ModelVersion } from '../../registry/version.ts'
import { openRuntimes } from '../../runtimes/runtimes.ts'
import { classesOf, prepare, score } from '../../training/validation/prepare.ts'
import { type Measured, type MeasuringParts, measure } from './measured.ts'

export type CardRole = 'artifact' | 'evaluation'

await serveFed<ModelVersion, Measured>(async (version, files) => {
  const runtimes = openRuntimes(systemSurroundings(QUIET))
  const bytes = await allBytes(files('artifact' satisfies CardRole))
  const model: Model = version.external ?? loadVerified(bytes, version.artifact.sha256)
  const served = { name: `${version.model}@${version.version}`, artifact: async () => bytes }
  const predictor = isExternal(model) ? await runtimes.open(model, served) : predictorOf(model)
  try {
    const classes = classesOf(version, predictor, predictor.outputCount)
    const contender = { version, predictor, ...(classes === undefined ? {} : { classes }) }
    const prepared = await prepare(contender, evaluation(files), 'the evaluation data', extras(version))
    const { truth } = prepared
    const scored = await score(contender, { rows: prepared.rows, truth: truth! }, prepared.features)
    const explainer = explainerPart(version, model)
    return measure({
      version,
      scored,
      prepared,
      ...(classes === undefined ? {} : { classes }),
      ...(explainer === undefined ? {} : { explainer }),
    })
  } finally {
    if (isAwaited(predictor)) await predictor.close()
    runtimes.close()
  }
})

function evaluation(files: Fed): AsyncIterable<Uint8Array> {
  return files('evaluation' satisfies CardRole)
}

function extras({ signature, evaluation: file, target }: ModelVersion): Parameters<typeof prepare>[3] {
  const own = new Set(signature.inputs.map(({ name }) => name))
  const columns = (file?.columns ?? []).filter(name => !own.has(name) && name !== target)
  return { columns, truth: 'needed' }
}

/** The explainer's columns are the artifact's; the prepared ones those of the signature. */
function explainerPart({ signature: { inputs } }: ModelVersion, model: Model): MeasuringParts['explainer'] {
  if (isExternal(model)) return undefined
  const by = explainerOf(model)
  if (by === undefined || by.featureCount !== inputs.length) return undefined
  const head = predictorOf(model)
  const names = head.named ? head.features : inputs.map(({ name }) => name)
  const at = Int32Array.from(names, name => inputs.findIndex(input => input.name === name))
  return at.includes(-1) ? undefined : { by, names, inputs: at }
}
