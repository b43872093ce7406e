/**
 * How often unchanged traffic is called drift, and how soon changed traffic is: judged as the server judges, the last 500
 * predictions after every hundred.
 *
 *   node bench/drift-alarms.ts [--predictions 2000000] [--reference 4000] [--changes 200]
 *
 * Eight columns of many shapes. A new reference is drawn for every 20,000 predictions, since one that is odd by chance would be odd
 * against all that follow.
 */
import { parseArgs } from 'node:util'
import { type Comparison, comparison, type Judgement, judgeWindow } from '../src/drift/judge.ts'
import { driftSettings } from '../src/drift/settings.ts'
import { type Random, seededRandom } from '../src/math/random.ts'
import type { WindowCounts } from '../src/monitoring/window-counts.ts'
import { CONFIG_KEYS } from '../src/platform/config-keys.ts'
import { binning, profileNumbers } from '../src/registry/profile.ts'
import { machine } from './processes.ts'

const { values } = parseArgs({
  options: {
    predictions: { type: 'string', default: '2000000' },
    reference: { type: 'string', default: '4000' },
    changes: { type: 'string', default: '200' },
  },
})
const [predictions, referenceRows, changes] = [values.predictions, values.reference, values.changes].map(Number) as [
  number,
  number,
  number,
]
const LIVE_ROWS = 20_000
const ALPHAS = [1e-6, 1e-4, 1e-2, 0.05]
const say = (text: string): void => void process.stdout.write(`${text}\n`)

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
const SHAPES: readonly ((random: Random) => number)[] = [
  normal,
  random => Math.exp(normal(random)),
  random => (random() < 0.48 ? 0 : 1e5 + 3e4 * normal(random)),
  random => (random() < 0.3 ? 1 : 0),
  random => (random() < 0.01 ? 1 : 0),
  random => Math.floor(11 * random()),
  random => random(),
  random => (random() < 0.1 ? Number.NaN : 5 * normal(random)),
]

const setting = (key: 'window' | 'minimum' | 'alpha' | 'psiWarning' | 'psi' | 'ks'): number =>
  CONFIG_KEYS[`drift.${key}`].default as number
const DEFAULTS = {
  window: setting('window'),
  minimum: setting('minimum'),
  alpha: setting('alpha'),
  psiWarning: setting('psiWarning'),
  psi: setting('psi'),
  ks: setting('ks'),
}

interface World {
  readonly comparisons: ReadonlyMap<number, Comparison>
  /** Counts one more prediction. `change` is added to the first column. */
  next(change?: number): void
  window(): WindowCounts
}

function world(random: Random, alphas: readonly number[]): World {
  const names = SHAPES.map((_, at) => `c${at}`)
  const profiles = SHAPES.map((draw, at) =>
    profileNumbers(
      names[at]!,
      Float64Array.from({ length: referenceRows }, () => draw(random)),
    ),
  )
  const inputs = names.map(
    name => ({ name, type: 'numeric', nullable: true, sensitive: false, protected: false }) as const,
  )
  const profile = { format: 1 as const, rows: referenceRows, features: profiles, outputs: [] }
  const comparisons = new Map(
    alphas.map(alpha => [alpha, comparison(profile, { inputs, outputs: [] }, driftSettings({ ...DEFAULTS, alpha }))]),
  )
  const bins = profiles.map(binning)
  const counts = bins.map(({ slots }) => new Array<number>(slots).fill(0))
  const ring = bins.map(() => new Int32Array(DEFAULTS.window).fill(-1))
  let rows = 0
  return {
    comparisons,
    next(change = 0) {
      const place = rows++ % DEFAULTS.window
      for (const [at, draw] of SHAPES.entries()) {
        const old = ring[at]![place]!
        if (old >= 0) counts[at]![old]!--
        const slot = bins[at]!.slotOf(draw(random) + (at === 0 ? change : 0))
        ring[at]![place] = slot
        counts[at]![slot]!++
      }
    },
    window() {
      const columns = names.map((name, at) => ({ name, kind: 'feature' as const, counts: counts[at]! }))
      const size = Math.min(rows, DEFAULTS.window)
      const calls = { rows: size, invocations: size, refusals: {}, latency: [] }
      return { model: 'm', version: '1.0.0', from: 0, to: rows, ...calls, columns }
    },
  }
}

const isBad = ({ verdict }: Judgement): boolean => verdict === 'drift' || verdict === 'warning'

function falseAlarms(): void {
  const random = seededRandom(1)
  const alarms = new Map(ALPHAS.map(alpha => [alpha, 0]))
  let judgements = 0
  for (let done = 0; done < predictions; done += LIVE_ROWS) {
    const { comparisons, next, window } = world(random, ALPHAS)
    for (let row = 1; row <= LIVE_ROWS; row++) {
      next()
      if (row % 100 !== 0) continue
      judgements++
      for (const [alpha, compared] of comparisons) {
        if (isBad(judgeWindow(compared, window()))) alarms.set(alpha, alarms.get(alpha)! + 1)
      }
    }
  }
  say(`Unchanged: ${predictions} predictions, ${judgements} judgements against references of ${referenceRows} rows`)
  for (const [alpha, count] of alarms) {
    say(`  alpha ${alpha}: ${count} judgements raised an alarm, a share of ${(count / judgements).toExponential(1)}`)
  }
}

/** After how many changed predictions a shift of the first column, in standard deviations, is called drift. */
function delays(shift: number): void {
  const found: number[] = []
  for (let seed = 0; seed < changes; seed++) {
    const { comparisons, next, window } = world(seededRandom(100 + seed), [DEFAULTS.alpha])
    const compared = comparisons.get(DEFAULTS.alpha)!
    for (let row = 0; row < DEFAULTS.window; row++) next()
    for (let row = 1; row <= 2 * DEFAULTS.window; row++) {
      next(shift)
      if (row % 100 !== 0 || judgeWindow(compared, window()).verdict !== 'drift') continue
      found.push(row)
      break
    }
  }
  const mean = found.reduce((sum, delay) => sum + delay, 0) / found.length
  const told =
    found.length === 0 ? 'never' : `after ${Math.round(mean)} predictions on average, ${Math.max(...found)} at most`
  say(`  ${shift} standard deviations: found in ${found.length} of ${changes} within 1,000, ${told}`)
}

say(machine())
falseAlarms()
say(`Changed: the mean of one column of ${SHAPES.length} moves, at the default setting`)
for (const shift of [0.1, 0.2, 0.3, 0.5, 1, 2]) delays(shift)
