/**
 * Trees of any shape with at most 256 leaves: as in `predict-dense.as` every node is compared, 16 rows at a time, but the
 * nodes stand in a list, children before parents, and what they choose among and write to are 64 bytes of memory each.
 *
 * A *node* (5 × u32): addresses of the column it compares, of the numbers of its left and of its right child (a leaf's are 64
 * times its own), of its own; the byte it compares with.
 */
import { addTree } from './parts/leaf-sums'

const NODE: usize = 20
const TREE: usize = 12

/** For 16 of the rows, of which `Q` says which: see `right` in `predict-dense.as`. */
@inline
function decide<Q>(column: usize, left: usize, right: usize, into: usize, cut: v128): void {
  const goesRight = i8x16.gt_s(v128.load(column, alignof<Q>() << 4), cut)
  const low = v128.or(v128.load(left, alignof<Q>() << 4), goesRight)
  v128.store(into, i8x16.min_u(low, v128.load(right, alignof<Q>() << 4)), alignof<Q>() << 4)
}

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
      decide<u8>(column, left, right, into, cut)
      decide<u16>(column, left, right, into, cut)
      decide<u32>(column, left, right, into, cut)
      decide<u64>(column, left, right, into, cut)
    }
    addTree<u8>(<usize>load<u32>(trees, 8), adds, adds + addsBytes, double)
    adds += addsBytes
  }
}
