/**
 * XGBoost's JSON and UBJSON models (`Booster.save_model('model.json')`, XGBoost 1.0 and later, or `'model.ubj'`) into a
 * forest, or, where the booster is gblinear, a linear model.
 *
 * Answers are those of `Booster.predict` of a Booster loaded from the file: all trees are used, whatever
 * `best_iteration` says (only scikit-learn's wrapper stops there; a file of `booster[: best_iteration + 1]` has no others).
 * Sources: XGBoost's `doc/model.schema`, `src/tree/tree_model.cc`, `src/predictor/cpu_predictor.cc`, `src/gbm/gblinear.cc`,
 * `src/common/categorical.h`.
 */
import { Problem } from '../errors.ts'
import type { Forest } from './forest.ts'
import { ForestBuilder } from './forest-builder.ts'
import { JsonReader } from './json-bytes.ts'
import type { Linear } from './linear.ts'
import type { ModelHead } from './predictor.ts'
import { type DocumentReader, UbjsonReader } from './ubjson.ts'
import {
  type CheckedLearner,
  checkLearner,
  checkTrees,
  checkWeights,
  type GatheredModel,
  type Learner,
} from './xgboost-learner.ts'
import { readTree, type Vectors } from './xgboost-tree.ts'

const WHAT = 'the XGBoost model'
const NAMES_MAX = 100_000

export type XgboostFormat = 'xgboost-json' | 'xgboost-ubj'

export function loadXgboost(bytes: Uint8Array, format: XgboostFormat = 'xgboost-json'): Forest | Linear {
  const reader = format === 'xgboost-ubj' ? new UbjsonReader(bytes, WHAT) : new JsonReader(bytes, WHAT)
  let learner: Learner | undefined
  let version = 'unknown'
  reader.object(key => {
    if (key === 'learner') learner = readLearner(reader)
    else if (key === 'version') version = Array.from(reader.numbers()).join('.')
    else reader.skip()
  })
  reader.end()
  if (learner === undefined) throw new Problem('invalid', `Cannot load ${WHAT}: it has no member "learner"`)
  const checked = checkLearner(learner)
  const head = headOf(learner, checked, format, version)
  return learner.booster === 'gblinear' ? linearOf(learner, checked, head) : forestOf(learner, checked, head)
}

function readLearner(reader: DocumentReader): Learner {
  const learner: Learner = {
    names: [],
    types: [],
    params: {},
    objective: '',
    booster: undefined,
    model: {},
  }
  reader.object(key => {
    if (key === 'feature_names') learner.names = readStrings(reader)
    else if (key === 'feature_types') learner.types = readStrings(reader)
    else if (key === 'learner_model_param') learner.params = readTexts(reader)
    else if (key === 'attributes') learner.bestIteration = readBestIteration(reader)
    else if (key === 'objective') {
      reader.object(member => {
        if (member === 'name') learner.objective = reader.string()
        else reader.skip()
      })
    } else if (key === 'gradient_booster') readBooster(reader, learner)
    else reader.skip()
  })
  return learner
}

/** `gbtree` holds its model itself; `dart` holds a `gbtree` and the weights; newer ones hold the weights in a gbtree. */
function readBooster(reader: DocumentReader, learner: Learner): void {
  reader.object(key => {
    if (key === 'name') learner.booster = reader.string()
    else if (key === 'model') readModel(reader, learner.model)
    else if (key === 'weight_drop') learner.model.weights = Float64Array.from(reader.numbers(), Math.fround)
    else if (key === 'gbtree') {
      reader.object(member => {
        if (member === 'model') readModel(reader, learner.model)
        else reader.skip()
      })
    } else reader.skip()
  })
}

function readModel(reader: DocumentReader, model: GatheredModel): void {
  const builder = new ForestBuilder(WHAT)
  const vectors: Vectors = { size: undefined, parts: [], length: 0 }
  reader.object(key => {
    if (key === 'gbtree_model_param') model.params = readTexts(reader)
    else if (key === 'tree_info') model.groups = Int32Array.from(reader.numbers())
    else if (key === 'cats') model.categories = readCategories(reader)
    else if (key === 'trees') {
      reader.array(() => readTree(reader, builder, vectors))
      model.built = builder.finish()
      if ((vectors.size ?? 1) > 1) model.vectorSize = vectors.size
      model.leafVectors = joined(vectors)
    } else if (key === 'weights') model.linear = Float64Array.from(reader.numbers(), Math.fround)
    else reader.skip() // `iteration_indptr` matters for slices only
  })
}

/** What early stopping found best: told as a fact, nothing more. Other attributes are the user's and may be large. */
function readBestIteration(reader: DocumentReader): number | undefined {
  let best: number | undefined
  reader.object(key => {
    if (key === 'best_iteration' && reader.kind() === 'string') best = Number(reader.string())
    else reader.skip()
  })
  return best
}

