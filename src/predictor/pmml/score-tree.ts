/** Trees: the way down, and what a missing value makes of it. */
import type { MissingValueStrategy, TreeModel, TreeNode } from './models.ts'
import { predicateTest, type Test } from './predicate.ts'
import { classResult, likeliest, numberResult, type Result, type Score } from './result.ts'
import type { Row } from './row.ts'

interface Node {
  readonly test: Test
  readonly children: readonly Node[]
  readonly defaultChild: Node | undefined
  readonly weight: number
  /** What it answers as a leaf. */
  readonly result: Result | undefined
  readonly hasScore: boolean
}

/** Leaves that a row reaches, and with which weight. */
type Reached = Map<Result, number>

export function treeScore(model: TreeModel): Score {
  const root = compile(model.root, model)
  const { missingValues, target, isClassification, float } = model
  const none = isClassification ? classResult(undefined, target) : numberResult(undefined, target, float)
  if (missingValues === 'weightedConfidence' || missingValues === 'aggregateNodes') {
    return row => {
      const reached: Reached = new Map()
      if (root.test(row) !== true || !spread(root, row, 1, missingValues, reached, model.lastWhenNone)) return none
      return combined(reached, model) ?? none
    }
  }
  return row =>
    root.test(row) === true ? (descend(root, row, missingValues, model.lastWhenNone)?.result ?? none) : none
}

function compile(node: TreeNode, model: TreeModel): Node {
  const children = node.children.map(child => compile(child, model))
  return {
    test: predicateTest(node.predicate),
    children,
    defaultChild: node.defaultChild === undefined ? undefined : children[node.defaultChild],
    weight: node.recordCount ?? 1,
    result: leafResult(node, model),
    hasScore: node.score !== undefined || node.shares !== undefined,
  }
}

function leafResult(
  { score, shares, id }: TreeNode,
  { isClassification, target, float }: TreeModel,
): Result | undefined {
  const entity = id === undefined ? {} : { entity: id }
  if (!isClassification) {
    if (score === undefined) return undefined
    const value = float ? Math.fround(Number(score)) : Number(score)
    return { ...numberResult(value, target, float)!, ...entity }
  }
  if (shares === undefined)
    return score === undefined ? undefined : { value: score, shares: new Map([[score, 1]]), ...entity }
  const map = new Map(shares.map(({ label, value }) => [label, value]))
  return { value: score ?? likeliest(map), shares: map, ...entity }
}

/** The node whose score is the answer. */
function descend(root: Node, row: Row, strategy: MissingValueStrategy, lastWhenNone: boolean): Node | undefined {
  let node = root
  while (node.children.length > 0) {
    const next = step(node, row, strategy)
    if (next === 'last') return node
    if (next === 'none') return lastWhenNone && node.hasScore ? node : undefined
    if (next === undefined) return undefined
    node = next
  }
  return node
}

function step(node: Node, row: Row, strategy: MissingValueStrategy): Node | 'last' | 'none' | undefined {
  for (const child of node.children) {
    const found = child.test(row)
    if (found === true) return child
    if (found === false || strategy === 'none') continue
    if (strategy === 'defaultChild') return node.defaultChild
    return strategy === 'lastPrediction' ? 'last' : undefined
  }
  return 'none'
}

/** All ways that a missing value leaves open. False where there is none. */
function spread(
  node: Node,
  row: Row,
  weight: number,
  strategy: MissingValueStrategy,
  reached: Reached,
  lastWhenNone: boolean,
): boolean {
  if (node.children.length === 0) return arrive(node, weight, strategy, reached)
  const open: Node[] = []
  let isUnknown = false
  for (const child of node.children) {
    const found = child.test(row)
    if (found === false) continue
    open.push(child)
    if (found === undefined) isUnknown = true
    else if (!isUnknown) break
  }
  if (open.length === 0) return lastWhenNone && node.hasScore && arrive(node, weight, strategy, reached)
  const total = open.reduce((sum, child) => sum + child.weight, 0)
  let found = false
  for (const child of open) {
    if (spread(child, row, isUnknown ? (weight * child.weight) / total : weight, strategy, reached, lastWhenNone))
      found = true
  }
  return found
}

function arrive(
  { result, weight: records }: Node,
  weight: number,
  strategy: MissingValueStrategy,
  reached: Reached,
): boolean {
  if (result === undefined) return false
  reached.set(result, (reached.get(result) ?? 0) + (strategy === 'aggregateNodes' ? records : weight))
  return true
}

function combined(reached: Reached, { isClassification, target }: TreeModel): Result | undefined {
  const total = [...reached.values()].reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0)) return undefined
  if (!isClassification) {
    let sum = 0
    for (const [{ value }, weight] of reached) sum += Number(value) * weight
    return { value: sum / total }
  }
  const shares = new Map<string, number>()
  for (const [result, weight] of reached) {
    for (const [label, share] of result.shares!) shares.set(label, (shares.get(label) ?? 0) + (share * weight) / total)
  }
  return classResult(shares, target)
}
