/**
 * `TreeEnsembleClassifier`, `TreeEnsembleRegressor` and `TreeEnsemble` of `ai.onnx.ml`, as ONNX Runtime computes them: leaves
 * first, then base values, then the transform. Source: its `core/providers/cpu/ml/tree_ensemble_aggregator.h`.
 */
import { asFloat32 } from './encoders.ts'
import { classLabels, labelOf } from './linear.ts'
import { attribute, batchInput, type Call, columnsOf, type Operator } from './operator.ts'
import { type Batch, type Recorder, unsupported } from './recorder.ts'
import { type Transform, transformed, transformNamed } from './scores.ts'
import { forestFrom, type TreeSums } from './tree-forest.ts'
import { numbers, readTable, readTable5, type TreeTable } from './tree-table.ts'

const AGGREGATES = ['AVERAGE', 'SUM', 'MIN', 'MAX'] as const
type Aggregate = (typeof AGGREGATES)[number]

const OUTPUTS_MAX = 100_000

/** Trees compare whole numbers as float32. */
function columnsFor(call: Call): Batch {
  const given = batchInput(call, 0)
  return given.type === 'float64' ? given : asFloat32(call.recorder, given)
}

/** The sums of all leaves. */
function margins({ recorder }: Call, given: Batch, table: TreeTable, sums: TreeSums): Int32Array {
  const { forest, places } = forestFrom(table, given.registers.length, sums)
  recorder.count(forest.feature.length)
  const added = places.map(({ of, keys }) => {
    const codes = Float64Array.from([...keys.keys(), Number.NaN])
    const from = given.registers[of]
    if (from === undefined) throw unsupported(`trees that split on column ${of} of ${given.registers.length}`)
    return recorder.lookup(Int32Array.of(from), Float64Array.from([...keys, Number.NaN]), codes, -1)[0]!
  })
  const from = Int32Array.from([...given.registers, ...added])
  return recorder.forest(forest, from)
}

function plus(
  recorder: Recorder,
  scores: Int32Array,
  base: ArrayLike<number>,
  precision: 'float32' | 'float64',
): Int32Array {
  if (Array.from(base).every(value => value === 0)) return scores
  return recorder.binary(
    'add',
    scores,
    Int32Array.from(base, value => recorder.constant(value)),
    precision,
  )
}

interface Ending {
  /** The result has the type of the input; else it is float32. */
  readonly keepsType?: boolean
  readonly targets: number
  readonly aggregate: Aggregate
  readonly base: ArrayLike<number>
  readonly transform: Transform
}

/** Sums of targets, and what follows them. */
function regression(
  call: Call,
  table: TreeTable,
  { targets, aggregate, base, transform, keepsType = false }: Ending,
): Batch {
  const given = columnsFor(call)
  const { recorder } = call
  columnsOf(call, given)
  const precision = given.type === 'float64' ? 'float64' : 'float32'
  const trees = table.roots.length
  if (!(Number.isInteger(targets) && targets > 0 && targets <= OUTPUTS_MAX) || trees === 0) {
    throw unsupported(`${call.node.op} of ${trees} trees and ${targets} targets`)
  }
  requireTargets(table, targets)
  const isExtreme = aggregate === 'MIN' || aggregate === 'MAX'
  if (isExtreme && (targets > 1 || trees > OUTPUTS_MAX)) throw unsupported(`${aggregate} of ${targets} targets`)
  const outputOf = isExtreme ? 'tree' : (target: number): number => target
  let scores = margins(call, given, table, { outputs: isExtreme ? trees : targets, outputOf, precision })
  if (isExtreme) scores = recorder.reduce(aggregate === 'MIN' ? 'min' : 'max', scores, trees, 'float64')
  if (aggregate === 'AVERAGE') {
    const by = new Int32Array(targets).fill(recorder.constant(trees))
    scores = recorder.binary('divide', scores, by, precision)
  }
  if (base.length !== 0 && base.length !== targets)
    throw unsupported(`${base.length} base values for ${targets} targets`)
  scores = plus(recorder, scores, base, precision)
  if (precision === 'float64' && keepsType) return recorder.batch('float64', [targets], scores)
  if (precision === 'float64') scores = recorder.unary('copy', scores, 'float32')
  // With one target they are passed over.
  const applied = targets > 1 ? transform : 'NONE'
  return recorder.batch(
    'float32',
    [targets],
    transformed(recorder, applied, scores),
    applied === 'LOGISTIC' || applied === 'SOFTMAX',
  )
}

function requireTargets({ targets }: TreeTable, count: number): void {
  for (const target of targets) {
    if (!(target >= 0 && target < count)) throw unsupported(`a weight for target ${target} of ${count}`)
  }
}

const regressor: Operator = call => {
  const aggregate = AGGREGATES.find(name => name === (attribute(call, 'aggregate_function').text ?? 'SUM'))
  if (aggregate === undefined) throw unsupported(`aggregate_function ${attribute(call, 'aggregate_function').text}`)
  const targets = attribute(call, 'n_targets').whole ?? 0
  const transform = transformNamed(attribute(call, 'post_transform').text)
  return [
    regression(call, readTable(call, 'target'), { targets, aggregate, base: numbers(call, 'base_values'), transform }),
  ]
}

