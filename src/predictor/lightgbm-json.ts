/**
 * LightGBM's JSON (`json.dumps(booster.dump_model())`): the same trees as in its text, each as nested nodes. Numbers are
 * written in full, so that answers are the same.
 */
import { JsonReader } from './json-bytes.ts'
import { type FeatureInfo, type LightgbmFile, readPandasCategories } from './lightgbm-file.ts'
import { refusal } from './lightgbm-objectives.ts'
import type { LightgbmTree, LightgbmTrees } from './lightgbm-tree.ts'

const NAMES_MAX = 1_000_000
/** Of a feature that is the same everywhere. */
const NOTHING: FeatureInfo = { isCategorical: false, largest: -1, isWhole: true }
/** Of trees, and what stands around them. Deeper ones the forest builder would refuse. */
const DEPTH_MAX = 1100

type Loose = { -readonly [Key in keyof LightgbmFile]: LightgbmFile[Key] }

export function readLightgbmJson(bytes: Uint8Array, trees: LightgbmTrees): LightgbmFile {
  const reader = new JsonReader(bytes, 'the LightGBM model', DEPTH_MAX)
  const file: Loose = {
    version: undefined,
    objective: undefined,
    outputs: Number.NaN,
    featureCount: Number.NaN,
    average: false,
    names: [],
    infos: [],
  }
  let infos: ReadonlyMap<string, FeatureInfo> = new Map()
  reader.object(key => {
    if (key === 'version') file.version = reader.string()
    else if (key === 'objective') file.objective = reader.string()
    else if (key === 'num_tree_per_iteration') file.outputs = reader.number()
    else if (key === 'max_feature_idx') file.featureCount = reader.number() + 1
    else if (key === 'average_output') file.average = readTruth(reader)
    else if (key === 'feature_names') file.names = readNames(reader)
    else if (key === 'feature_infos') infos = readInfos(reader)
    else if (key === 'pandas_categorical') file.pandas = readPandasCategories(reader)
    else if (key === 'tree_info') reader.array(() => readTree(reader, trees))
    else reader.skip()
  })
  reader.end()
  file.infos = file.names.map(name => infos.get(name) ?? NOTHING)
  return file
}

function readTruth(reader: JsonReader): boolean {
  const is = reader.kind() === 'true'
  reader.skip()
  return is
}

function readNames(reader: JsonReader): string[] {
  const names: string[] = []
  reader.array(() => {
    if (names.length === NAMES_MAX) throw refusal(`it has more than ${NAMES_MAX} feature names`)
    names.push(reader.string())
  })
  return names
}

/** Categorical features list their values. */
function readInfos(reader: JsonReader): Map<string, FeatureInfo> {
  const infos = new Map<string, FeatureInfo>()
  reader.object(name => {
    let [isCategorical, smallest, largest] = [false, -1, -1]
    reader.object(key => {
      if (key === 'values') isCategorical = reader.numbers().length > 0
      else if (key === 'min_value') smallest = reader.number()
      else if (key === 'max_value') largest = reader.number()
      else reader.skip()
    })
    const isWhole = Number.isInteger(smallest) && smallest >= -1 && Number.isInteger(largest)
    infos.set(name, { isCategorical, largest, isWhole })
  })
  return infos
}

function readTree(reader: JsonReader, trees: LightgbmTrees): void {
  let gathered: Gathered | undefined
  reader.object(key => {
    if (key === 'tree_structure') {
      gathered = new Gathered()
      gathered.read(reader)
    } else reader.skip()
  })
  if (gathered === undefined) throw refusal('a tree has no tree_structure')
  trees.add(gathered.tree())
}

interface LeafLine {
  readonly constant: number
  readonly features: Float64Array
  readonly coefficients: Float64Array
}

/** Nodes are numbered as they come; what the file says of their numbers is not needed. */
class Gathered {
  readonly #feature: number[] = []
  readonly #threshold: number[] = []
  readonly #decision: number[] = []
  readonly #left: number[] = []
  readonly #right: number[] = []
  readonly #innerCount: (number | undefined)[] = []
  readonly #leafValue: number[] = []
  readonly #leafCount: (number | undefined)[] = []
  readonly #lines: (LeafLine | undefined)[] = []
  readonly #categories = new Map<number, Float64Array>()

