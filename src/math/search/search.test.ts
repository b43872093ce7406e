import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../random.ts'
import { type Dimension, fromUnit, isFixed, toUnit } from './dimension.ts'
import { crowdingDistances, dominates, hypervolume, paretoFront, paretoRanks } from './pareto.ts'
import { hashed, SOBOL_DIMENSIONS_MAX, sobolPoint } from './sobol.ts'
import { parzenEstimator, tpePoint } from './tpe.ts'

const range = (low: number, high: number, log = false, step?: number): Dimension => ({
  kind: 'range',
  low,
  high,
  log,
  step,
})
const choice = (count: number): Dimension => ({ kind: 'choice', count })

const dimension = fc.oneof(
  fc.integer({ min: 1, max: 30 }).map(choice),
  fc
    .tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 0, max: 500 }), fc.constantFrom(1, 3, 0.1, 0.25))
    .map(([low, steps, step]) => range(low, low + steps * step, false, step)),
  fc
    .tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 5000 }))
    .map(([low, more]) => range(low, low + more, true, 1)),
  fc
    .tuple(fc.double({ min: 1e-9, max: 1, noNaN: true }), fc.double({ min: 1, max: 1e9, noNaN: true }))
    .map(([low, times]) => range(low, low * times, true)),
)

test('a share of a dimension is a value of it, and goes back to its own cell', () => {
  fc.assert(
    fc.property(dimension, fc.double({ min: 0, max: 1 - 2 ** -53, noNaN: true }), (axis, share) => {
      const value = fromUnit(axis, share)
      if (axis.kind === 'choice') assert.ok(Number.isInteger(value) && value >= 0 && value < axis.count)
      else {
        assert.ok(value >= axis.low && value <= axis.high, `${value}`)
        if (axis.step !== undefined) {
          const steps = (value - axis.low) / axis.step
          assert.ok(Math.abs(steps - Math.round(steps)) < 1e-6)
        }
      }
      const back = fromUnit(axis, Math.min(1 - 2 ** -53, Math.max(0, toUnit(axis, value))))
      assert.ok(Math.abs(back - value) <= 1e-9 * Math.abs(value), `${value} came back as ${back}`)
      assert.equal(isFixed(axis), axis.kind === 'choice' ? axis.count === 1 : axis.low === axis.high)
    }),
  )
})

test('steps are written as people write them, and both ends are as likely as the middle', () => {
  const axis = range(0.1, 0.5, false, 0.1)
  const counts = new Map<number, number>()
  for (let i = 0; i < 1000; i++) counts.set(fromUnit(axis, i / 1000), (counts.get(fromUnit(axis, i / 1000)) ?? 0) + 1)
  assert.deepEqual([...counts.keys()], [0.1, 0.2, 0.3, 0.4, 0.5])
  for (const count of counts.values()) assert.ok(Math.abs(count - 200) <= 1)
})

test("Sobol' points, scrambled, have one point in each cell of every dimension, and of pairs", () => {
  for (const seed of [0, 1, 12345]) {
    const points = Array.from({ length: 256 }, (_, i) => sobolPoint(i, SOBOL_DIMENSIONS_MAX, seed))
    for (let d = 0; d < SOBOL_DIMENSIONS_MAX; d++) {
      assert.equal(new Set(points.map(point => Math.floor(point[d]! * 256))).size, 256, `dimension ${d}`)
    }
    assert.equal(new Set(points.map(([a, b]) => Math.floor(a! * 16) * 16 + Math.floor(b! * 16))).size, 256)
  }
  assert.notDeepEqual(sobolPoint(3, 4, 1), sobolPoint(3, 4, 2))
  assert.throws(() => sobolPoint(0, SOBOL_DIMENSIONS_MAX + 1, 0), RangeError)
})

test("Sobol' points measure an area with far less error than chance does", () => {
  const inside = (x: number, y: number): boolean => x * x + y * y < 1
  const error = (point: (i: number) => ArrayLike<number>): number => {
    let count = 0
    for (let i = 0; i < 4096; i++) if (inside(point(i)[0]!, point(i)[1]!)) count++
    return Math.abs(count / 4096 - Math.PI / 4)
  }
  assert.ok(error(i => sobolPoint(i, 2, 7)) < 0.002)
})

