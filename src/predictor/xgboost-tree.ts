/** One tree of an XGBoost file, read column by column and handed to the builder. */
import { Problem } from '../errors.ts'
import type { ForestBuilder } from './forest-builder.ts'
import type { JsonReader } from './json-bytes.ts'

const COLUMNS = {
  left_children: 'left',
  right_children: 'right',
  split_indices: 'feature',
  split_conditions: 'value',
  default_left: 'missingLeft',
  sum_hessian: 'cover',
  split_type: 'type',
  categories: 'categories',
  categories_nodes: 'nodes',
  categories_segments: 'segments',
  categories_sizes: 'sizes',
} as const

type Column = (typeof COLUMNS)[keyof typeof COLUMNS]
const WANTED = ['left', 'right', 'feature', 'value', 'missingLeft'] as const satisfies readonly Column[]

export function readTree(reader: JsonReader, builder: ForestBuilder): void {
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
  if (leafVector > 1) {
    fail(
      'it has vector leaves (multi_output_tree), which are not supported; train with multi_strategy=one_output_per_tree',
    )
  }
  const [left, right, feature, value, missingLeft] = WANTED.map(name => columns.get(name) ?? fail(`it has no ${name}`))
  const count = left!.length
  if (stated !== count) fail(`it states ${stated} nodes and has ${count}`)
  const cover = columns.get('cover')
  for (const column of [right!, feature!, value!, missingLeft!, cover ?? left!]) {
    if (column.length !== count) fail(`its columns have ${column.length} and ${count} entries`)
  }
  for (let node = 0; node < count; node++) value![node] = Math.fround(value![node]!)
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
    categories,
  })
}

type Fail = (detail: string) => never

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
