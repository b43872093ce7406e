/** Records as they could come, for property tests: likely ones, odd ones, and ones of programs not yet written. */
import fc from 'fast-check'
import { uuid7 } from '../platform/ids.ts'
import { canonical } from './canonical.ts'
import { RECORD_KINDS } from './record.ts'

/** Numbers at the edges of what a double can tell apart. */
// biome-ignore format: a list reads better in few lines
export const NUMBERS: readonly number[] = [
  0, -0, 1, -1, 0.1, 5e-324, -5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, -Number.MAX_VALUE, 1e21, 1e-7, 123e-20,
  Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 2 ** 64, 333333333.3333333, 1 / 3,
]

/** Any text that has a canonical form: also NUL, quotes, line separators, astral characters, and long ones. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }).filter(text => text.isWellFormed()),
  fc.constantFrom(
    '',
    '\0',
    'a\0b',
    '"',
    '\\',
    '\u2028',
    '\uffff',
    '\u{1f600}',
    'e\u0301',
    'NULL',
    'null',
    'x'.repeat(5000),
  ),
)

export const numbers: fc.Arbitrary<number> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(...NUMBERS),
)

export const scalars: fc.Arbitrary<string | number | boolean> = fc.oneof(numbers, fc.boolean(), texts)

const names = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('age', 'Age', 'AGE', 'tenure', 'has card', 'größe', 'a.b', 'at', 'id') },
  { weight: 1, arbitrary: texts },
  { weight: 1, arbitrary: fc.constantFrom('', '__proto__', 'constructor', 'toString', '"', "'", '_', '__', 'AGE_2') },
)

const values: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(names, scalars, {
  maxKeys: 8,
  noNullPrototype: true,
})
const ids = fc.nat(2 ** 41).map(at => uuid7({ now: () => at }).next())
const times = fc.oneof(fc.nat(2 ** 41), fc.constantFrom(0, 1_763_800_000_000, 8.64e15))

const common = { id: ids, at: times, actor: texts }
const commonMaybe = { source: texts }

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>

function record(must: Fields, may: Fields): fc.Arbitrary<Record<string, unknown>> {
  const fields: Fields = { ...common, ...must, ...commonMaybe, ...may }
  const requiredKeys = [...Object.keys(common), ...Object.keys(must)]
  return fc.record(fields as Record<string, fc.Arbitrary<unknown>>, { requiredKeys, noNullPrototype: true })
}

const model = fc.constantFrom('churn', 'credit risk', 'Preis/Größe', '..', 'CHURN')
const version = fc.constantFrom('1.0.0', '1.1.0', '2.0.0-rc.1+build/5')

const someNumbers = fc.dictionary(names, numbers, { minKeys: 1, maxKeys: 4, noNullPrototype: true })
const explanation = fc.record(
  {
    bias: fc.oneof(numbers, someNumbers),
    contributions: fc.oneof(
      someNumbers,
      fc.dictionary(names, someNumbers, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
      fc.constant({}),
    ),
    method: texts,
    sealed: texts,
  },
  { requiredKeys: ['bias'], noNullPrototype: true },
)

const prediction = record(
  {
    kind: fc.constant('prediction'),
    door: texts,
    model,
    version,
    requestId: texts,
    features: values,
    outputs: values,
    latencyMs: numbers,
  },
  {
    release: texts,
    arm: texts,
    traceId: texts,
    subject: texts,
    unit: texts,
    purpose: texts,
    sealed: texts,
    explanation,
  },
)
const refusal = record(
  {
    kind: fc.constant('refusal'),
    door: texts,
    code: texts,
    status: fc.integer({ min: 100, max: 599 }),
    requestId: texts,
    count: fc.nat(),
  },
  { model, version, traceId: texts, fields: fc.array(texts, { maxLength: 3 }) },
)
const outcome = record(
  { kind: fc.constant('outcome'), value: scalars },
  {
    model,
    predictionId: fc.oneof(ids, texts),
    subject: texts,
    happenedAt: times,
    amount: fc.record({ amount: numbers, currency: fc.constantFrom('EUR', 'USD') }, { noNullPrototype: true }),
  },
)
const change = record(
  { kind: fc.constant('change'), action: texts, target: texts },
  { model, version, detail: fc.jsonValue().filter(value => JSON.stringify(value).isWellFormed()) },
)

/** Any record of the four kinds. */
export const records: fc.Arbitrary<Record<string, unknown>> = fc
  .oneof(prediction, refusal, outcome, change)
  .filter(made => hasCanonicalForm(made))

/** A record with members of the wrong type, without some, or with some that this program does not know. */
export const strangeRecords: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    records,
    fc.dictionary(
      fc.oneof(
        names,
        fc.constantFrom(
          'kind',
          'model',
          'features',
          'outputs',
          'amount',
          'value',
          'rest',
          'position',
          'at',
          'explanation',
        ),
      ),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom({}, [], null, { amount: 1 }, { amount: 1, more: 2 }, { a: { b: { c: 1 } } }, ...RECORD_KINDS),
      ),
      { maxKeys: 4, noNullPrototype: true },
    ),
    fc.array(fc.nat(20), { maxLength: 2 }),
  )
  .map(([made, more, without]) => {
    const entries = Object.entries({ ...made, ...more }).filter((_, index) => !without.includes(index))
    return Object.fromEntries(entries)
  })
  .filter(made => hasCanonicalForm(made))

/**
 * Also leaves out names that end with a backslash: V8 13.6 (Node 24) reads the name `x"` as `x\` where it read an object
 * with a name `x\` at the same place before, so that `JSON.parse` alone does not give such records back.
 */
function hasCanonicalForm(value: unknown): boolean {
  try {
    return !canonical(value).includes('\\\\":')
  } catch {
    return false
  }
}
