/**
 * Trees of depth 1 to 6, filled up to whole ones: for 16 rows at a time *every* node is compared, without a branch.
 *
 * The leaf that a row ends in is the smallest number among the leaves that no node to whose left they stand sends it away
 * from (Lucchese et al., QuickScorer, 2015; here with bytes in place of bit sets: a left child's number is ORed with 255 where
 * the row goes right, then the smaller of both children's goes up).
 *
 * A *block* is a tree of depth 3: the addresses of the columns that its 7 nodes compare (8 × u32, breadth first), then the 7
 * bytes they are compared with (8 × i8): a row goes right where its byte is greater. A tree is 1, 2, 4 or 8 blocks of leaves,
 * then one block that chooses among them, of which only the first 1, 2 or 3 levels are used.
 */
import { addTree, ROWS } from './parts/leaf-sums'

const BLOCK: usize = 40

/** Which of the 64 rows go right at a node: its column, 16 rows at `row`. */
@inline
function right(column: usize, row: usize, cut: v128): v128 {
  return i8x16.gt_s(v128.load(column + row), cut)
}

/** The smaller number, `left` only where the row goes left. */
@inline
function choose(left: v128, goesRight: v128, other: v128): v128 {
  return i8x16.min_u(v128.or(left, goesRight), other)
}

@inline
function column(block: usize, node: usize): usize {
  return load<u32>(block + (node << 2))
}

@inline
function cut(block: usize, node: usize): v128 {
  return v128.load8_splat(block + node, 32)
}

/** Numbers `first` … `first + 7` of the 64 rows. */
function leavesOf(block: usize, first: i32, into: usize): void {
  const c0 = column(block, 0), c1 = column(block, 1), c2 = column(block, 2), c3 = column(block, 3)
  const c4 = column(block, 4), c5 = column(block, 5), c6 = column(block, 6)
  const k0 = cut(block, 0), k1 = cut(block, 1), k2 = cut(block, 2), k3 = cut(block, 3)
  const k4 = cut(block, 4), k5 = cut(block, 5), k6 = cut(block, 6)
  const base = i8x16.splat(<i8>first)
  for (let row: usize = 0; row < ROWS; row += 16) {
    const a = i8x16.neg(right(c3, row, k3))
    const b = i8x16.sub(i8x16.splat(2), right(c4, row, k4))
    const c = i8x16.sub(i8x16.splat(4), right(c5, row, k5))
    const d = i8x16.sub(i8x16.splat(6), right(c6, row, k6))
    const low = choose(a, right(c1, row, k1), b)
    const high = choose(c, right(c2, row, k2), d)
    v128.store(into + row, i8x16.add(base, choose(low, right(c0, row, k0), high)))
  }
}

@inline
function below(from: usize, child: usize, row: usize): v128 {
  return v128.load(from + child * ROWS + row)
}

/** Chooses among 2, 4 or 8 lists of numbers. */
function chosen(block: usize, levels: i32, from: usize): void {
  for (let row: usize = 0; row < ROWS; row += 16) {
    const r0 = right(column(block, 0), row, cut(block, 0))
    if (levels == 1) {
      v128.store(from + row, choose(below(from, 0, row), r0, below(from, 1, row)))
      continue
    }
    const r1 = right(column(block, 1), row, cut(block, 1))
    const r2 = right(column(block, 2), row, cut(block, 2))
    if (levels == 2) {
      const low = choose(below(from, 0, row), r1, below(from, 1, row))
      const high = choose(below(from, 2, row), r2, below(from, 3, row))
      v128.store(from + row, choose(low, r0, high))
      continue
    }
    const a = choose(below(from, 0, row), right(column(block, 3), row, cut(block, 3)), below(from, 1, row))
    const b = choose(below(from, 2, row), right(column(block, 4), row, cut(block, 4)), below(from, 3, row))
    const c = choose(below(from, 4, row), right(column(block, 5), row, cut(block, 5)), below(from, 5, row))
    const d = choose(below(from, 6, row), right(column(block, 6), row, cut(block, 6)), below(from, 7, row))
    v128.store(from + row, choose(choose(a, r1, b), r0, choose(c, r2, d)))
  }
}

/**
 * @param trees by tree: address of its blocks, and how many levels choose among them (0 … 3), u32 each.
 * @param adds by tree `addsBytes` bytes: see `addTree`.
 * @param scratch 8 × 64 bytes.
 */
export function predictDense(
  trees: usize, end: usize, adds: usize, addsBytes: usize, scratch: usize, double: bool,
): void {
  for (; trees < end; trees += 8) {
    const levels = load<i32>(trees, 4)
    const blocks: i32 = 1 << levels
    let block = <usize>load<u32>(trees)
    for (let index = 0; index < blocks; index++, block += BLOCK) leavesOf(block, index << 3, scratch + (<usize>index << 6))
    if (levels > 0) chosen(block, levels, scratch)
    addTree<u8>(scratch, adds, adds + addsBytes, double)
    adds += addsBytes
  }
}