test('a Parzen estimator is a probability: its cells sum to one', () => {
  const axes: Dimension[] = [range(1, 40, true, 1), choice(3)]
  const estimator = parzenEstimator(
    axes,
    [
      [3, 0],
      [4, 0],
      [30, 2],
    ],
    1,
  )
  let sum = 0
  for (let a = 1; a <= 40; a++) for (let b = 0; b < 3; b++) sum += Math.exp(estimator.logDensity([a, b]))
  assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}`)
  const smooth = parzenEstimator([range(-2, 3)], [[-2], [0.5], [0.6]], 1.5)
  let area = 0
  for (let i = 0; i < 5000; i++) area += Math.exp(smooth.logDensity([-2 + (i + 0.5) / 1000])) / 1000
  assert.ok(Math.abs(area - 1) < 1e-6, `${area}`)
})

test('what a Parzen estimator draws is distributed as it says', () => {
  const axes: Dimension[] = [range(0, 4, false, 1), choice(3)]
  const estimator = parzenEstimator(
    axes,
    [
      [1, 2],
      [3, 0],
    ],
    1,
  )
  const random = seededRandom(5)
  const counts = new Map<string, number>()
  const DRAWS = 40_000
  for (let i = 0; i < DRAWS; i++) {
    const drawn = estimator.draw(random).join()
    counts.set(drawn, (counts.get(drawn) ?? 0) + 1)
  }
  let chiSquared = 0
  for (let a = 0; a <= 4; a++) {
    for (let b = 0; b < 3; b++) {
      const expected = Math.exp(estimator.logDensity([a, b])) * DRAWS
      chiSquared += ((counts.get(`${a},${b}`) ?? 0) - expected) ** 2 / expected
    }
  }
  assert.ok(chiSquared < 36.1, `χ² ${chiSquared} at 14 degrees of freedom`)
})

test('TPE goes where it was good, bears equal points and dimensions of one value', () => {
  const axes: Dimension[] = [range(0, 1), choice(4), range(2, 2)]
  const good = [0.3, 0.31, 0.29].map(x => [x, 1, 2])
  const bad = [0.9, 0.8, 0.05, 0.6, 0.75].map(x => [x, 3, 2])
  let near = 0
  for (let seed = 0; seed < 50; seed++) {
    const point = tpePoint({ dimensions: axes, good, bad, candidates: 24, random: seededRandom(seed) })
    if (Math.abs(point[0]! - 0.3) < 0.2 && point[1] === 1) near++
    assert.equal(point[2], 2)
  }
  assert.ok(near > 35, `${near} of 50`)
  const same = Array.from({ length: 40 }, () => [0.5, 0, 2])
  const point = tpePoint({ dimensions: axes, good: same, bad: same, candidates: 24, random: seededRandom(1) })
  assert.ok(point.every(Number.isFinite))
  assert.ok(
    tpePoint({ dimensions: axes, good: [], bad: [], candidates: 1, random: seededRandom(1) }).every(Number.isFinite),
  )
})

const cloud = fc.array(
  fc.tuple(fc.integer({ max: 9, min: 0 }), fc.integer({ max: 9, min: 0 }), fc.integer({ max: 9, min: 0 })),
  {
    maxLength: 30,
  },
)

test('layers: nothing in a layer dominates another of it, and each has somebody of the layer before above it', () => {
  fc.assert(
    fc.property(cloud, points => {
      const ranks = paretoRanks(points)
      for (const [i, a] of points.entries()) {
        assert.ok(ranks[i]! >= 0)
        for (const [j, b] of points.entries()) if (ranks[i] === ranks[j]) assert.ok(!dominates(a, b))
        if (ranks[i]! > 0) assert.ok(points.some((b, j) => ranks[j] === ranks[i]! - 1 && dominates(b, a)))
      }
      assert.deepEqual(
        paretoFront(points),
        [...points.keys()].filter(i => ranks[i] === 0),
      )
    }),
  )
})

test('hypervolume is what counting the cells says, and the front has all of it', () => {
  fc.assert(
    fc.property(cloud, points => {
      let cells = 0
      for (let x = 0; x < 10; x++)
        for (let y = 0; y < 10; y++)
          for (let z = 0; z < 10; z++) if (points.some(([a, b, c]) => a <= x && b <= y && c <= z)) cells++
      assert.equal(hypervolume(points, [10, 10, 10]), cells)
      assert.equal(
        hypervolume(
          paretoFront(points).map(i => points[i]!),
          [10, 10, 10],
        ),
        cells,
      )
    }),
  )
  assert.equal(hypervolume([[1], [2]], [3]), 2)
  assert.equal(hypervolume([[1, 5]], [3, 4]), 0)
})

test('the ends of a front are not crowded', () => {
  assert.deepEqual(
    [
      ...crowdingDistances([
        [0, 4],
        [1, 2],
        [2, 1],
        [4, 0],
      ]),
    ],
    [Infinity, 1.25, 1.25, Infinity],
  )
  assert.equal(hashed(1, 2), hashed(1, 2))
})
