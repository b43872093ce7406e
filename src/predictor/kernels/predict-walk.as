/**
 * Trees of any depth and size, walked from their roots: 8 rows at once, or 4 trees at once for a single row, so that the
 * processor has something to do while it waits for a node.
 *
 * A *node* is 8 bytes: the byte that is compared (i8) and where the column begins that it is compared with (24 bits, counted
 * from the first column), then the address of the left child, whose brother follows. A row goes right where its byte is
 * greater. A leaf compares with 127, which no byte exceeds, and leads to itself: all walks may be as long as the longest.
 */
import { addTree, COLUMNS, ROWS } from './parts/leaf-sums'

/** Steps between two looks whether all have arrived. */
const STRIDE: i32 = 4

/** From a node to one of its children; `row` is the address of the row's byte in the first column. */
@inline
function step(node: usize, row: usize): usize {
  const value = load<i8>(row + <usize>(load<u32>(node) >> 8))
  return <usize>load<u32>(node, 4) + (<usize>(<i32>value > <i32>load<i8>(node)) << 3)
}

/** Writes the numbers, counted from the root, of the leaves that 64 rows end in. */
function walkRows(root: usize, depth: i32, columns: usize, leaves: usize): void {
  for (let row: usize = columns; row < columns + ROWS; row += 8) {
    let a = root, b = root, c = root, d = root, e = root, f = root, g = root, h = root
    for (let left = depth; left > 0; left -= STRIDE) {
      const before = a + b + c + d + e + f + g + h
      for (let steps = min(left, STRIDE); steps > 0; steps--) {
        a = step(a, row)
        b = step(b, row + 1)
        c = step(c, row + 2)
        d = step(d, row + 3)
        e = step(e, row + 4)
        f = step(f, row + 5)
        g = step(g, row + 6)
        h = step(h, row + 7)
      }
      if (a + b + c + d + e + f + g + h == before) break // children stand behind their parents: a sum that stays is 8 leaves
    }
    store<u32>(leaves, <u32>(a - root) >> 3)
    store<u32>(leaves, <u32>(b - root) >> 3, 4)
    store<u32>(leaves, <u32>(c - root) >> 3, 8)
    store<u32>(leaves, <u32>(d - root) >> 3, 12)
    store<u32>(leaves, <u32>(e - root) >> 3, 16)
    store<u32>(leaves, <u32>(f - root) >> 3, 20)
    store<u32>(leaves, <u32>(g - root) >> 3, 24)
    store<u32>(leaves, <u32>(h - root) >> 3, 28)
    leaves += 32
  }
}

/**
 * @param trees by tree, u32 each: its root, its depth.
 * @param adds by tree `addsBytes` bytes: see `addTree`.
 * @param scratch 64 × 4 bytes.
 */
export function predictWalk(
  trees: usize, end: usize, adds: usize, addsBytes: usize, columns: usize, scratch: usize, double: bool,
): void {
  for (; trees < end; trees += 8) {
    walkRows(load<u32>(trees), load<i32>(trees, 4), columns, scratch)
    addTree<u32>(scratch, adds, adds + addsBytes, double)
    adds += addsBytes
  }
}

/** As `step`, of a single row. */
@inline
function stepOne(node: usize): usize {
  const value = load<i8>(<usize>(load<u32>(node) >> 8), COLUMNS)
  return <usize>load<u32>(node, 4) + (<usize>(<i32>value > <i32>load<i8>(node)) << 3)
}

/** Adds what a tree's leaf is worth to the first of its sums. */
@inline
function addOne(leaf: usize, tree: usize, adds: usize, addsBytes: usize, double: bool): void {
  const number = (leaf - <usize>load<u32>(tree)) >> 3
  for (let add = adds; add < adds + addsBytes; add += 8) {
    const table = <usize>load<u32>(add)
    const sum = <usize>load<u32>(add, 4)
    if (double) store<f64>(sum, load<f64>(sum) + load<f64>(table + (number << 3)))
    else store<f32>(sum, load<f32>(sum) + load<f32>(table + (number << 2)))
  }
}

/** The sums of a single row, the first of each output: for forests of several outputs. */
export function predictOne(trees: usize, end: usize, adds: usize, addsBytes: usize, double: bool): void {
  for (; trees < end; trees += 32) {
    let a = <usize>load<u32>(trees), b = <usize>load<u32>(trees, 8)
    let c = <usize>load<u32>(trees, 16), d = <usize>load<u32>(trees, 24)
    for (let left = load<i32>(trees, 4); left > 0; left--) {
      a = stepOne(a)
      b = stepOne(b)
      c = stepOne(c)
      d = stepOne(d)
    }
    addOne(a, trees, adds, addsBytes, double)
    addOne(b, trees + 8, adds + addsBytes, addsBytes, double)
    addOne(c, trees + 16, adds + 2 * addsBytes, addsBytes, double)
    addOne(d, trees + 24, adds + 3 * addsBytes, addsBytes, double)
    adds += addsBytes << 2
  }
}
