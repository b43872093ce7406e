/** Small models and data for the tests of this folder: XGBoost files written by hand, whose answers anybody can work out. */

export interface Stump {
  readonly feature: number
  /** Left below it; or left where the category is not among these (XGBoost sends members to the right). */
  readonly split: number | readonly number[]
  readonly left: number
  readonly right: number
}

export interface StumpModel {
  /** Names; or how many, without names. */
  readonly features: readonly string[] | number
  readonly types?: readonly string[]
  readonly categories?: readonly (readonly string[])[]
  readonly objective?: string
  readonly baseScore?: number
  readonly stumps: readonly Stump[]
}

export function stumpModel({ features, types = [], categories, objective, baseScore, stumps }: StumpModel): Uint8Array {
  const count = typeof features === 'number' ? features : features.length
  const cats = categories === undefined ? {} : { cats: { enc: categories.map(encoded) } }
  const model = {
    learner: {
      attributes: {},
      feature_names: typeof features === 'number' ? [] : features,
      feature_types: types,
      gradient_booster: {
        name: 'gbtree',
        model: {
          ...cats,
          gbtree_model_param: { num_trees: String(stumps.length) },
          tree_info: stumps.map(() => 0),
          trees: stumps.map(treeOf),
        },
      },
      learner_model_param: { base_score: String(baseScore ?? 0.5), num_class: '0', num_feature: String(count) },
      objective: { name: objective ?? 'binary:logistic' },
    },
    version: [3, 2, 0],
  }
  return new TextEncoder().encode(JSON.stringify(model))
}

function treeOf({ feature, split, left, right }: Stump): object {
  const bySet = typeof split !== 'number'
  const sets = bySet
    ? { categories: split, categories_nodes: [0], categories_segments: [0], categories_sizes: [split.length] }
    : { categories: [], categories_nodes: [], categories_segments: [], categories_sizes: [] }
  return {
    ...sets,
    left_children: [1, -1, -1],
    right_children: [2, -1, -1],
    split_indices: [feature, 0, 0],
    split_conditions: [bySet ? 0 : split, left, right],
    split_type: [bySet ? 1 : 0, 0, 0],
    default_left: [1, 0, 0],
    tree_param: { num_nodes: '3', size_leaf_vector: '1' },
  }
}

function encoded(categories: readonly string[]): object {
  if (categories.length === 0) return { offsets: [], values: [] }
  const texts = categories.map(text => [...new TextEncoder().encode(text)])
  const offsets = [0]
  for (const text of texts) offsets.push(offsets.at(-1)! + text.length)
  return { offsets, values: texts.flat() }
}

/** A model of two features: the larger they are, the more probable. */
export const TWO_FEATURES: StumpModel = {
  features: ['age', 'balance'],
  stumps: [
    { feature: 0, split: 40, left: -1, right: 1 },
    { feature: 1, split: 100, left: -0.5, right: 0.5 },
  ],
}

export const TWO_FEATURES_CSV = 'age,balance,left\n20,0,0\n50,150.5,1\n60,20,1\n30,,0\n'

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export async function* streamed(bytes: Uint8Array, size = 100): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
