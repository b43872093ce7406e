import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../math/random.ts'
import { type ColumnProfile, profileCategories, profileNumbers } from '../registry/profile.ts'
import { DEFAULTS, profileOf, SETTINGS, signatureOf, spread, windowOf } from './drift-world.suite.ts'
import { comparison, type Judgement, judgeWindow } from './judge.ts'
import { causeReading, type Reading, readingsOf } from './reading.ts'
import { type DriftSettings, driftSettings } from './settings.ts'

const AGES = profileNumbers(
  'age',
  spread(5_000, u => 18 + 60 * u),
)

function judged(profile: ColumnProfile, values: Iterable<number>, settings: DriftSettings = SETTINGS): Told {
  const compared = comparison(profileOf([profile]), signatureOf([profile.name]), settings)
  const judgement = judgeWindow(compared, windowOf([{ profile, values }]))
  const readings = readingsOf(compared, judgement)
  const one = (statistic: string): Reading => readings.find(reading => reading.statistic === statistic)!
  return { judgement, readings, one }
}

interface Told {
  readonly judgement: Judgement
  readonly readings: readonly Reading[]
  readonly one: (statistic: string) => Reading
}

describe('a window', () => {
  test('like the reference is ok by every statistic, and each says so', () => {
    const { judgement, readings } = judged(
      AGES,
      spread(500, u => 18 + 60 * u),
    )
    assert.equal(judgement.verdict, 'ok')
    assert.deepEqual(
      readings.map(({ statistic, verdict }) => [statistic, verdict]),
      ['psi', 'ks', 'kl', 'js', 'js2', 'wasserstein', 'chi2'].map(statistic => [statistic, 'ok']),
    )
    assert.match(
      readings[0]!.sentence,
      /^age is as in the reference: its PSI of \S+ is below 0\.1 \(500 predictions against 5,000 rows of the reference\)$/,
    )
  })

  test('of other people is drift by every statistic, with number, threshold, p-value and where most of it is', () => {
    const { judgement, readings, one } = judged(
      AGES,
      spread(500, u => 18 + 60 * u * u),
    )
    assert.equal(judgement.verdict, 'drift')
    for (const { statistic, verdict, value, threshold } of readings) {
      assert.equal(verdict, 'drift', statistic)
      assert.ok(value! >= threshold!, statistic)
    }
    const { sentence, pValue, rows, referenceRows, threshold } = one('psi')
    assert.deepEqual([rows, referenceRows, threshold], [500, 5_000, 0.25])
    assert.ok(pValue! < 1e-12)
    assert.match(
      sentence,
      /^age has drifted: its PSI of 0\.\d+ reaches 0\.25, and chance does not explain it \(p < 1e-12; /,
    )
    assert.match(sentence, /mostly 18\S* to under 2\S*: 10 % of the reference, 3\d % now$/)
    assert.equal(one('wasserstein').pValue, undefined)
    assert.ok(Math.abs(one('js2').value! * Math.LN2 - one('js').value!) < 1e-12)
    assert.equal(one('js').verdict, 'drift')
  })

  test('is judged by size and by chance: neither a large difference of few nor a small one of many counts', () => {
    const few = judged(
      AGES,
      spread(120, u => 18 + 60 * u ** 1.25),
    ).one('ks')
    assert.equal(few.verdict, 'ok')
    assert.ok(few.value! > few.threshold!)
    assert.match(
      few.sentence,
      /^age may differ by chance alone: .* reaches 0\.05, but its p-value is not below 5\.0e-7 \(p = 0\.\d+; /,
    )
    const many = judged(
      profileNumbers('age', spread(1_000_000)),
      spread(1_000_000, u => u ** 1.05),
    ).one('ks')
    assert.equal(many.verdict, 'ok')
    assert.ok(many.pValue! < 1e-12)
    assert.match(many.sentence, /is below 0\.05/)
  })

  test('of too few predictions, or none, is not judged', () => {
    for (const count of [0, 1, 99]) {
      const { judgement, one } = judged(AGES, spread(count))
      assert.equal(judgement.verdict, 'too few', String(count))
      assert.equal(judgement.cause, undefined)
      assert.equal(one('psi').sentence, `age cannot be judged yet: ${count} predictions, wanted 100`)
    }
  })
})

/** Codes of 100,000 categories, the first ones more often, as if by chance. */
function scattered(count: number, start: number): Float64Array {
  const u = (at: number): number => (Math.imul((at + start) ^ ((at + start) >>> 7), 0x9e3779b1) >>> 0) / 2 ** 32
  return Float64Array.from({ length: count }, (_, at) => Math.floor(100_000 * u(at) ** 2))
}

describe('a column', () => {
  test('that is constant drifts when it moves, and has no distance', () => {
    const constant = profileNumbers('flag', new Float64Array(3_000).fill(7))
    assert.equal(judged(constant, new Float64Array(500).fill(7)).judgement.verdict, 'ok')
    const { judgement, readings } = judged(constant, new Float64Array(500).fill(8))
    assert.equal(judgement.verdict, 'drift')
    assert.ok(!readings.some(({ statistic }) => statistic === 'wasserstein'))
    assert.match(readings[0]!.sentence, /mostly above 7: 0 % of the reference, 100 % now$/)
  })

  test('that was always missing, or is now, is judged by that', () => {
    const none = profileNumbers('income', new Float64Array(3_000).fill(Number.NaN))
    assert.equal(judged(none, new Float64Array(500).fill(Number.NaN)).judgement.verdict, 'ok')
    const found = judged(none, spread(500))
    assert.equal(found.judgement.verdict, 'drift')
    assert.match(found.one('ks').sentence, /cannot be judged: the reference has no values of it/)
    const lost = judged(AGES, new Float64Array(500).fill(Number.NaN))
    assert.equal(lost.one('psi').verdict, 'drift')
    assert.match(lost.one('psi').sentence, /mostly missing: 0 % of the reference, 100 % now$/)
    assert.equal(lost.one('ks').verdict, 'too few')
    assert.match(lost.one('ks').sentence, /0 predictions and 500 without a value, wanted 100/)
  })

  test('of 100,000 categories is judged by the frequent ones and by what is unknown, at once', () => {
    const many = Array.from({ length: 100_000 }, (_, at) => `category ${at}`)
    const codes = scattered(400_000, 0)
    const profile = profileCategories('merchant', many, codes, 0)
    const startedMs = performance.now()
    const same = judged(
      profile,
      spread(500, u => Math.floor(100_000 * u * u)),
    )
    assert.ok(performance.now() - startedMs < 2_000)
    assert.equal(same.judgement.verdict, 'ok')
    assert.ok(same.one('psi').value! < 0.1)
    const other = judged(profile, [...scattered(300, 1e6), ...new Array<number>(200).fill(1e9)])
    assert.equal(other.judgement.verdict, 'drift')
    assert.match(other.one('psi').sentence, /mostly unknown categories: 0 % of the reference, 40 % now$/)
    assert.equal(other.one('ks'), undefined)
  })

  test('of a reference of 20 rows says nothing of values that such a sample could have missed, but of a new world', () => {
    const small = profileNumbers(
      'age',
      spread(20, u => 18 + 60 * u),
    )
    const beyond = judged(
      small,
      spread(500, u => 14 + 68 * u),
    )
    assert.equal(beyond.judgement.verdict, 'ok')
    assert.equal(
      judged(
        small,
        spread(500, u => 200 + u),
      ).judgement.verdict,
      'drift',
    )
  })

  test('that is sensitive is not watched, and says why', () => {
    const profile = profileNumbers('income', spread(3_000))
    const compared = comparison(profileOf([AGES, profile]), signatureOf(['age', 'income'], ['income']), SETTINGS)
    const judgement = judgeWindow(compared, windowOf([{ profile: AGES, values: spread(500, u => 18 + 60 * u) }]))
    assert.equal(judgement.verdict, 'ok')
    const reading = readingsOf(compared, judgement).at(-1)!
    assert.deepEqual([reading.feature, reading.verdict, reading.statistic], ['income', 'not watched', undefined])
    assert.match(reading.sentence, /^income is not watched: it is sensitive/)
    assert.equal(compared.level, SETTINGS.alpha / 2)
  })
})

test('of several columns the worst decides, and of these the one farthest beyond its threshold', () => {
  const outputs = [profileNumbers('age', spread(5_000))]
  const compared = comparison(profileOf([AGES], outputs), signatureOf(['age']), SETTINGS)
  const judgement = judgeWindow(
    compared,
    windowOf([
      { profile: AGES, values: spread(500, u => 18 + 60 * u ** 1.9) },
      { profile: outputs[0]!, kind: 'output', values: spread(500, u => u ** 9) },
    ]),
  )
  const cause = causeReading(compared, judgement)!
  assert.deepEqual([cause.feature, cause.kind, cause.verdict], ['age', 'output', 'drift'])
})

test('model.yaml says which statistics decide, and from where on', () => {
  const lenient = driftSettings(
    { window: 500, minimum: 100, alpha: 1e-6, psiWarning: 0.1, psi: 0.25, ks: 0.05 },
    { decide: ['psi'], psi: { warning: 5, drift: 9 }, minimum: 900, window: 300, alpha: 0.01 },
  )
  assert.deepEqual([lenient.window, lenient.minimum, lenient.alpha], [300, 300, 0.01])
  assert.deepEqual(lenient.thresholds.ks, { drift: 0.05 })
  const { judgement, one } = judged(
    AGES,
    spread(500, u => 18 + 60 * u * u),
    lenient,
  )
  assert.equal(judgement.verdict, 'ok')
  assert.deepEqual([one('ks').verdict, one('ks').decides, one('psi').decides], ['drift', false, true])
  const strict = driftSettings({ window: 500, minimum: 100, alpha: 1e-6, psiWarning: 0.3, psi: 0.25, ks: 0.05 })
  assert.deepEqual(strict.thresholds.psi, { drift: 0.25 })
})

test('unchanged traffic raises an alarm in at most the share of judgements that alpha says', () => {
  const random = seededRandom(7)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const draws = [
    normal,
    () => Math.exp(normal()),
    () => (random() < 0.4 ? 0 : normal()),
    () => (random() < 0.1 ? 1 : 0),
  ]
  const sample = (draw: () => number, length: number) => Float64Array.from({ length }, draw)
  const settings = driftSettings({ ...DEFAULTS, alpha: 0.1 })
  let alarms = 0
  for (let round = 0; round < 300; round++) {
    const profiles = draws.map((draw, at) => profileNumbers(`c${at}`, sample(draw, 2_000)))
    const compared = comparison(profileOf(profiles), signatureOf(profiles.map(({ name }) => name)), settings)
    const window = windowOf(profiles.map((profile, at) => ({ profile, values: sample(draws[at]!, 500) })))
    if (judgeWindow(compared, window).verdict !== 'ok') alarms++
  }
  assert.ok(alarms > 0 && alarms <= 30, `${alarms} of 300`)
})

test('any two samples give finite numbers, and verdicts that follow from them', () => {
  const sample = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double(), fc.constant(Number.NaN)), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(sample, sample, (reference, values) => {
      const { judgement, readings } = judged(profileNumbers('x', Float64Array.from(reference)), values)
      for (const { value, verdict, threshold, pValue, sentence } of readings) {
        assert.ok(value === undefined || (Number.isFinite(value) && value >= 0))
        assert.ok(pValue === undefined || (pValue >= 0 && pValue <= 1))
        if (verdict === 'drift' || verdict === 'warning') assert.ok(value! >= threshold!)
        assert.doesNotMatch(sentence, /NaN|undefined|Infinity/)
      }
      if (values.length < 100) assert.equal(judgement.verdict, 'too few')
    }),
  )
})
