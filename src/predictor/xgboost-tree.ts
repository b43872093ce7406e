/**
 * One tree of an XGBoost file, read column by column and handed to the builder. Where leaves are vectors, XGBoost before 3.1
 * has a vector for each node in `base_weights`; since then `leaf_weights` has those of the leaves, whose numbers stand where
 * an inner node has its right child (`src/tree/multi_target_tree_model.cc`).
 */
import { Problem } from '../errors.ts'
import type { ForestBuilder } from './forest-builder.ts'
import type { DocumentReader } from './ubjson.ts'

const COLUMNS = {
  left_children: 'left',
  right_children: 'right',
  split_indices: 'feature',
  split_conditions: 'value',
  default_left: 'missingLeft',
  sum_hessian: 'cover',
  base_weights: 'nodeWeights',
  leaf_weights: 'leafWeights',
  split_type: 'type',
  categories: 'categories',
  categories_nodes: 'nodes',
  categories_segments: 'segments',
  categories_sizes: 'sizes',
} as const

type Column = (typeof COLUMNS)[keyof typeof COLUMNS]
const WANTED = ['left', 'right', 'feature', 'value', 'missingLeft'] as const satisfies readonly Column[]

/** What the trees of a forest put together. */
export interface Vectors {
  /** Numbers in each leaf; 1 where leaves are no vectors, `undefined` before the first tree. */
  size: number | undefined
  readonly parts: Float64Array[]
  length: number
}

/** Of all leaves of all trees: 1 GB. */
const VECTORS_MAX = 1 << 27

export function readTree(reader: DocumentReader, builder: ForestBuilder, vectors: Vectors): void {
  const columns = new Map<Column, Float64Array>()
  let stated: number | undefined
  let leafVector = 0
  reader.object(key => {
    if (Object.hasOwn(COLUMNS, key)) columns.set(COLUMNS[key as keyof typeof COLUMNS], reader.numbers().slice())
    else if (key === 'tree_param') {
      reader.object(name => {
        const value = reader.kind() === 'string' ? Number(reader.string()) : reader.number()
        if (name === 'num_nodes') stated = value
        if (name === 'size_leaf_vector') leafVector = value
      })
    } else reader.skip()
  })
  const fail = (detail: string): never => {
    throw new Problem('invalid', `Cannot load the XGBoost model: tree ${builder.trees}: ${detail}`)
  }
  if (vectors.size !== undefined && Math.max(1, leafVector) !== vectors.size)
    fail('its leaves are not as those of the trees before')
  vectors.size = Math.max(1, leafVector)
  const [left, right, feature, value, missingLeft] = WANTED.map(name => columns.get(name) ?? fail(`it has no ${name}`))
  const count = left!.length
  if (stated !== count) fail(`it states ${stated} nodes and has ${count}`)
  const cover = columns.get('cover')
  for (const column of [right!, feature!, value!, missingLeft!, cover ?? left!]) {
    if (column.length !== count) fail(`its columns have ${column.length} and ${count} entries`)
  }
  const places = leafVector > 1 ? placesOf(columns, leafVector, vectors, fail) : undefined
  for (let node = 0; node < count; node++) {
    value![node] = places !== undefined && left![node]! < 0 ? 0 : Math.fround(value![node]!)
  }
  const categories = readSplitSets(columns, count, fail)
  // XGBoost sends a category of the set to the right; the forest form sends it to the left. So the sides change places.
  for (const node of categories.keys()) {
    const moved = left![node]!
    if (moved < 0) fail(`leaf ${node} has categories`)
    left![node] = right![node]!
    right![node] = moved
    missingLeft![node] = missingLeft![node] === 1 ? 0 : 1
  }
  builder.add({
    count,
    left: left!,
    right: right!,
    feature: feature!,
    value: value!,
    missingLeft: missingLeft!,
    cover: cover?.map(Math.fround),
    ...(places === undefined ? {} : { places }),
    categories,
  })
}

type Fail = (detail: string) => never

/** By leaf, where its vector begins in the vectors of all trees, to which those of this one are added. */
function placesOf(columns: Map<Column, Float64Array>, size: number, vectors: Vectors, fail: Fail): Float64Array {
  const left = columns.get('left')!
  const right = columns.get('right')!
  const byLeaf = columns.get('leafWeights')
  const weights = byLeaf ?? columns.get('nodeWeights') ?? fail('it has vector leaves, and no weights')
  if (!(Number.isInteger(size) && weights.length % size === 0))
    fail(`it has ${weights.length} weights of ${size} numbers`)
  if (!weights.every(weight => Number.isFinite(Math.fround(weight))))
    fail('it has a weight that is not a finite number')
  const places = new Float64Array(left.length)
  for (let node = 0; node < left.length; node++) {
    if (left[node]! >= 0) continue
    const vector = byLeaf === undefined ? node : right[node]!
    if (!(Number.isInteger(vector) && vector >= 0 && (vector + 1) * size <= weights.length)) {
      fail(`leaf ${node} has the vector ${vector} of ${weights.length / size}`)
    }
    places[node] = vectors.length + vector * size
  }
  vectors.parts.push(weights.map(Math.fround))
  vectors.length += weights.length
  if (vectors.length > VECTORS_MAX) fail(`leaves have more than ${VECTORS_MAX} numbers`)
  return places
}

/** By categorical node, the categories of its set. */
function readSplitSets(columns: Map<Column, Float64Array>, count: number, fail: Fail): Map<number, Float64Array> {
  const sets = new Map<number, Float64Array>()
  const type = columns.get('type')
  if (type === undefined) return sets // before XGBoost 1.3
  if (type.length !== count) fail(`split_type has ${type.length} entries, wanted ${count}`)
  const nodes = columns.get('nodes') ?? new Float64Array(0)
  const segments = columns.get('segments') ?? new Float64Array(0)
  const sizes = columns.get('sizes') ?? new Float64Array(0)
  const all = columns.get('categories') ?? new Float64Array(0)
  if (segments.length !== nodes.length || sizes.length !== nodes.length) {
    fail(`it has ${nodes.length} categorical nodes, ${segments.length} segments and ${sizes.length} sizes`)
  }
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index]!
    const start = segments[index]!
    const end = start + sizes[index]!
    if (!(type[node] === 1) || sets.has(node)) fail(`node ${node} has categories, but is no categorical split`)
    if (!(Number.isInteger(start) && start >= 0 && end >= start && end <= all.length)) {
      fail(`the categories of node ${node} are ${start} … ${end} of ${all.length}`)
    }
    sets.set(node, all.slice(start, end))
  }
  const left = columns.get('left')!
  for (let node = 0; node < count; node++) {
    if (type[node] === 1 && left[node]! >= 0 && !sets.has(node))
      fail(`node ${node} splits by category, but has no categories`)
    if (type[node] !== 0 && type[node] !== 1) fail(`node ${node} has the split type ${type[node]}`)
  }
  return sets
}
