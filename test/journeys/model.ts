/** A tiny true model, written as XGBoost writes it: one tree over two features, whose answers can be worked out by hand. */

interface Node {
  readonly feature?: number
  readonly threshold?: number
  readonly left?: number
  readonly right?: number
  readonly leaf?: number
}

const NODES: readonly Node[] = [
  { feature: 0, threshold: 40, left: 1, right: 2 },
  { leaf: -1 },
  { feature: 1, threshold: 5, left: 3, right: 4 },
  { leaf: 2 },
  { leaf: 0.5 },
]

/** Margin −1 where age < 40; else 2 where tenure < 5, 0.5 otherwise. Base score one half: margin 0. */
export function tinyModel(): string {
  const numbers = (of: (node: Node) => number) => NODES.map(of)
  const leaves = NODES.length
  const tree = {
    base_weights: numbers(node => node.leaf ?? 0),
    categories: [],
    categories_nodes: [],
    categories_segments: [],
    categories_sizes: [],
    default_left: numbers(() => 0),
    id: 0,
    left_children: numbers(node => node.left ?? -1),
    loss_changes: numbers(() => 0),
    parents: [2147483647, 0, 0, 2, 2],
    right_children: numbers(node => node.right ?? -1),
    split_conditions: numbers(node => node.threshold ?? node.leaf ?? 0),
    split_indices: numbers(node => node.feature ?? 0),
    split_type: numbers(() => 0),
    sum_hessian: numbers(() => 1),
    tree_param: { num_deleted: '0', num_feature: '2', num_nodes: String(leaves), size_leaf_vector: '1' },
  }
  return JSON.stringify({
    learner: {
      attributes: {},
      feature_names: ['age', 'tenure'],
      feature_types: ['int', 'int'],
      gradient_booster: {
        model: {
          cats: { enc: [], feature_segments: [], sorted_idx: [] },
          gbtree_model_param: { num_parallel_tree: '1', num_trees: '1' },
          iteration_indptr: [0, 1],
          tree_info: [0],
          trees: [tree],
        },
        name: 'gbtree',
      },
      learner_model_param: {
        base_score: '[5E-1]',
        boost_from_average: '1',
        num_class: '0',
        num_feature: '2',
        num_target: '1',
      },
      objective: { name: 'binary:logistic', reg_loss_param: { scale_pos_weight: '1' } },
    },
    version: [3, 2, 0],
  })
}

export function tinyAnswer(age: number, tenure: number): number {
  const margin = age < 40 ? -1 : tenure < 5 ? 2 : 0.5
  return 1 / (1 + Math.exp(-margin))
}
