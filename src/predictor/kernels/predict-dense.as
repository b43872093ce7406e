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

/**
 * Which of 16 rows go right at a node. `Q` says which 16 of the 64, as a constant of the compiler, so that it becomes part of
 * the instruction: `alignof` of u8, u16, u32, u64 is 0, 1, 2, 3.
 */
@inline
function right<Q>(column: usize, cut: v128): v128 {
  return i8x16.gt_s(v128.load(column, alignof<Q>() << 4), cut)
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

@inline
function store16<Q>(into: usize, numbers: v128): void {
  v128.store(into, numbers, alignof<Q>() << 4)
}

@inline
function leaves16<Q>(
  c0: usize, c1: usize, c2: usize, c3: usize, c4: usize, c5: usize, c6: usize,
  k0: v128, k1: v128, k2: v128, k3: v128, k4: v128, k5: v128, k6: v128, base: v128, into: usize,
): void {
  const a = i8x16.neg(right<Q>(c3, k3))
  const b = i8x16.sub(i8x16.splat(2), right<Q>(c4, k4))
  const c = i8x16.sub(i8x16.splat(4), right<Q>(c5, k5))
  const d = i8x16.sub(i8x16.splat(6), right<Q>(c6, k6))
  const low = choose(a, right<Q>(c1, k1), b)
  const high = choose(c, right<Q>(c2, k2), d)
  store16<Q>(into, i8x16.add(base, choose(low, right<Q>(c0, k0), high)))
}

/** Numbers `first` … `first + 7` of the 64 rows. What a node is, is read once; the rows are four times the same code. */
function leavesOf(block: usize, first: i32, into: usize): void {
  const c0 = column(block, 0), c1 = column(block, 1), c2 = column(block, 2), c3 = column(block, 3)
  const c4 = column(block, 4), c5 = column(block, 5), c6 = column(block, 6)
  const k0 = cut(block, 0), k1 = cut(block, 1), k2 = cut(block, 2), k3 = cut(block, 3)
  const k4 = cut(block, 4), k5 = cut(block, 5), k6 = cut(block, 6)
  const base = i8x16.splat(<i8>first)
  leaves16<u8>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, base, into)
  leaves16<u16>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, base, into)
  leaves16<u32>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, base, into)
  leaves16<u64>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, base, into)
}

@inline
function below<Q>(from: usize, child: usize): v128 {
  return v128.load(from + child * ROWS, alignof<Q>() << 4)
}

/** Chooses among 2 lists of numbers. */
function chosenOf2(block: usize, from: usize): void {
  const c0 = column(block, 0)
  const k0 = cut(block, 0)
  store16<u8>(from, choose(below<u8>(from, 0), right<u8>(c0, k0), below<u8>(from, 1)))
  store16<u16>(from, choose(below<u16>(from, 0), right<u16>(c0, k0), below<u16>(from, 1)))
  store16<u32>(from, choose(below<u32>(from, 0), right<u32>(c0, k0), below<u32>(from, 1)))
  store16<u64>(from, choose(below<u64>(from, 0), right<u64>(c0, k0), below<u64>(from, 1)))
}

@inline
function of4<Q>(c0: usize, c1: usize, c2: usize, k0: v128, k1: v128, k2: v128, from: usize): void {
  const low = choose(below<Q>(from, 0), right<Q>(c1, k1), below<Q>(from, 1))
  const high = choose(below<Q>(from, 2), right<Q>(c2, k2), below<Q>(from, 3))
  store16<Q>(from, choose(low, right<Q>(c0, k0), high))
}

/** Chooses among 4. */
function chosenOf4(block: usize, from: usize): void {
  const c0 = column(block, 0), c1 = column(block, 1), c2 = column(block, 2)
  const k0 = cut(block, 0), k1 = cut(block, 1), k2 = cut(block, 2)
  of4<u8>(c0, c1, c2, k0, k1, k2, from)
  of4<u16>(c0, c1, c2, k0, k1, k2, from)
  of4<u32>(c0, c1, c2, k0, k1, k2, from)
  of4<u64>(c0, c1, c2, k0, k1, k2, from)
}

@inline
function of8<Q>(
  c0: usize, c1: usize, c2: usize, c3: usize, c4: usize, c5: usize, c6: usize,
  k0: v128, k1: v128, k2: v128, k3: v128, k4: v128, k5: v128, k6: v128, from: usize,
): void {
  const a = choose(below<Q>(from, 0), right<Q>(c3, k3), below<Q>(from, 1))
  const b = choose(below<Q>(from, 2), right<Q>(c4, k4), below<Q>(from, 3))
  const c = choose(below<Q>(from, 4), right<Q>(c5, k5), below<Q>(from, 5))
  const d = choose(below<Q>(from, 6), right<Q>(c6, k6), below<Q>(from, 7))
  store16<Q>(from, choose(choose(a, right<Q>(c1, k1), b), right<Q>(c0, k0), choose(c, right<Q>(c2, k2), d)))
}

/** Chooses among 8. */
function chosenOf8(block: usize, from: usize): void {
  const c0 = column(block, 0), c1 = column(block, 1), c2 = column(block, 2), c3 = column(block, 3)
  const c4 = column(block, 4), c5 = column(block, 5), c6 = column(block, 6)
  const k0 = cut(block, 0), k1 = cut(block, 1), k2 = cut(block, 2), k3 = cut(block, 3)
  const k4 = cut(block, 4), k5 = cut(block, 5), k6 = cut(block, 6)
  of8<u8>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, from)
  of8<u16>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, from)
  of8<u32>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, from)
  of8<u64>(c0, c1, c2, c3, c4, c5, c6, k0, k1, k2, k3, k4, k5, k6, from)
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
    if (levels == 1) chosenOf2(block, scratch)
    else if (levels == 2) chosenOf4(block, scratch)
    else if (levels == 3) chosenOf8(block, scratch)
    addTree<u8>(scratch, adds, adds + addsBytes, double)
    adds += addsBytes
  }
}
