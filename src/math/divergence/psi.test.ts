import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { golden, near } from '../golden.suite.ts'
import { countsWithin, equalBounds, quantileBounds, sturges } from '../histogram.ts'
import { seededRandom } from '../random.ts'
import { jensenShannonDistance, kullbackLeibler } from './entropy.ts'
import { psi, psiPValue, SHARE_MIN } from './psi.ts'

interface Case {
  readonly name: string
  readonly ref: number[]
  readonly cur: number[]
  readonly quantile10: {
    readonly edges: number[]
    readonly ref_frac: number[]
    readonly cur_frac: number[]
    readonly psi: number
  }
  readonly evidently?: {
    readonly edges: number[]
    readonly psi: number
    readonly jensenshannon_base_e: number
    readonly kl_div: number
  }
}
interface Categories {
  readonly name: string
  readonly ref_counts: number[]
  readonly cur_counts: number[]
  readonly psi_evidently: number
  readonly jensenshannon_base_e: number
}

const { cases, categorical } = golden<{ cases: Case[]; categorical: Categories[] }>('psi')
const TOLERANCE = 1e-12

function shares(counts: readonly number[]): number[] {
  const rows = counts.reduce((sum, count) => sum + count, 0)
  return counts.map(count => count / rows)
}

/** Evidently fills empty bins before it takes KL, and normalises after. */
function filled(counts: readonly number[]): number[] {
  return shares(counts).map(share => (share === 0 ? SHARE_MIN : share))
}

describe('PSI in ten bins of the reference, against NumPy', () => {
  for (const { name, ref, cur, quantile10: wanted } of cases) {
    test(name, () => {
      const bounds = quantileBounds(Float64Array.from(ref), 10)
      assert.equal(bounds.length, wanted.edges.length)
      for (const [at, bound] of bounds.entries()) near(bound, wanted.edges[at]!, TOLERANCE, TOLERANCE)
      const [reference, current] = [countsWithin(bounds, ref), countsWithin(bounds, cur)]
      assert.deepEqual(shares(reference), wanted.ref_frac)
      for (const [at, share] of shares(current).entries()) near(share, wanted.cur_frac[at]!, TOLERANCE)
      near(psi(reference, current), wanted.psi, TOLERANCE)
    })
  }
})

describe('PSI, JS and KL as Evidently computes them', () => {
  for (const { name, ref, cur, evidently: wanted } of cases) {
    if (wanted === undefined) continue
    test(name, () => {
      const both = [...ref, ...cur]
      const bounds = equalBounds(Math.min(...both), Math.max(...both), sturges(both.length))
      assert.equal(bounds.length, wanted.edges.length)
      for (const [at, bound] of bounds.entries()) near(bound, wanted.edges[at]!, TOLERANCE, TOLERANCE)
      const [reference, current] = [countsWithin(wanted.edges, ref), countsWithin(wanted.edges, cur)]
      near(psi(reference, current), wanted.psi, TOLERANCE)
      near(jensenShannonDistance(reference, current), wanted.jensenshannon_base_e, TOLERANCE)
      near(kullbackLeibler(filled(reference), filled(current)), wanted.kl_div, TOLERANCE)
    })
  }
  for (const wanted of categorical) {
    test(wanted.name, () => {
      near(psi(wanted.ref_counts, wanted.cur_counts), wanted.psi_evidently, TOLERANCE)
      near(jensenShannonDistance(wanted.ref_counts, wanted.cur_counts), wanted.jensenshannon_base_e, TOLERANCE)
    })
  }
})

test('the p-value of a PSI is right as often as it says', () => {
  const random = seededRandom(1)
  const draw = (rows: number): number[] => {
    const counts = new Array<number>(10).fill(0)
    for (let row = 0; row < rows; row++) counts[Math.floor(random() * 10)]!++
    return counts
  }
  let alarms = 0
  for (let round = 0; round < 2000; round++) {
    if (psiPValue(psi(draw(3700), draw(500)), 3700, 500, 10) < 0.05) alarms++
  }
  // 100 expected, with a standard deviation of 10.
  assert.ok(alarms > 70 && alarms < 135, `${alarms} of 2000 at 5 %`)
})

test('counts within bounds: outer values go to the outer bins, missing ones nowhere', () => {
  assert.deepEqual(countsWithin([0, 1, 2], [-5, 0, 0.5, 1, 2, 7, Number.NaN]), [3, 3])
  assert.deepEqual(countsWithin([3], [3, 3]), [2])
  assert.throws(() => countsWithin([], [1]), /there are no bounds/)
  assert.throws(() => quantileBounds([1], 0), /Cannot make bins: wanted 0/)
})
