/** Several aims at once. All functions take points whose every coordinate is to be small. */

/** Whether `a` is nowhere worse than `b` and somewhere better. */
export function dominates(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  let isBetter = false
  for (let i = 0; i < a.length; i++) {
    if (a[i]! > b[i]!) return false
    if (a[i]! < b[i]!) isBetter = true
  }
  return isBetter
}

/**
 * The layers of points: 0 for those that nothing dominates, 1 for those that only layer 0 dominates, and so on (fast
 * non-dominated sorting of Deb et al. 2002, doi:10.1109/4235.996017). Time grows with the square of the number of points.
 */
export function paretoRanks(points: readonly ArrayLike<number>[]): Int32Array {
  const ranks = new Int32Array(points.length).fill(-1)
  const above = new Int32Array(points.length)
  const below: number[][] = points.map(() => [])
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      if (dominates(points[i]!, points[j]!)) {
        below[i]!.push(j)
        above[j]!++
      } else if (dominates(points[j]!, points[i]!)) {
        below[j]!.push(i)
        above[i]!++
      }
    }
  }
  let layer = Array.from(points.keys()).filter(i => above[i] === 0)
  for (let rank = 0; layer.length > 0; rank++) {
    for (const i of layer) ranks[i] = rank
    layer = layer.flatMap(i => below[i]!).filter(j => --above[j]! === 0)
  }
  return ranks
}

/** Numbers of the points that nothing dominates, in their order. */
export function paretoFront(points: readonly ArrayLike<number>[]): number[] {
  if (points[0]?.length === 1) {
    const best = points.reduce((least, point) => Math.min(least, point[0]!), Infinity)
    return [...points.keys()].filter(i => points[i]![0] === best)
  }
  // Nothing that comes later by sum can dominate what comes earlier.
  const order = [...points.keys()].sort((a, b) => sumOf(points[a]!) - sumOf(points[b]!))
  const front: number[] = []
  for (const i of order) if (!front.some(j => dominates(points[j]!, points[i]!))) front.push(i)
  return front.sort((a, b) => a - b)
}

function sumOf(point: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < point.length; i++) sum += point[i]!
  return Number.isNaN(sum) ? Infinity : sum
}

/** How alone each point is among those of its layer (crowding distance of Deb et al. 2002); infinite at the ends. */
export function crowdingDistances(points: readonly ArrayLike<number>[]): Float64Array {
  const distances = new Float64Array(points.length)
  const aims = points[0]?.length ?? 0
  for (let aim = 0; aim < aims; aim++) {
    const at = (i: number): number => points[i]![aim]!
    const order = [...points.keys()].sort((a, b) => (at(a) < at(b) ? -1 : at(a) > at(b) ? 1 : 0))
    const [first, last] = [order[0]!, order.at(-1)!]
    distances[first] = Infinity
    distances[last] = Infinity
    const width = at(last) - at(first)
    if (!(width > 0 && width < Infinity)) continue
    for (let k = 1; k < order.length - 1; k++) {
      distances[order[k]!]! += (at(order[k + 1]!) - at(order[k - 1]!)) / width
    }
  }
  return distances
}

/**
 * The volume that the points dominate, up to a reference point that is worse than all that shall count (Zitzler and Thiele
 * 1998). Exact: by dimension sweep down to two aims, so meant for fronts of some hundred points and few aims.
 */
export function hypervolume(points: readonly ArrayLike<number>[], reference: ArrayLike<number>): number {
  const within = points.filter(point => Array.from(reference as number[]).every((limit, i) => point[i]! < limit))
  return sweptVolume(
    within.map(point => Array.from(point as number[])),
    Array.from(reference as number[]),
  )
}

function sweptVolume(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const aims = reference.length
  if (points.length === 0) return 0
  if (aims === 1) return reference[0]! - Math.min(...points.map(([value]) => value!))
  const last = aims - 1
  const order = points.toSorted((a, b) => a[last]! - b[last]!)
  let volume = 0
  let slice: (readonly number[])[] = []
  for (const [k, point] of order.entries()) {
    const flat = point.slice(0, last)
    slice = [...slice.filter(other => !dominates(flat, other)), flat]
    const depth = (order[k + 1]?.[last] ?? reference[last]!) - point[last]!
    if (depth > 0) volume += depth * sweptVolume(slice, reference.slice(0, last))
  }
  return volume
}
