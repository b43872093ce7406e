/**
 * Trees of any shape with at most 256 leaves: as in `predict-dense.as` every node is compared, 16 rows at a time, but the
 * nodes stand in a list, children before parents, and what they choose among and write to are 64 bytes of memory each.
 *
 * A *node* (5 × u32): addresses of the column it compares, of the numbers of its left and of its right child (a leaf's are 64
 * times its own), of its own; the byte it compares with.
 */
import { addTree, ROWS } from './parts/leaf-sums'

const NODE: usize = 20
const TREE: usize = 12

/**
 * @param trees by tree, u32 each: its first node, the end of its nodes, and where the number of the leaf is then found.
 * @param adds by tree `addsBytes` bytes: see `addTree`.
 */
export function predictSparse(trees: usize, end: usize, adds: usize, addsBytes: usize, double: bool): void {
  for (; trees < end; trees += TREE) {
    const last = <usize>load<u32>(trees, 4)
    for (let node = <usize>load<u32>(trees); node < last; node += NODE) {
      const column = <usize>load<u32>(node)
      const left = <usize>load<u32>(node, 4)
      const right = <usize>load<u32>(node, 8)
      const into = <usize>load<u32>(node, 12)
      const cut = v128.load8_splat(node, 16)
      for (let row: usize = 0; row < ROWS; row += 32) {
        const one = i8x16.gt_s(v128.load(column + row), cut)
        const two = i8x16.gt_s(v128.load(column + row, 16), cut)
        v128.store(into + row, i8x16.min_u(v128.or(v128.load(left + row), one), v128.load(right + row)))
        v128.store(into + row, i8x16.min_u(v128.or(v128.load(left + row, 16), two), v128.load(right + row, 16)), 16)
      }
    }
    addTree<u8>(<usize>load<u32>(trees, 8), adds, adds + addsBytes, double)
    adds += addsBytes
  }
}