/** Values of scalar members as text: XGBoost writes its parameters as strings, old versions some as numbers. */
function readTexts(reader: DocumentReader): Record<string, string> {
  const texts: Record<string, string> = Object.create(null) as Record<string, string>
  reader.object(key => {
    const kind = reader.kind()
    if (kind === 'string') texts[key] = reader.string()
    else if (kind === 'number') texts[key] = String(reader.number())
    else reader.skip()
  })
  return texts
}

function readStrings(reader: DocumentReader): string[] {
  const strings: string[] = []
  reader.array(() => {
    if (strings.length === NAMES_MAX) throw new Problem('invalid', `Cannot load ${WHAT}: more than ${NAMES_MAX} names`)
    strings.push(reader.string())
  })
  return strings
}

/** `cats.enc`: by feature, the categories that a data frame had: texts as offsets into UTF-8 bytes, or numbers. */
function readCategories(reader: DocumentReader): (readonly string[] | undefined)[] {
  const all: (readonly string[] | undefined)[] = []
  reader.object(key => {
    if (key !== 'enc') return reader.skip()
    reader.array(() => {
      let offsets: Float64Array | undefined
      let values = new Float64Array(0)
      reader.object(member => {
        if (member === 'offsets') offsets = reader.numbers().slice()
        else if (member === 'values') values = reader.numbers().slice()
        else reader.skip()
      })
      all.push(offsets === undefined ? numbersAsCategories(values) : textsOf(offsets, values))
    })
  })
  return all
}

function numbersAsCategories(values: Float64Array): readonly string[] | undefined {
  return values.length === 0 ? undefined : Array.from(values, String)
}

function textsOf(offsets: Float64Array, values: Float64Array): readonly string[] | undefined {
  if (offsets.length < 2) return undefined
  const bytes = Uint8Array.from(values) // they are written as signed bytes
  const texts: string[] = []
  for (let index = 1; index < offsets.length; index++) {
    const from = offsets[index - 1]!
    const to = offsets[index]!
    if (!(from >= 0 && to >= from && to <= bytes.length)) {
      throw new Problem('invalid', `Cannot load ${WHAT}: the names of its categories are damaged`)
    }
    texts.push(new TextDecoder().decode(bytes.subarray(from, to)))
  }
  return texts
}

function joined({ parts, length }: Vectors): Float64Array {
  const all = new Float64Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function headOf(
  learner: Learner,
  { objective, featureCount }: CheckedLearner,
  format: XgboostFormat,
  version: string,
): ModelHead {
  const named = learner.names.length > 0
  const features = named ? learner.names : Array.from({ length: featureCount }, (_, index) => `f${index}`)
  const best = learner.bestIteration
  return {
    format,
    task: objective.task,
    objective: learner.objective,
    features,
    featureTypes: features.map((_, index) => learner.types[index]),
    named,
    categories: features.map((_, index) => wholeTexts(learner.model.categories?.[index], version)),
    unseen: 'missing',
    answers: objective.answers,
    facts: {
      features: featureCount,
      booster: learner.booster ?? 'gbtree',
      xgboost: version,
      ...(Number.isInteger(best) ? { bestIteration: best! } : {}),
    },
  }
}

/**
 * XGBoost 3.1 and 3.2 count where a text begins in characters and write bytes (`pd_cat_inf` of their `_data_utils.py`): where
 * a letter takes more than one byte, the texts of the column are cut elsewhere, and the last ones lost. So they are not taken.
 */
function wholeTexts(texts: readonly string[] | undefined, version: string): readonly string[] | undefined {
  const isCut = /^3\.[12]\./.test(version) && texts?.some(text => /[^\0-\x7f]/.test(text)) === true
  return isCut ? undefined : texts
}

function forestOf(learner: Learner, checked: CheckedLearner, head: ModelHead): Forest {
  const { built, groups, weights } = checkTrees(learner, checked)
  const { leaves, featuresUsed: _, ...nodes } = built
  return {
    kind: 'forest',
    ...head,
    precision: 'float32',
    ...nodes,
    ...(groups === undefined ? { leafVectors: learner.model.leafVectors! } : { groups }),
    ...(weights === undefined ? {} : { weights }),
    base: checked.base,
    link: checked.objective.link,
    facts: { trees: nodes.roots.length, depth: nodes.depth, leaves, ...head.facts },
  }
}

function linearOf(learner: Learner, checked: CheckedLearner, head: ModelHead): Linear {
  return {
    kind: 'linear',
    ...head,
    precision: 'float32',
    ...checkWeights(learner, checked),
    link: checked.objective.link,
    missingIsZero: true,
  }
}