/** Softmax and logistic are left to ONNX Runtime, which takes the numbers of the two for each other. */
const ensemble: Operator = call => {
  const targets = attribute(call, 'n_targets').whole ?? 0
  const aggregate = AGGREGATES[attribute(call, 'aggregate_function').whole ?? 1]
  const transform = attribute(call, 'post_transform').whole ?? 0
  if (aggregate === undefined || transform !== 0) {
    throw unsupported('TreeEnsemble with such an aggregate_function or post_transform')
  }
  const ending: Ending = { targets, aggregate, base: [], transform: 'NONE', keepsType: true }
  return [regression(call, readTable5(call), ending)]
}

/** Outputs: the label, and the scores. */
const classifier: Operator = call => {
  const labels = classLabels(call, 'classlabels_int64s')
  const table = readTable(call, 'class')
  const base = numbers(call, 'base_values')
  const transform = transformNamed(attribute(call, 'post_transform').text)
  if (labels.length < 2) throw unsupported(`TreeEnsembleClassifier of ${labels.length} labels`)
  requireTargets(table, labels.length)
  if (labels.length === 2) return twoClasses(call, labels, table, base, transform)
  const isPositive = table.weights.every(weight => weight >= 0)
  const scores = regression(call, table, { targets: labels.length, aggregate: 'SUM', base, transform })
  const bounded = scores.bounded || (transform === 'NONE' && isPositive)
  if (!call.wants(0)) return [undefined, { ...scores, bounded }]
  if (new Set(table.targets).size < labels.length) throw unsupported('the label of classes without a weight')
  // The transforms keep the order.
  const place = call.recorder.reduce('argmax', scores.registers, labels.length, 'whole')
  return [labelOf(call, labels, place), { ...scores, bounded }]
}

function twoClasses(
  call: Call,
  labels: ReturnType<typeof classLabels>,
  table: TreeTable,
  base: ArrayLike<number>,
  transform: Transform,
): (Batch | undefined)[] {
  const given = columnsFor(call)
  columnsOf(call, given)
  const { recorder } = call
  const weighted = new Set(table.targets)
  const precision = given.type === 'float64' ? 'float64' : 'float32'
  if (base.length > 1 || weighted.size === 0) throw unsupported(`two classes with ${base.length} base values`)
  const isPositive = table.weights.every(weight => weight >= 0)
  const sums = (outputs: number, outputOf: TreeSums['outputOf']): Int32Array => {
    const raw = margins(call, given, table, { outputs, outputOf, precision })
    return precision === 'float64' ? recorder.unary('copy', raw, 'float32') : raw
  }
  const label = (score: number, limit: number): Batch | undefined => {
    if (!call.wants(0)) return undefined
    if (weighted.size !== 1) throw unsupported('the label of two classes with weights of both')
    return labelOf(
      call,
      labels,
      recorder.binary('greater', Int32Array.of(score), Int32Array.of(recorder.constant(limit)), 'float64'),
    )
  }
  const limit = isPositive ? 0.5 : 0
  if (weighted.has(1)) {
    if (weighted.has(0) && !isAlwaysWeighted(table, 1))
      throw unsupported('two classes with weights of both in some leaves only')
    const both = sums(2, target => target)
    const scores = base.length === 0 ? both : plus(recorder, both, [base[0]!, 0], precision)
    const shares = transformed(recorder, transform, scores)
    const bounded = transform === 'LOGISTIC' || transform === 'SOFTMAX' || (transform === 'NONE' && isPositive)
    return [label(scores[1]!, limit), recorder.batch('float32', [2], shares, bounded)]
  }
  const [score] = plus(
    recorder,
    sums(1, () => 0),
    base,
    precision,
  )
  const shares = oneScore(recorder, score!, isPositive, transform)
  const bounded = isPositive || transform === 'LOGISTIC'
  return [label(score!, limit), recorder.batch('float32', [2], shares, bounded)]
}

/** Weights of one class only: without a transform they are a share where none is negative, else a margin. */
function oneScore(recorder: Recorder, score: number, isPositive: boolean, transform: Transform): Int32Array {
  const one = Int32Array.of(score)
  const other = (): number =>
    isPositive
      ? recorder.binary('subtract', Int32Array.of(recorder.constant(1)), one, 'float32')[0]!
      : recorder.unary('neg', one, 'float32')[0]!
  if (transform !== 'LOGISTIC') return Int32Array.of(other(), score)
  const negative = recorder.unary('neg', one, 'float32')
  return Int32Array.of(
    recorder.unary('sigmoid', negative, 'float32')[0]!,
    recorder.unary('sigmoid', one, 'float32')[0]!,
  )
}

/** Whether every row ends in a leaf with a weight of this class. */
function isAlwaysWeighted({ roots, mode, starts, targets }: TreeTable, wanted: number): boolean {
  return roots.some((root, tree) => {
    const end = roots[tree + 1] ?? mode.length
    for (let node = root; node < end; node++) {
      if (mode[node] === 'LEAF' && !targets.subarray(starts[node]!, starts[node + 1]!).includes(wanted)) return false
    }
    return true
  })
}

export const TREE_OPERATORS: Readonly<Record<string, Operator>> = {
  'ai.onnx.ml:TreeEnsembleRegressor': regressor,
  'ai.onnx.ml:TreeEnsembleClassifier': classifier,
  'ai.onnx.ml:TreeEnsemble': ensemble,
}