  /** Reads a node and what is below it; its number, or −1 − that of the leaf. */
  read(reader: JsonReader): number {
    const node: Partial<Record<string, number>> = {}
    let threshold: string | undefined
    let line: { constant: number; features: Float64Array; coefficients: Float64Array } | undefined
    // A node is numbered before its children, which come last in what LightGBM writes, but first or not at all elsewhere.
    const inner = this.#feature.length
    let isInner = false
    const grow = (): void => {
      if (isInner) return
      isInner = true
      for (const column of [this.#feature, this.#threshold, this.#decision, this.#left, this.#right]) column.push(0)
      this.#innerCount.push(undefined)
    }
    const lineOf = (): NonNullable<typeof line> => {
      line ??= { constant: Number.NaN, features: new Float64Array(0), coefficients: new Float64Array(0) }
      return line
    }
    reader.object(key => {
      if (key === 'left_child' || key === 'right_child') {
        grow()
        const child = this.read(reader)
        if (key === 'left_child') this.#left[inner] = child
        else this.#right[inner] = child
        node[key] = 1
      } else if (key === 'threshold' && reader.kind() === 'string') threshold = reader.string()
      else if (key === 'decision_type') node['categorical'] = oneOf(reader.string(), ['<=', '=='])
      else if (key === 'missing_type') node['missing'] = oneOf(reader.string(), ['None', 'Zero', 'NaN'])
      else if (key === 'default_left') node['default_left'] = Number(readTruth(reader))
      else if (key === 'leaf_const') lineOf().constant = reader.number()
      else if (key === 'leaf_features') lineOf().features = reader.numbers().slice()
      else if (key === 'leaf_coeff') lineOf().coefficients = reader.numbers().slice()
      else if (NUMBERS.has(key)) node[key] = reader.number()
      else reader.skip()
    })
    if (!isInner) return this.#leaf(node, line)
    this.#inner(inner, node, threshold)
    return inner
  }

  #leaf(node: Partial<Record<string, number>>, line: LeafLine | undefined): number {
    this.#leafValue.push(node['leaf_value'] ?? Number.NaN)
    this.#leafCount.push(node['leaf_count'])
    this.#lines.push(line)
    return -this.#leafValue.length
  }

  #inner(inner: number, node: Partial<Record<string, number>>, categories: string | undefined): void {
    if (node['left_child'] === undefined || node['right_child'] === undefined) throw refusal('a node has one child')
    const categorical = node['categorical'] ?? 0
    this.#feature[inner] = node['split_feature'] ?? Number.NaN
    this.#threshold[inner] = thresholdOf(node['threshold'] ?? Number.NaN)
    this.#decision[inner] = categorical + 2 * (node['default_left'] ?? 0) + 4 * (node['missing'] ?? 0)
    this.#innerCount[inner] = node['internal_count']
    if (categorical === 1) this.#categories.set(inner, membersOf(categories ?? String(node['threshold'])))
  }

  tree(): LightgbmTree {
    const leaves = this.#leafValue.length
    const counts = this.#leafCount.every(isNumber) && this.#innerCount.every(isNumber)
    return {
      leaves,
      feature: Float64Array.from(this.#feature),
      threshold: Float64Array.from(this.#threshold),
      decision: Float64Array.from(this.#decision),
      left: Float64Array.from(this.#left),
      right: Float64Array.from(this.#right),
      leafValue: Float64Array.from(this.#leafValue),
      leafCount: counts ? Float64Array.from(this.#leafCount as number[]) : undefined,
      innerCount: counts ? Float64Array.from(this.#innerCount as number[]) : undefined,
      categories: this.#categories,
      linear: this.#linear(),
    }
  }

  #linear(): LightgbmTree['linear'] {
    const lines = this.#lines.filter(line => line !== undefined)
    if (lines.length === 0) return undefined
    if (lines.length !== this.#lines.length) throw refusal('some leaves of a tree are linear, and some are not')
    return {
      constants: Float64Array.from(lines, line => line.constant),
      counts: Float64Array.from(lines, line => line.features.length),
      features: Float64Array.from(lines.flatMap(line => [...line.features])),
      coefficients: Float64Array.from(lines.flatMap(line => [...line.coefficients])),
    }
  }
}

const NUMBERS: ReadonlySet<string> = new Set([
  'split_feature',
  'threshold',
  'internal_count',
  'leaf_value',
  'leaf_count',
])

/** LightGBM writes ±1e300 in JSON where a threshold is infinite (`AvoidInf`). */
function thresholdOf(written: number): number {
  return Math.abs(written) === 1e300 ? written * Number.POSITIVE_INFINITY : written
}

function isNumber(value: number | undefined): boolean {
  return value !== undefined
}

function oneOf(text: string, known: readonly string[]): number {
  const index = known.indexOf(text)
  if (index < 0) throw refusal(`a node has the type ${JSON.stringify(text.slice(0, 40))}, wanted ${known.join(' or ')}`)
  return index
}

function membersOf(text: string): Float64Array {
  if (text === '') return new Float64Array(0)
  if (!/^\d{1,10}(\|\|\d{1,10})*$/.test(text))
    throw refusal(`a node has the categories ${JSON.stringify(text.slice(0, 40))}`)
  return Float64Array.from(text.split('||'), Number)
}
