/** The nodes of a tree ensemble as one table, whichever way the file has them. */
import { attribute, type Call } from './operator.ts'
import { unsupported } from './recorder.ts'
import { damaged } from './wire.ts'

/** In the order of `TreeEnsemble` (ai.onnx.ml 5). */
export const MODES = [
  'BRANCH_LEQ',
  'BRANCH_LT',
  'BRANCH_GTE',
  'BRANCH_GT',
  'BRANCH_EQ',
  'BRANCH_NEQ',
  'BRANCH_MEMBER',
  'LEAF',
] as const
export type Mode = (typeof MODES)[number]

export interface TreeTable {
  /** Node that each tree starts at. */
  readonly roots: readonly number[]
  /** All nodes of a tree stand between its root and the next. */
  readonly isSorted: boolean
  readonly mode: readonly Mode[]
  readonly feature: readonly number[]
  readonly value: ArrayLike<number>
  /** Node where the comparison is true, and where it is not. */
  readonly yes: readonly number[]
  readonly no: readonly number[]
  /** NaN counts as true. */
  readonly missingYes: ArrayLike<number>
  /** How many rows came by, where the file says so. */
  readonly hits: ArrayLike<number>
  /** By node, the values of a BRANCH_MEMBER. */
  readonly members: ReadonlyMap<number, readonly number[]>
  /** Weights of node n: `starts[n]` … `starts[n + 1]` of `targets` and `weights`. */
  readonly starts: Int32Array
  readonly targets: Int32Array
  readonly weights: Float64Array
}

/** A list of numbers, which newer versions may write as a tensor. */
export function numbers(call: Call, name: string): ArrayLike<number> {
  const { floats } = attribute(call, name)
  return floats.length > 0 ? floats : (attribute(call, `${name}_as_tensor`).tensor?.values ?? floats)
}

/** `TreeEnsembleClassifier` and `TreeEnsembleRegressor`: nodes and weights name their tree and node. */
export function readTable(call: Call, of: 'class' | 'target'): TreeTable {
  const list = (name: string): readonly number[] => attribute(call, name).wholes
  const trees = list('nodes_treeids')
  const ids = list('nodes_nodeids')
  const feature = list('nodes_featureids')
  const [trueIds, falseIds] = [list('nodes_truenodeids'), list('nodes_falsenodeids')]
  const modes = attribute(call, 'nodes_modes').texts
  const value = numbers(call, 'nodes_values')
  const count = trees.length
  for (const column of [ids, feature, trueIds, falseIds, modes, value]) {
    if (column.length !== count)
      throw damaged(`${call.node.op} has ${count} nodes in one list and ${column.length} in another`)
  }
  const { roots, places } = placesOf(trees, ids)
  const mode = modes.map(text => {
    const found = MODES.find(name => name === text)
    if (found === undefined || found === 'BRANCH_MEMBER') throw unsupported(`nodes of the mode ${text}`)
    return found
  })
  const child = (list: readonly number[]): number[] =>
    list.map((id, node) => (mode[node] === 'LEAF' ? -1 : (places.get(trees[node]!)?.get(id) ?? -1)))
  return {
    roots,
    isSorted: true,
    mode,
    feature,
    value,
    yes: child(trueIds),
    no: child(falseIds),
    missingYes: list('nodes_missing_value_tracks_true'),
    hits: numbers(call, 'nodes_hitrates'),
    members: new Map(),
    ...weightsOf(call, of, places, count),
  }
}

type Places = ReadonlyMap<number, ReadonlyMap<number, number>>

/** A tree starts at the first of its nodes in the list. */
function placesOf(trees: readonly number[], ids: readonly number[]): { roots: number[]; places: Places } {
  const places = new Map<number, Map<number, number>>()
  const roots: number[] = []
  for (const [node, tree] of trees.entries()) {
    let own = places.get(tree)
    if (own === undefined) {
      own = new Map()
      places.set(tree, own)
      roots.push(node)
    } else if (trees[node - 1] !== tree) throw unsupported('a tree whose nodes do not stand together')
    if (own.has(ids[node]!)) throw damaged(`node ${ids[node]} of tree ${tree} is there twice`)
    own.set(ids[node]!, node)
  }
  return { roots, places }
}

