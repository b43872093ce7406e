/** How large the trees of a forest are. */
import type { Forest } from '../forest.ts'

export interface TreeShape {
  /** Steps to the farthest leaf. */
  readonly depth: number
  readonly leaves: number
  readonly nodes: number
  /** Inner nodes whose depth is a multiple of 3. */
  readonly thirds: number
  /** Those of the last such depth. */
  readonly lastThird: number
}

export function shapesOf({ roots, feature, child }: Forest): TreeShape[] {
  return Array.from(roots, root => {
    let level = [root]
    let leaves = 0
    let nodes = 0
    let thirds = 0
    let lastThird = 0
    let depth = -1
    while (level.length > 0) {
      depth++
      nodes += level.length
      const inner = level.filter(node => feature[node]! >= 0)
      leaves += level.length - inner.length
      if (depth % 3 === 0 && inner.length > 0) {
        thirds += inner.length
        lastThird = inner.length
      }
      level = inner.flatMap(node => [child[node]!, child[node]! + 1])
    }
    return { depth, leaves, nodes, thirds, lastThird }
  })
}
