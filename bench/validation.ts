/**
 * How far the gate can be trusted, in known worlds: how often the interval of a gain holds the true one; how often a challenger
 * that is as good, better or worse passes; how often a version that is honest fails a probe. `node bench/validation.ts [ROUNDS]`
 */
import { type Random, seededRandom } from '../src/math/random.ts'
import type { Feature } from '../src/registry/signature.ts'
import type { JudgedMetric } from '../src/registry/validation-keys.ts'
import { leakChecks } from '../src/training/validation/leaks.ts'
import { gain, MEASURES, type Scored } from '../src/training/validation/measures.ts'
import type { Prepared } from '../src/training/validation/prepare.ts'
import { judgeSlices, type Slice } from '../src/training/validation/slices.ts'

const ROUNDS = Number(process.argv[2] ?? 1000)
/** Those that are drawn again and again take long. */
const RESAMPLED_ROUNDS = Math.min(ROUNDS, 100)
const RESAMPLED_ROWS_MAX = 1000
const TRUTH_ROWS = 1_000_000
const SIZES = [200, 1000, 5000]
const METRICS: readonly JudgedMetric[] = ['auc_roc', 'accuracy', 'log_loss', 'brier', 'f1_score']
const RESAMPLED: readonly JudgedMetric[] = ['f1_score']
const MARGIN = 0.01
const LEVEL = 0.95

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function logistic(odds: number): number {
  return 1 / (1 + Math.exp(-odds))
}

function scoredOf(truth: Float64Array, scores: Float64Array): Scored {
  const called = scores.map(score => (score >= 0.5 ? 1 : 0))
  return { task: 'binary', truth, answers: [scores], called, threshold: 0.5, isProbability: true }
}

/** A champion and a challenger that see the odds through noise of their own and a part in common. */
function pair(random: Random, rows: number, noise: number, otherNoise: number): [Scored, Scored] {
  const odds = Float64Array.from({ length: rows }, () => -0.8 + 1.5 * normal(random))
  const truth = odds.map(value => (random() < logistic(value) ? 1 : 0))
  const both = odds.map(value => value + 0.5 * normal(random))
  const seen = (own: number): Float64Array => both.map(value => logistic(0.8 * (value + own * normal(random))))
  return [scoredOf(truth, seen(noise)), scoredOf(truth, seen(otherNoise))]
}

const WORLDS = { 'as good': [0.5, 0.5], better: [0.4, 0.9], worse: [0.9, 0.4] } as const

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

say('Share of intervals of 0.95 that hold the true gain; share that pass «not-worse» (margin 0.01) and «better»')
for (const [world, [mine, theirs]] of Object.entries(WORLDS)) {
  const large = pair(seededRandom(99), TRUTH_ROWS, mine, theirs)
  for (const metric of METRICS) {
    const truth = trueGain(metric, large, world)
    for (const rows of SIZES) {
      if (RESAMPLED.includes(metric) && rows > RESAMPLED_ROWS_MAX) continue
      const rounds = RESAMPLED.includes(metric) ? RESAMPLED_ROUNDS : ROUNDS
      const shares = judged(metric, rows, rounds, truth, [mine, theirs]).map(count => (count / rounds).toFixed(3))
      say(`${world}, ${metric}, ${rows} rows: holds ${shares[0]}, not-worse ${shares[1]}, better ${shares[2]}`)
    }
  }
}

/** In how many rounds the interval held the true gain, kept the margin, was above 0. */
function judged(
  metric: JudgedMetric,
  rows: number,
  rounds: number,
  truth: number,
  [mine, theirs]: readonly [number, number],
): number[] {
  let [held, kept, better] = [0, 0, 0]
  const random = seededRandom(1)
  for (let round = 0; round < rounds; round++) {
    const [challenger, champion] = pair(random, rows, mine, theirs)
    const found = gain(metric, challenger, champion, LEVEL, random)
    if (found === undefined) continue
    if (found.low <= truth && truth <= found.high) held++
    if (found.low >= -MARGIN * found.second) kept++
    if (found.low > 0) better++
  }
  return [held, kept, better]
}

/** Two that see equally well are equal, whatever a sample says. */
function trueGain(metric: JudgedMetric, [challenger, champion]: [Scored, Scored], world: string): number {
  if (world === 'as good') return 0
  const { of, better } = MEASURES[metric]
  return (better === 'higher' ? 1 : -1) * (of(challenger) - of(champion))
}

const INPUTS: readonly Feature[] = ['number', 'integer', 'boolean', 'number'].map((type, at) => ({
  name: `x${at}`,
  type: type as Feature['type'],
  nullable: true,
  sensitive: false,
  protected: false,
}))

function honest(random: Random, rows: number): Prepared & { truth: Float64Array } {
  const column = (of: () => number): Float64Array => Float64Array.from({ length: rows }, of)
  const features = [
    column(() => normal(random)),
    column(() => Math.floor(random() * 60)),
    column(() => (random() < 0.3 ? 1 : 0)),
    column(() => (random() < 0.2 ? Number.NaN : random() * 1e5)),
  ]
  const truth = features[0]!.map((value, row) => (random() < logistic(2 * value + features[2]![row]!) ? 1 : 0))
  return { rows, features, truth, table: { header: [], rows, columns: new Map() } }
}

say(
  '\nHonest data: share of validations in which a leak probe fails, and in which a slice warns or fails at a drop of 0.1',
)
for (const rows of SIZES) {
  const random = seededRandom(7)
  let [leaks, slices] = [0, 0]
  for (let round = 0; round < RESAMPLED_ROUNDS; round++) {
    const [reference, evaluation] = [honest(random, rows), honest(random, rows)]
    const found = leakChecks({ inputs: INPUTS, task: 'binary', reference, evaluation, now: 1.7e12 })
    if (found.some(({ status }) => status === 'failed')) leaks++
    const [scored] = pair(random, rows, 0.5, 0.5)
    const { checks } = judgeSlices(scored, drawn(random, rows), 'auc_roc', { maximumDrop: 0.1 }, LEVEL, random)
    if (checks.some(({ status }) => status === 'failed' || status === 'warned')) slices++
  }
  const shares = [leaks, slices].map(count => (count / RESAMPLED_ROUNDS).toFixed(3))
  say(`${rows} rows: leaks ${shares[0]}, slices ${shares[1]}`)
}

/** Twenty slices by chance: none is worse than the others. */
function drawn(random: Random, rows: number): Slice[] {
  const names = Array.from({ length: rows }, () => Math.floor(random() * 20))
  return Array.from({ length: 20 }, (_, slice) => ({
    column: 'drawn',
    name: String(slice),
    rows: Uint32Array.from(names.keys()).filter(row => names[row] === slice),
  }))
}
