/**
 * Explanations by quadrature, four rows at a time: down the tree products, up the tree means, by point (the formulas and
 * their names are in shap-branches.ts). The branches of a tree stand parents first, then its twigs: nodes with two leaves.
 */
const NODE: usize = 48
/** Of a node: where its column is; left where (byte and mask) − low < width, as signed bytes; where the sums of its feature are. */
const COLUMN: usize = 0
const LOW: usize = 4
const WIDTH: usize = 5
const MASK: usize = 6
const FEATURE: usize = 8
/** Addresses: its frame, those of its sides, the mask of the rows that pass the same feature further up, its terms. */
const FRAME: usize = 12
const LEFT: usize = 16
const RIGHT: usize = 20
const PRIOR: usize = 24
const TERMS: usize = 28
/** Of a branch: the shares of its sides. Of a twig: how far each leaf is above the mean, and the mean. */
const LEFT_SHARE: usize = 32
const RIGHT_SHARE: usize = 36
const MEAN: usize = 40

/** Frames begin with the masks of the rows that pass left, and right; then products by point, then means by point. */
const MASKS: usize = 32

@inline
function goes(node: usize, bytes: usize): v128 {
  const values = v128.load_zero<u32>(bytes + <usize>load<u32>(node, COLUMN))
  const seen = i8x16.sub(v128.and(values, v128.load_splat<u8>(node, MASK)), v128.load_splat<u8>(node, LOW))
  const left = i8x16.gt_s(v128.load_splat<u8>(node, WIDTH), seen)
  return v128.extend_low<i16>(v128.extend_low<i8>(left))
}

@inline
function address(node: usize, field: usize): usize {
  return <usize>load<u32>(node + field)
}

@inline
function splat(at: usize): v128 {
  return v128.load_splat<u32>(at)
}

@inline
function add(sums: usize, value: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), value))
}

/** From a branch to the products of its sides. */
@inline
function descend(node: usize, bytes: usize, size: usize): void {
  const frame = address(node, FRAME)
  const left = address(node, LEFT) + MASKS
  const right = address(node, RIGHT) + MASKS
  const terms = address(node, TERMS)
  const prior = v128.load(address(node, PRIOR))
  const decision = goes(node, bytes)
  const passes = v128.and(decision, prior)
  v128.store(frame, passes)
  v128.store(frame, v128.andnot(prior, decision), 16)
  const share = splat(node + LEFT_SHARE)
  const excess = v128.bitselect(splat(node + RIGHT_SHARE), f32x4.neg(share), passes)
  for (let point: usize = 0; point < size; point += 16) {
    const slope = v128.and(prior, splat(terms + (point >> 2)))
    const product = v128.load(frame + MASKS + point)
    const part = f32x4.mul(product, f32x4.add(share, f32x4.mul(slope, excess)))
    v128.store(left + point, part)
    v128.store(right + point, f32x4.sub(product, part))
  }
}

/** The mean of a twig, and what it gives its feature. */
@inline
function turn(node: usize, bytes: usize, size: usize, sums: usize): void {
  const products = address(node, FRAME) + MASKS
  const means = products + size
  const terms = address(node, TERMS)
  const weights = terms + (size >> 2)
  const mean = splat(node + MEAN)
  const either = v128.bitselect(splat(node + LEFT_SHARE), splat(node + RIGHT_SHARE), goes(node, bytes))
  const excess = v128.and(either, v128.load(address(node, PRIOR)))
  let total = f32x4.splat(0)
  for (let point: usize = 0; point < size; point += 16) {
    v128.store(means + point, f32x4.add(mean, f32x4.mul(splat(terms + (point >> 2)), excess)))
    total = f32x4.add(total, f32x4.mul(splat(weights + (point >> 2)), v128.load(products + point)))
  }
  add(sums + address(node, FEATURE), f32x4.mul(total, excess))
}

/** The mean of a branch from those of its sides, and what it gives its feature. */
@inline
function ascend(node: usize, size: usize, sums: usize): void {
  const frame = address(node, FRAME)
  const products = frame + MASKS
  const means = products + size
  const left = address(node, LEFT) + MASKS + size
  const right = address(node, RIGHT) + MASKS + size
  const terms = address(node, TERMS)
  const weights = terms + (size >> 2)
  const prior = v128.load(address(node, PRIOR))
  const share = splat(node + LEFT_SHARE)
  const excess = v128.bitselect(splat(node + RIGHT_SHARE), f32x4.neg(share), v128.load(frame))
  let total = f32x4.splat(0)
  for (let point: usize = 0; point < size; point += 16) {
    const slope = v128.and(prior, splat(terms + (point >> 2)))
    const below = v128.load(right + point)
    const change = f32x4.sub(v128.load(left + point), below)
    v128.store(means + point, f32x4.add(below, f32x4.mul(f32x4.add(share, f32x4.mul(slope, excess)), change)))
    const weight = f32x4.mul(splat(weights + (point >> 2)), v128.load(products + point))
    total = f32x4.add(total, f32x4.mul(weight, change))
  }
  add(sums + address(node, FEATURE), v128.and(prior, f32x4.mul(total, excess)))
}

/** Writes what frames hold at first, the products of the root and the means of leaves: pairs of an address and a number. */
export function begin(starts: usize, end: usize): void {
  for (let start = starts; start < end; start += 8) v128.store(<usize>load<u32>(start), splat(start + 4))
}

/** One tree: branches from `branches` on, twigs from `twigs` to `end`. `sums` has, by feature, one number a row. */
export function addByQuadrature(
  bytes: usize, rows: usize, branches: usize, twigs: usize, end: usize, points: usize, sums: usize,
): void {
  const size = points << 4
  for (let row: usize = 0; row < rows; row += 4) {
    for (let node = branches; node < twigs; node += NODE) descend(node, bytes + row, size)
    for (let node = twigs; node < end; node += NODE) turn(node, bytes + row, size, sums + (row << 2))
    for (let node = twigs - NODE; node >= branches; node -= NODE) ascend(node, size, sums + (row << 2))
  }
}
