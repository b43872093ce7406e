/**
 * A document of trees as a forest over its inputs. What its derived fields do to one column each (scale it, round it to float,
 * fill it in, number its categories) goes into the thresholds and sets.
 */
import type { Forest } from '../forest.ts'
import { ForestBuilder, type TreeColumns } from '../forest-builder.ts'
import type { ModelHead } from '../predictor.ts'
import { BinaryTree } from './binary-tree.ts'
import { type Ensemble, ensembleOf } from './ensemble.ts'
import type { TreeModel, TreeNode } from './models.ts'
import type { PmmlModel } from './pmml.ts'
import { OTHERWISE, Probe } from './probe.ts'

export interface CompiledForest {
  readonly forest: Forest
  /** Columns whose missing values the forest does not take where the document does. */
  readonly inexact: readonly number[]
}

/** Numbers that the vectors of all leaves may have together: 256 MB. */
const VECTORS_MAX = 1 << 25

/** `undefined` where the document has more in it than a forest can say. */
export function compileForest(pmml: PmmlModel, head: ModelHead): CompiledForest | undefined {
  const ensemble = ensembleOf(pmml)
  if (ensemble === undefined) return undefined
  try {
    return build(pmml, head, ensemble)
  } catch (error) {
    if (error !== OTHERWISE) throw error
    return undefined
  }
}

function build(pmml: PmmlModel, head: ModelHead, ensemble: Ensemble): CompiledForest {
  const { labels, categories } = pmml
  const { trees, leaves, base, float } = ensemble
  const isVector = leaves === 'shares' || leaves === 'votes'
  const isExact = categories.map(() => true)
  const columns = { probe: new Probe(pmml.slots), categories, isExact }
  const vectors: number[] = []
  const worth = (node: TreeNode): number => {
    if (!isVector) return leafNumber(node, ensemble, labels)
    if (vectors.length + labels.length > VECTORS_MAX) throw OTHERWISE
    const at = vectors.length
    for (const label of labels) vectors.push(shareOf(node, label, leaves === 'votes'))
    return at
  }
  const builder = new ForestBuilder('the PMML document')
  for (const { tree } of trees) {
    const made = new BinaryTree(tree, columns, worth).columns()
    if (float && !isSingle(made)) throw OTHERWISE
    builder.add(isVector ? { ...made, places: made.value } : float ? rounded(made) : made)
  }
  // In float32 it matters that a document adds its constant after all trees: it is the last of them.
  const last = float
    ? base.flatMap((value, group) => (value === 0 ? [] : [{ value: Math.fround(value), group, weight: 1 }]))
    : []
  for (const { value } of last) builder.add(constantTree(value))
  const { leaves: count, featuresUsed: _used, ...nodes } = builder.finish()
  const all = [...trees, ...last]
  const weights = Float64Array.from(all, ({ weight }) => weight)
  const forest: Forest = {
    ...head,
    kind: 'forest',
    precision: float ? 'float32' : 'float64',
    ...nodes,
    ...(isVector
      ? { leafVectors: Float64Array.from(vectors) }
      : { groups: Int32Array.from(all, ({ group }) => group) }),
    ...(weights.every(weight => weight === 1) ? {} : { weights }),
    base: float ? new Float64Array(base.length) : Float64Array.from(base),
    link: ensemble.link,
    facts: { ...head.facts, leaves: count },
  }
  const inexact = isExact.flatMap((exact, column) => (exact ? [] : [column]))
  // There a missing value has an answer, which comes of several leaves.
  const isSpread = ({ missingValues }: TreeModel): boolean =>
    missingValues === 'weightedConfidence' || missingValues === 'aggregateNodes'
  if (inexact.length > 0 && trees.some(({ tree }) => isSpread(tree))) throw OTHERWISE
  return { forest, inexact }
}
function constantTree(value: number): TreeColumns {
  const none = Float64Array.of(-1)
  return {
    count: 1,
    left: none,
    right: none,
    feature: none,
    value: Float64Array.of(value),
    missingLeft: Float64Array.of(0),
  }
}

function leafNumber(node: TreeNode, { leaves, float }: Ensemble, labels: readonly string[]): number {
  if (leaves !== 'number') return shareOf(node, labels[1]!, leaves === 'vote')
  const value = Number(node.score ?? Number.NaN)
  if (!Number.isFinite(value)) throw OTHERWISE
  return float ? Math.fround(value) : value
}

function shareOf({ score, shares }: TreeNode, label: string, isVote: boolean): number {
  if (shares === undefined) return score === label ? 1 : 0
  if (!isVote) return shares.find(share => share.label === label)?.value ?? 0
  const winner = score ?? shares.reduce((best, share) => (share.value > best.value ? share : best)).label
  return winner === label ? 1 : 0
}

/** Whether every threshold parts two float32 numbers: then it is the same for a row that is rounded first. */
function isSingle({ left, value, categories }: TreeColumns): boolean {
  return left.every((child, node) => child < 0 || categories?.has(node) === true || isEdge(value[node]!))
}

/** The smallest number that is rounded to its float32. */
function isEdge(threshold: number): boolean {
  if (!Number.isFinite(threshold)) return true
  const single = Math.fround(threshold)
  return Math.fround(below(threshold)) < single
}

const bits = new DataView(new ArrayBuffer(8))

function below(x: number): number {
  if (x === 0) return -Number.MIN_VALUE
  bits.setFloat64(0, x)
  bits.setBigInt64(0, bits.getBigInt64(0) + (x > 0 ? -1n : 1n))
  return bits.getFloat64(0)
}

function rounded(tree: TreeColumns): TreeColumns {
  return { ...tree, value: tree.value.map(Math.fround) }
}
