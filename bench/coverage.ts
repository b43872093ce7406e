/**
 * How often intervals of 95 % hold the true value: many small samples of known worlds, against one of three million rows.
 * Prints a row a world and size of sample, a column a metric. `node bench/coverage.ts [ROUNDS]`
 */
import type { Estimate } from '../src/math/inference/estimate.ts'
import { binaryMetrics } from '../src/math/metrics/binary.ts'
import { regressionMetrics } from '../src/math/metrics/regression.ts'
import { type Random, seededRandom } from '../src/math/random.ts'

type Estimates = Readonly<Record<string, Estimate | undefined>>
type World = (random: Random, rows: number) => Estimates

const ROUNDS = Number(process.argv[2] ?? 3000)
const TRUTH_ROWS = 3_000_000
const SIZES = [50, 200, 1000]

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Log-odds around `centre`; the model's are `sharpness` times the true ones. */
function classifier(centre: number, sharpness: number): World {
  const logistic = (odds: number): number => 1 / (1 + Math.exp(-odds))
  return (random, rows) => {
    const odds = Float64Array.from({ length: rows }, () => centre + 1.5 * normal(random))
    const labels = Uint8Array.from(odds, value => (random() < logistic(value) ? 1 : 0))
    const scores = odds.map(value => logistic(sharpness * value))
    return binaryMetrics(labels, scores, 0.5)
  }
}

function regression(error: (random: Random) => number): World {
  return (random, rows) => {
    const predicted = Float64Array.from({ length: rows }, () => 2 * normal(random))
    const actual = predicted.map(value => value + error(random))
    return regressionMetrics(actual, predicted, { quantile: 0.9 })
  }
}

const WORLDS: Readonly<Record<string, World>> = {
  'calibrated, half positive': classifier(0, 1),
  'calibrated, one in ten positive': classifier(-3, 1),
  'overconfident, half positive': classifier(0, 1.7),
  'normal errors': regression(normal),
  'two-sided exponential errors': regression(random => -Math.log(1 - random()) * (random() < 0.5 ? -1 : 1)),
  'log-normal errors': regression(random => Math.exp(normal(random)) - Math.exp(0.5)),
}

for (const [name, world] of Object.entries(WORLDS)) {
  const random = seededRandom(1)
  const truth = world(random, TRUTH_ROWS)
  for (const rows of SIZES) {
    const held: Record<string, number> = {}
    const made: Record<string, number> = {}
    for (let round = 0; round < ROUNDS; round++) {
      for (const [metric, estimate] of Object.entries(world(random, rows))) {
        if (estimate === undefined) continue
        const { value } = truth[metric]!
        made[metric] = (made[metric] ?? 0) + 1
        held[metric] = (held[metric] ?? 0) + (estimate.low <= value && value <= estimate.high ? 1 : 0)
      }
    }
    const shares = Object.keys(made).map(metric => `${metric} ${(held[metric]! / made[metric]!).toFixed(3)}`)
    process.stdout.write(`${name}, ${rows} rows: ${shares.join(', ')}\n`)
  }
}
