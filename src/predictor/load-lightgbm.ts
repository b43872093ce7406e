/**
 * LightGBM's models, from its text (`Booster.save_model`, `model_to_string`) or its JSON (`json.dumps(dump_model())`), into a
 * forest.
 *
 * Answers are those of `Booster.predict`: all trees that the file has are used. (`save_model` leaves out those after
 * `best_iteration` unless it is told otherwise.) Leaves hold what shrinkage has made of them already, so `shrinkage` is not
 * applied again. A random forest's margins are sums, as `raw_score=True` has them; its answers come of their mean.
 */
import type { Forest } from './forest.ts'
import { ForestBuilder } from './forest-builder.ts'
import { categoriesByFeature, type LightgbmFile } from './lightgbm-file.ts'
import { readLightgbmJson } from './lightgbm-json.ts'
import { lightgbmObjective, refusal } from './lightgbm-objectives.ts'
import { readLightgbmText } from './lightgbm-text.ts'
import { LightgbmTrees } from './lightgbm-tree.ts'

const FEATURES_MAX = 1_000_000

export type LightgbmFormat = 'lightgbm-text' | 'lightgbm-json'

/** Throws `invalid`, naming what the model uses that is not supported. */
export function loadLightgbm(bytes: Uint8Array, format: LightgbmFormat): Forest {
  const builder = new ForestBuilder('the LightGBM model')
  const trees = new LightgbmTrees(builder)
  const file = format === 'lightgbm-text' ? readLightgbmText(bytes, trees) : readLightgbmJson(bytes, trees)
  const { leaves, featuresUsed, cover, ...nodes } = builder.finish()
  const lines = trees.lines()
  requireSense(file, nodes.roots.length, Math.max(featuresUsed, trees.featuresUsed))
  const { outputs, names, featureCount } = file
  const { name, task, answers, ...linked } = lightgbmObjective(file.objective, outputs)
  const categories = categoriesByFeature(file)
  return {
    kind: 'forest',
    format,
    task,
    objective: name,
    features: names,
    featureTypes: names.map((_, feature) => (file.infos[feature]?.isCategorical === true ? 'c' : undefined)),
    named: !names.every((feature, index) => feature === `Column_${index}`),
    categories,
    unseen: 'missing',
    answers,
    precision: 'float64',
    ...nodes,
    groups: Int32Array.from(nodes.roots, (_, tree) => tree % outputs),
    // LightGBM explains no linear trees, and a leaf that is a line has no one value to share out.
    ...(lines === undefined ? (cover === undefined ? {} : { cover }) : { lines }),
    base: new Float64Array(outputs),
    ...linked,
    ...(file.average ? { divisor: nodes.roots.length / outputs } : {}),
    facts: {
      trees: nodes.roots.length,
      depth: nodes.depth,
      leaves,
      features: featureCount,
      lightgbm: file.version!,
      ...(file.boosting === undefined ? {} : { boosting: file.boosting }),
    },
  }
}

function requireSense(file: LightgbmFile, trees: number, featuresUsed: number): void {
  const { version, outputs, featureCount, names } = file
  if (!/^v[234]$/.test(version ?? '')) {
    throw refusal(
      `its format is ${JSON.stringify(version ?? null)}, wanted v2, v3 or v4; save it with LightGBM 2.2 … 4`,
    )
  }
  if (trees === 0) throw refusal('it has 0 trees: train it for at least one round')
  if (!(Number.isInteger(outputs) && outputs >= 1 && outputs <= trees && trees % outputs === 0)) {
    throw refusal(`it has ${trees} trees and ${outputs} in each iteration`)
  }
  if (!(featureCount >= 1 && featureCount <= FEATURES_MAX)) throw refusal(`it has ${featureCount} features`)
  if (names.length !== featureCount) throw refusal(`it has ${names.length} feature names for ${featureCount} features`)
  if (file.infos.length !== featureCount)
    throw refusal(`it has ${file.infos.length} feature_infos for ${featureCount} features`)
  if (featuresUsed > featureCount) throw refusal(`a tree uses feature ${featuresUsed - 1} of ${featureCount}`)
  const seen = new Set<string>()
  const twice = names.find(name => seen.size === seen.add(name).size)
  if (twice !== undefined) throw refusal(`it has two features named ${JSON.stringify(twice)}`)
}
