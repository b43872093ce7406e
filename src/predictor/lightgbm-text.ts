/**
 * LightGBM's text (`Booster.save_model`, `model_to_string`), line by line from bytes: `key=value`, with numbers that a space
 * parts. First lines about the model, then the trees, then importances, parameters and the categories of pandas.
 */
import { JsonReader } from './json-bytes.ts'
import { type FeatureInfo, type LightgbmFile, readPandasCategories } from './lightgbm-file.ts'
import { refusal } from './lightgbm-objectives.ts'
import type { LightgbmTree, LightgbmTrees, LinearLeaves } from './lightgbm-tree.ts'

const VALUES_MAX = 1 << 24
const HEAD_BYTES_MAX = 1 << 24
/** A split that only parts what is missing from the rest has the threshold inf. */
const SPECIAL: Readonly<Record<string, number>> = {
  __proto__: null as never,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
  '-nan': Number.NaN,
}
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/
const NEWLINE = 0x0a
const SPACE = 0x20
const EQUALS = 0x3d
const PANDAS = 'pandas_categorical:'

interface Line {
  readonly from: number
  readonly to: number
  /** What stands before the first `=` of its first 64 bytes; the whole line where there is none. */
  readonly key: string
  /** First byte of the value. */
  readonly at: number
}

export function readLightgbmText(bytes: Uint8Array, trees: LightgbmTrees): LightgbmFile {
  const lines = new Lines(bytes)
  const head = new Map<string, string>()
  let line = lines.next()
  if (line?.key !== 'tree') throw refusal('its first line is not "tree"')
  for (
    line = lines.next();
    line !== undefined && line.key !== 'Tree' && line.key !== 'end of trees';
    line = lines.next()
  ) {
    if (line.key !== '' && line.key !== 'tree_sizes') head.set(line.key, lines.text(line))
  }
  while (line?.key === 'Tree') line = readTree(lines, trees)
  if (line?.key !== 'end of trees') throw refusal('it is cut off: "end of trees" does not follow the last tree')
  return { ...headOf(head), ...readTail(lines, bytes) }
}

function headOf(head: ReadonlyMap<string, string>): Omit<LightgbmFile, 'categoricalFeatures' | 'pandas' | 'boosting'> {
  const names = head.get('feature_names')
  if (names === undefined) throw refusal('it has no feature_names')
  return {
    version: head.get('version'),
    objective: head.get('objective'),
    outputs: Number(head.get('num_tree_per_iteration') ?? Number.NaN),
    featureCount: Number(head.get('max_feature_idx') ?? Number.NaN) + 1,
    average: head.has('average_output'),
    names: names.split(' '),
    infos: (head.get('feature_infos') ?? '').split(' ').map(infoOf),
  }
}

/** `-1:0:2` are categories, `[-1.5:2]` a range, and a feature that is the same everywhere has `none`. */
function infoOf(info: string): FeatureInfo {
  const isCategorical = /^-?\d+(:-?\d+)*$/.test(info)
  const numbers = isCategorical ? info.split(':') : (/^\[(.+):(.+)\]$/.exec(info)?.slice(1) ?? [])
  return {
    isCategorical,
    largest: numbers.reduce((most, number) => Math.max(most, Number(number)), -1),
    isWhole: numbers.every(isWhole),
  }
}

function isWhole(text: string): boolean {
  return Number.isInteger(Number(text)) && Number(text) >= -1
}

/** Reads up to the line after the tree. */
function readTree(lines: Lines, trees: LightgbmTrees): Line | undefined {
  const columns = new Map<string, Float64Array>()
  let line = lines.next()
  for (; line !== undefined && line.key !== 'Tree' && line.key !== 'end of trees'; line = lines.next()) {
    if (COLUMNS.has(line.key)) columns.set(line.key, lines.numbers(line))
  }
  trees.add(treeOf(columns))
  return line
}

const COLUMNS: ReadonlySet<string> = new Set([
  'num_leaves',
  'num_cat',
  'split_feature',
  'threshold',
  'decision_type',
  'left_child',
  'right_child',
  'leaf_value',
  'leaf_count',
  'internal_count',
  'cat_boundaries',
  'cat_threshold',
  'is_linear',
  'leaf_const',
  'num_features',
  'leaf_features',
  'leaf_coeff',
])

const NONE = new Float64Array(0)
const ZERO = new Float64Array(1)