function weightsOf(
  call: Call,
  of: 'class' | 'target',
  places: Places,
  count: number,
): Pick<TreeTable, 'starts' | 'targets' | 'weights'> {
  const list = (name: string): readonly number[] => attribute(call, `${of}_${name}`).wholes
  const [ids, nodes, trees] = [list('ids'), list('nodeids'), list('treeids')]
  const weights = numbers(call, `${of}_weights`)
  if ([nodes.length, trees.length, weights.length].some(length => length !== ids.length)) {
    throw damaged(`${call.node.op} has weights in lists of several lengths`)
  }
  const at = ids.map((_, index) => {
    const node = places.get(trees[index]!)?.get(nodes[index]!)
    if (node === undefined)
      throw damaged(`${call.node.op} has a weight for node ${nodes[index]} of tree ${trees[index]}, which is not there`)
    return node
  })
  return sorted(at, ids, weights, count)
}

/** The weights in the order of their nodes. */
function sorted(
  at: readonly number[],
  ids: readonly number[],
  weights: ArrayLike<number>,
  count: number,
): Pick<TreeTable, 'starts' | 'targets' | 'weights'> {
  const starts = new Int32Array(count + 1)
  for (const node of at) starts[node + 1]!++
  for (let node = 0; node < count; node++) starts[node + 1]! += starts[node]!
  const next = starts.slice()
  const result = { starts, targets: new Int32Array(ids.length), weights: new Float64Array(ids.length) }
  for (const [index, node] of at.entries()) {
    const place = next[node]!++
    result.targets[place] = ids[index]!
    result.weights[place] = weights[index]!
  }
  return result
}

/** `TreeEnsemble` (ai.onnx.ml 5): inner nodes and leaves in lists of their own. */
export function readTable5(call: Call): TreeTable {
  const list = (name: string): readonly number[] => attribute(call, name).wholes
  const tensor = (name: string): ArrayLike<number> => attribute(call, name).tensor?.values ?? []
  const codes = tensor('nodes_modes')
  const splits = tensor('nodes_splits')
  const leafWeights = tensor('leaf_weights')
  const feature = list('nodes_featureids')
  const [leafTargets, inner] = [list('leaf_targetids'), feature.length]
  const lists = [
    splits,
    codes,
    list('nodes_truenodeids'),
    list('nodes_falsenodeids'),
    list('nodes_trueleafs'),
    list('nodes_falseleafs'),
  ]
  if (lists.some(one => one.length !== inner) || leafTargets.length !== leafWeights.length) {
    throw damaged('TreeEnsemble has lists of several lengths')
  }
  const count = inner + leafTargets.length
  const child = (ids: readonly number[], isLeaf: readonly number[]): number[] => [
    ...ids.map((id, node) => (id < 0 ? -1 : isLeaf[node] === 1 ? inner + id : id < inner ? id : -1)),
    ...leafTargets.map(() => -1),
  ]
  const mode = Array.from({ length: count }, (_, node): Mode => {
    const found = node < inner ? MODES[codes[node]!] : 'LEAF'
    if (found === undefined || (found === 'LEAF' && node < inner))
      throw damaged(`TreeEnsemble has a node of the mode ${codes[node]}`)
    return found
  })
  const at = leafTargets.map((_, leaf) => inner + leaf)
  return {
    roots: list('tree_roots'),
    isSorted: false,
    mode,
    feature: [...feature, ...leafTargets.map(() => 0)],
    value: [...Array.from(splits), ...leafTargets.map(() => 0)],
    yes: child(list('nodes_truenodeids'), list('nodes_trueleafs')),
    no: child(list('nodes_falsenodeids'), list('nodes_falseleafs')),
    missingYes: list('nodes_missing_value_tracks_true'),
    hits: [],
    members: membersOf(mode, tensor('membership_values')),
    ...sorted(at, leafTargets, leafWeights, count),
  }
}

/** The values of the nodes one after the other, with NaN after each node's. */
function membersOf(mode: readonly Mode[], values: ArrayLike<number>): Map<number, number[]> {
  const members = new Map<number, number[]>()
  let at = 0
  for (const [node, one] of mode.entries()) {
    if (one !== 'BRANCH_MEMBER') continue
    const own: number[] = []
    while (at < values.length && !Number.isNaN(values[at]!)) own.push(values[at++]!)
    at++
    members.set(node, own)
  }
  return members
}
