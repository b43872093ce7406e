/**
 * Real customers of a bank: a model made with one half of France and Spain meets the other half, and then Germany. Nothing
 * may be said of the first, and of the second that balances are other, within 500 customers; whatever the order in which they come.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { seededRandom } from '../../examples/churn/random.ts'
import { comparison, type Judgement, judgeWindow } from '../../src/drift/judge.ts'
import { readingsOf } from '../../src/drift/reading.ts'
import { driftSettings } from '../../src/drift/settings.ts'
import type { WindowCounts } from '../../src/monitoring/window-counts.ts'
import { CONFIG_KEYS } from '../../src/platform/config-keys.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import { predictorOf } from '../../src/predictor/model.ts'
import { type Binning, binning, type ColumnProfile, profileNumbers } from '../../src/registry/profile.ts'
import type { Feature } from '../../src/registry/signature.ts'
import { shared, skipUnless } from '../services.ts'

const SHUFFLES = Number(process.env['SHUFFLES'] ?? 20)
const COLUMNS: Readonly<Record<string, string>> = {
  age: 'Age',
  tenure: 'Tenure',
  balance: 'Balance',
  num_products: 'NumOfProducts',
  has_cr_card: 'HasCrCard',
  is_active_member: 'IsActiveMember',
  estimated_salary: 'EstimatedSalary',
}
const NAMES = Object.keys(COLUMNS)
const DEFAULTS = {
  window: CONFIG_KEYS['drift.window'].default as number,
  minimum: CONFIG_KEYS['drift.minimum'].default as number,
  alpha: CONFIG_KEYS['drift.alpha'].default as number,
  psiWarning: CONFIG_KEYS['drift.psiWarning'].default as number,
  psi: CONFIG_KEYS['drift.psi'].default as number,
  ks: CONFIG_KEYS['drift.ks'].default as number,
}

/** The features, and what the model answers. */
type Customer = readonly number[]

function customers(): { near: Customer[]; german: Customer[] } {
  const [header, ...lines] = readFileSync(shared('data/sets/churn/churn_modelling.csv'), 'utf8').trim().split(/\r?\n/)
  const titles = header!.split(',')
  const places = NAMES.map(name => titles.indexOf(COLUMNS[name]!))
  const cells = lines.map(line => line.split(','))
  const model = predictorOf(loadArtifact(readFileSync(shared('models/churn/xgb_core.json'))))
  const order = model.features.map(name => NAMES.indexOf(name))
  const rows = cells.map(row => {
    const features = places.map(place => Number(row[place]))
    const out = new Float64Array(1)
    model.predict(
      Float64Array.from(order, at => features[at]!),
      1,
      out,
    )
    return { country: row[titles.indexOf('Geography')], customer: [...features, out[0]!] }
  })
  const of = (isGerman: boolean): Customer[] =>
    rows.filter(({ country }) => (country === 'Germany') === isGerman).map(({ customer }) => customer)
  return { near: of(false), german: of(true) }
}

function shuffled<T>(items: readonly T[], seed: string): T[] {
  const { uniform } = seededRandom(seed)
  const mixed = [...items]
  for (let left = mixed.length; left > 1; left--) {
    const other = Math.floor(uniform() * left)
    ;[mixed[left - 1], mixed[other]] = [mixed[other]!, mixed[left - 1]!]
  }
  return mixed
}

/** Judges the last 500 customers after every hundred, as the server does. */
function* judged(reference: readonly Customer[], live: readonly Customer[]) {
  const columns = [...NAMES, 'churn_probability'].map((name, at) =>
    profileNumbers(
      name,
      Float64Array.from(reference, customer => customer[at]!),
    ),
  )
  const inputs = NAMES.map(
    (name): Feature => ({ name, type: 'numeric', nullable: false, sensitive: false, protected: false }),
  )
  const profile = {
    format: 1 as const,
    rows: reference.length,
    features: columns.slice(0, -1),
    outputs: columns.slice(-1),
  }
  const compared = comparison(profile, { inputs, outputs: [] }, driftSettings(DEFAULTS))
  const bins = columns.map(binning)
  for (let seen = 100; seen <= live.length; seen += DEFAULTS.window / 5) {
    const last = live.slice(Math.max(0, seen - DEFAULTS.window), seen)
    const judgement = judgeWindow(compared, windowOf(columns, bins, last))
    yield { seen, judgement, readings: () => readingsOf(compared, judgement) }
  }
}

function windowOf(
  columns: readonly ColumnProfile[],
  bins: readonly Binning[],
  rows: readonly Customer[],
): WindowCounts {
  const counted = columns.map(({ name }, at) => {
    const counts = new Array<number>(bins[at]!.slots).fill(0)
    for (const row of rows) counts[bins[at]!.slotOf(row[at]!)]!++
    return { name, kind: at < NAMES.length ? ('feature' as const) : ('output' as const), counts }
  })
  const none = { invocations: rows.length, refusals: {}, latency: [] }
  return { model: 'churn', version: '1.0.0', from: 0, to: 1, rows: rows.length, ...none, columns: counted }
}

const bad = ({ verdict }: Judgement): boolean => verdict === 'drift' || verdict === 'warning'

test('France and Spain raise no alarm in any order; Germany does, by the balance, within 500 customers', {
  skip: skipUnless('shared'),
}, t => {
  const { near, german } = customers()
  assert.deepEqual([near.length, german.length], [7491, 2509])
  const delays: number[] = []
  for (let shuffle = 0; shuffle < SHUFFLES; shuffle++) {
    const mixed = shuffled(near, `near ${shuffle}`)
    const half = Math.floor(mixed.length / 2)
    const rest = mixed.slice(half)
    const live = [...rest, ...shuffled(german, `german ${shuffle}`)]
    let first: number | undefined
    for (const { seen, judgement, readings } of judged(mixed.slice(0, half), live)) {
      if (seen <= rest.length) {
        const said = readings().filter(({ verdict }) => verdict === 'drift' || verdict === 'warning')
        assert.ok(!bad(judgement), `shuffle ${shuffle}, ${seen} customers: ${said.map(({ sentence }) => sentence)}`)
        continue
      }
      const balance = judgement.columns.find(({ column }) => column.name === 'balance')
      if (balance?.verdict !== 'drift') continue
      first = seen - rest.length
      assert.equal(judgement.cause?.column.column.name, 'balance')
      break
    }
    assert.ok(first !== undefined && first <= 500, `shuffle ${shuffle}: drift of balance after ${first} Germans`)
    delays.push(first)
  }
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
  t.diagnostic(
    `${SHUFFLES} shuffles: drift of balance after ${Math.min(...delays)} to ${Math.max(...delays)} Germans, ${mean} on average`,
  )
})