function treeOf(columns: ReadonlyMap<string, Float64Array>): LightgbmTree {
  const column = (name: string): Float64Array => columns.get(name) ?? NONE
  const leaves = columns.get('num_leaves')?.[0] ?? Number.NaN
  const leafValue = column('leaf_value')
  if (leaves !== leafValue.length || leaves < 1)
    throw refusal(`a tree states ${leaves} leaves and has ${leafValue.length}`)
  return {
    leaves,
    feature: column('split_feature'),
    threshold: column('threshold'),
    decision: column('decision_type'),
    left: column('left_child'),
    right: column('right_child'),
    leafValue,
    leafCount: leaves === 1 ? ZERO : columns.get('leaf_count'), // LightGBM before 4 leaves it empty there
    innerCount: leaves === 1 ? NONE : columns.get('internal_count'),
    categories: categoriesOf(
      column('decision_type'),
      column('threshold'),
      column('cat_boundaries'),
      column('cat_threshold'),
    ),
    linear: column('is_linear')[0] === 1 ? linearOf(column) : undefined,
  }
}

function linearOf(column: (name: string) => Float64Array): LinearLeaves {
  return {
    constants: column('leaf_const'),
    counts: column('num_features'),
    features: column('leaf_features'),
    coefficients: column('leaf_coeff'),
  }
}

/** The threshold of a categorical node is the number of its set: the bits of the words between two boundaries. */
function categoriesOf(
  decision: Float64Array,
  threshold: Float64Array,
  boundaries: Float64Array,
  words: Float64Array,
): Map<number, Float64Array> {
  const all = new Map<number, Float64Array>()
  for (let node = 0; node < decision.length; node++) {
    if ((decision[node]! & 1) === 0) continue
    const set = threshold[node]!
    const [from = Number.NaN, to = Number.NaN] = [boundaries[set], boundaries[set + 1]]
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && to >= from && to <= words.length)) {
      throw refusal(`node ${node} has the set of categories ${set}, which it does not hold`)
    }
    const members: number[] = []
    for (let word = from; word < to; word++) {
      for (let bits = words[word]! >>> 0, bit = 0; bits !== 0; bits >>>= 1, bit++) {
        if ((bits & 1) === 1) members.push((word - from) * 32 + bit)
      }
    }
    all.set(node, Float64Array.from(members))
  }
  return all
}

function readTail(lines: Lines, bytes: Uint8Array): Pick<LightgbmFile, 'categoricalFeatures' | 'pandas' | 'boosting'> {
  let categoricalFeatures: readonly number[] | undefined
  let pandas: LightgbmFile['pandas']
  let boosting = 'gbdt'
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.key.startsWith('[categorical_feature:')) {
      const listed = lines.whole(line).slice(21, -1).trim()
      if (/^\d+(,\d+)*$/.test(listed)) categoricalFeatures = listed.split(',').map(Number)
    } else if (line.key.startsWith('[boosting:')) boosting = lines.whole(line).slice(10, -1).trim()
    else if (line.key.startsWith(PANDAS)) {
      const reader = new JsonReader(bytes.subarray(line.from + PANDAS.length, line.to), 'the LightGBM model')
      pandas = readPandasCategories(reader)
      reader.end()
    }
  }
  return { categoricalFeatures, pandas, boosting }
}

const decoder = new TextDecoder()

class Lines {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  next(): Line | undefined {
    const from = this.#at
    if (from >= this.#bytes.length) return undefined
    const newline = this.#bytes.indexOf(NEWLINE, from)
    const end = newline < 0 ? this.#bytes.length : newline
    this.#at = end + 1
    const to = end > from && this.#bytes[end - 1] === 0x0d ? end - 1 : end
    const equals = this.#bytes.subarray(from, Math.min(to, from + 64)).indexOf(EQUALS)
    const keyEnd = equals < 0 ? Math.min(to, from + 64) : from + equals
    return { from, to, key: decoder.decode(this.#bytes.subarray(from, keyEnd)), at: equals < 0 ? to : keyEnd + 1 }
  }

  text({ at, to }: Line): string {
    return this.#decode(at, to)
  }

  whole({ from, to }: Line): string {
    return this.#decode(from, to)
  }

  numbers({ key, at, to }: Line): Float64Array {
    const bytes = this.#bytes
    let count = 0
    for (let byte = at; byte < to; byte++)
      if (bytes[byte] !== SPACE && (byte === at || bytes[byte - 1] === SPACE)) count++
    if (count > VALUES_MAX) throw refusal(`${key} has more than ${VALUES_MAX} numbers`)
    const numbers = new Float64Array(count)
    for (let index = 0, from = at; index < count; index++) {
      while (bytes[from] === SPACE) from++
      let text = ''
      for (; from < to && bytes[from] !== SPACE && text.length < 400; from++) text += String.fromCharCode(bytes[from]!)
      const special = SPECIAL[text]
      if (special !== undefined) {
        numbers[index] = special
        continue
      }
      if (!NUMBER.test(text)) throw refusal(`${key} holds ${JSON.stringify(text.slice(0, 40))}, wanted a number`)
      numbers[index] = Number(text)
    }
    return numbers
  }

  #decode(from: number, to: number): string {
    if (to - from > HEAD_BYTES_MAX) throw refusal(`a line has more than ${HEAD_BYTES_MAX} bytes`)
    return decoder.decode(this.#bytes.subarray(from, to))
  }
}
