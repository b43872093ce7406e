/**
 * A single row through trees of any depth, three levels at a step: the row's bytes (at most 64 slots) stay in registers, the 7 nodes of
 * a *block* are compared at once, and a table says which of the 8 ways out the answers lead to.
 *
 * A block is 32 bytes: the slots of its nodes, breadth first (8 × u8), the bytes they are compared with (8 × i8; a row goes right where its
 * own is greater), what is taken from the row's before (8 × u8; only where there is more than one vector), the address of the first of its 8 successors, that of the first of 8 worths, which count where it is the last of its tree. A
 * leaf above that is a block that leads to itself, compared with 127, which no byte exceeds.
 */
const BLOCK: usize = 32

/** Which of its 8 ways out a row takes. */
@inline
function way(block: usize, row0: v128, row1: v128, row2: v128, row3: v128, vectors: i32, ways: usize): usize {
  const columns = v128.load64_zero(block)
  let values = i8x16.swizzle(row0, columns) // a swizzle reads 0 beyond its 16
  if (vectors > 1) {
    values = v128.or(values, i8x16.swizzle(row1, i8x16.sub(columns, i8x16.splat(16))))
    if (vectors > 2) {
      values = v128.or(values, i8x16.swizzle(row2, i8x16.sub(columns, i8x16.splat(32))))
      values = v128.or(values, i8x16.swizzle(row3, i8x16.sub(columns, i8x16.splat(48))))
    }
    values = i8x16.sub(values, v128.load64_zero(block, 16))
  }
  const right = i8x16.bitmask(i8x16.gt_s(values, v128.load64_zero(block, 8)))
  return <usize>load<u8>(ways + <usize>(right & 127))
}

/**
 * The sum of a row, from `sum` on.
 *
 * @param trees by tree, u32 each: its first block, and how many blocks stand on the way to its farthest leaf, without the last.
 * @param row 16, 32 or 64 bytes, as `vectors` is 1, 2 or 4.
 * @param ways by the answers of 7 nodes, a bit each: the way out, 0 … 7.
 */
@inline
function sumSevens<T>(trees: usize, end: usize, row: usize, vectors: i32, ways: usize, sum: T): T {
  const row0 = v128.load(row)
  const row1 = v128.load(row, 16)
  const row2 = v128.load(row, 32)
  const row3 = v128.load(row, 48)
  for (; trees < end; trees += 8) {
    let block = <usize>load<u32>(trees)
    for (let steps = load<i32>(trees, 4); steps > 0; steps--) {
      block = <usize>load<u32>(block, 24) + way(block, row0, row1, row2, row3, vectors, ways) * BLOCK
    }
    const last = way(block, row0, row1, row2, row3, vectors, ways)
    sum += load<T>(<usize>load<u32>(block, 28) + last * sizeof<T>())
  }
  return sum
}

export function sevensSingle(trees: usize, end: usize, row: usize, vectors: i32, ways: usize, sum: f32): f32 {
  return sumSevens<f32>(trees, end, row, vectors, ways, sum)
}

export function sevensDouble(trees: usize, end: usize, row: usize, vectors: i32, ways: usize, sum: f64): f64 {
  return sumSevens<f64>(trees, end, row, vectors, ways, sum)
}
