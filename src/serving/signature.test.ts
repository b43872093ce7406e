import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type FieldProblem, Problem } from '../errors.ts'
import { canonical } from '../ledger/canonical.ts'
import type { Scalar } from '../ledger/record.ts'
import type { Feature, FeatureType } from '../registry/signature.ts'
import { type CompiledSignature, compileSignature } from './signature.ts'

const feature = (name: string, type: FeatureType, more: Partial<Feature> = {}): Feature => ({
  name,
  type,
  nullable: false,
  sensitive: false,
  protected: false,
  ...more,
})

const INPUTS: readonly Feature[] = [
  feature('age', 'integer', { minimum: 18, maximum: 100 }),
  feature('balance', 'number', { nullable: true }),
  feature('active', 'boolean'),
  feature('country', 'string', { categories: ['France', 'Spain', 'Ünited "K"'], nullable: true }),
  feature('score', 'numeric', { maximum: 5 }),
  feature('__proto__', 'number', { sensitive: true, nullable: true, minimum: 0 }),
  feature('Zone', 'string', { sensitive: true, categories: ['a', 'b'] }),
]
const NAMES = INPUTS.map(({ name }) => name)
const REVERSED = { features: NAMES.toReversed(), named: true, outputCount: 1 }

const compiled: CompiledSignature = compileSignature({ inputs: INPUTS, outputs: [] }, REVERSED)
const ROW = '{"age":36,"balance":null,"active":true,"country":"Spain","score":false,"__proto__":7,"Zone":"b"}'

function faultsOf(body: unknown, rowsMax = 100): readonly FieldProblem[] {
  return problemOf(body, rowsMax).fields
}

function problemOf(body: unknown, rowsMax = 100): Problem {
  try {
    compiled.read(body, rowsMax)
  } catch (error) {
    assert.ok(error instanceof Problem, String(error))
    return error
  }
  return assert.fail(`was taken: ${JSON.stringify(body)}`)
}

const withField = (name: string, value: unknown): unknown => ({ ...JSON.parse(ROW), [name]: value })

describe('compileSignature()', () => {
  it('puts each feature into the column of the artifact', () => {
    const { values, count, single } = compiled.read(JSON.parse(ROW), 1)
    assert.deepEqual([...values], [1, 7, 0, 1, 1, Number.NaN, 36])
    assert.deepEqual({ count, single }, { count: 1, single: true })
  })

  it('takes the features in any order, with any whole spelling of an integer', () => {
    const shuffled = '{"Zone":"b","score":0,"country":"Spain","age":36.0,"active":1,"__proto__":7,"balance":null}'
    assert.deepEqual([...compiled.read(JSON.parse(shuffled), 1).values], [1, 7, 0, 1, 1, Number.NaN, 36])
  })

  it('maps by position where the artifact has no names', () => {
    const unnamed = compileSignature(
      { inputs: INPUTS, outputs: [] },
      { features: NAMES.map((_, i) => `f${i}`), named: false, outputCount: 1 },
    )
    assert.deepEqual([...unnamed.read(JSON.parse(ROW), 1).values], [36, Number.NaN, 1, 1, 0, 7, 1])
  })

  it('writes what a row holds as canonical JSON, sensitive features apart', () => {
    const { values } = compiled.read(JSON.parse(ROW), 1)
    assert.equal(compiled.writeFeatures(values, 0), '{"active":true,"age":36,"country":"Spain","score":0}')
    assert.equal(compiled.writeSensitive(values, 0), '{"Zone":"b","__proto__":7}')
  })

  it('names every wrong field of a row at once', () => {
    assert.deepEqual(
      faultsOf(JSON.parse('{"Age":36,"balance":"12","active":2,"country":"Peru","score":[],"__proto__":-1,"nope":1}')),
      [
        { field: 'age', problem: 'is missing, an integer from 18 to 100 was wanted' },
        { field: 'balance', problem: 'is the text "12", a number or null was wanted' },
        { field: 'active', problem: 'is 2, true, false, 0 or 1 was wanted' },
        {
          field: 'country',
          problem: 'is the unknown category "Peru", one of "France", "Spain", "Ünited \\"K\\"" or null was wanted',
        },
        { field: 'score', problem: 'is an array, a number or a boolean of at most 5 was wanted' },
        { field: '__proto__', problem: 'is out of range, a number of at least 0 or null was wanted' },
        { field: 'Zone', problem: 'is missing, one of "a", "b" was wanted' },
        { field: 'Age', problem: 'is not a feature of this model, did you mean age' },
        { field: 'nope', problem: 'is not a feature of this model' },
      ],
    )
    assert.match(problemOf(withField('age', 'x')).message, /^Cannot read the features: age is the text "x", an integer/)
  })

  it('tells what came and what was wanted, value by value', () => {
    const said: readonly (readonly [name: string, value: unknown, problem: RegExp])[] = [
      ['age', 17, /^is 17, an integer from 18 to 100 was wanted$/],
      ['age', 36.5, /^is 36.5, an integer/],
      ['age', null, /^is null, an integer/],
      ['age', true, /^is true, an integer/],
      ['age', Infinity, /^is not a finite number, an integer/],
      ['age', { a: 1 }, /^is an object, an integer/],
      ['balance', 1e300, /^is 1e\+300, a number within ±3.4e38 was wanted/],
      ['balance', 'x'.repeat(1e6), /^is the text "x{40}…", a number or null was wanted$/],
      ['active', 'true', /^is the text "true", true, false, 0 or 1 was wanted$/],
      ['active', null, /^is null, true/],
      ['country', 3, /^is the number 3, one of "France"/],
      ['score', 6, /^is 6, a number or a boolean of at most 5 was wanted$/],
      ['__proto__', 'secret', /^is a text, a number of at least 0 or null was wanted$/],
      ['__proto__', true, /^is a boolean, a number/],
      ['Zone', 'secret', /^is a text that is none of the categories, one of "a", "b" was wanted$/],
      ['Zone', 4, /^is a number, one of/],
    ]
    for (const [name, value, problem] of said) {
      const row = JSON.parse(ROW) as object
      Object.defineProperty(row, name, { value, enumerable: true })
      const fields = faultsOf(row)
      assert.deepEqual(
        fields.map(({ field }) => field),
        [name],
      )
      assert.match(fields[0]!.problem, problem)
    }
  })

  it('refuses an integer that a double cannot hold exactly', () => {
    const plain = compileSignature(
      { inputs: [feature('id', 'integer')], outputs: [] },
      { features: ['id'], named: true, outputCount: 1 },
    )
    assert.doesNotThrow(() => plain.read({ id: 2 ** 53 - 1 }, 1))
    assert.throws(() => plain.read(JSON.parse('{"id":12345678901234567890}'), 1), /beyond 2\^53, an integer was wanted/)
  })

  it('refuses a body that is no row and no batch', () => {
    for (const [body, message] of [
      ['x', 'the body is a text, an object of features was wanted'],
      [7, 'the body is a number, an object of features was wanted'],
      [null, 'the body is null, an object of features was wanted'],
      [[], 'the batch is empty, at least one row was wanted'],
    ] as const) {
      const problem = problemOf(body)
      assert.equal(problem.code, 'invalid')
      assert.equal(problem.message, `Cannot read the features: ${message}`)
    }
  })

  it('reads a batch row by row and names the rows', () => {
    const row = JSON.parse(ROW) as object
    const { values, count, single } = compiled.read([row, { ...row, age: 40 }], 2)
    assert.deepEqual([values[6], values[13], count, single], [36, 40, 2, false])
    assert.equal(compiled.writeFeatures(values, 7), '{"active":true,"age":40,"country":"Spain","score":0}')
    assert.deepEqual(
      faultsOf([row, { ...row, age: 1 }, 7]).map(({ field }) => field),
      ['[1].age', '[2]'],
    )
    assert.equal(problemOf([row, row, row], 2).code, 'too_large')
  })

  it('names at most a hundred fields and says that there may be more', () => {
    const problem = problemOf(Array.from({ length: 50 }, () => ({})))
    assert.equal(problem.fields.length, 100)
    assert.match(problem.message, /; and 97 or more other fields$/)
  })

  it('refuses a signature that is not the artifact\u2019s', () => {
    const inputs = [feature('a', 'number')]
    for (const [features, message] of [
      [['b'], /do not agree: "a"$/],
      [['a', 'b'], /do not agree: "b"$/],
    ] as const) {
      assert.throws(() => compileSignature({ inputs, outputs: [] }, { features, named: true, outputCount: 1 }), message)
    }
    const text = [feature('t', 'string')]
    assert.throws(
      () => compileSignature({ inputs: text, outputs: [] }, { features: ['t'], named: true, outputCount: 1 }),
      /no list of categories/,
    )
  })
})

const right: Readonly<Record<FeatureType, (f: Feature) => fc.Arbitrary<Scalar>>> = {
  number: ({ minimum = -1e38, maximum = 1e38 }) => fc.double({ min: minimum, max: maximum, noNaN: true }),
  integer: ({ minimum = -1e9, maximum = 1e9 }) => fc.integer({ min: minimum, max: maximum }),
  boolean: () => fc.constantFrom<Scalar>(true, false, 0, 1),
  numeric: ({ maximum = 9 }) =>
    fc.oneof<fc.Arbitrary<Scalar>[]>(fc.boolean(), fc.double({ min: -9, max: maximum, noNaN: true })),
  string: ({ categories = [] }) => fc.constantFrom(...categories),
}
const rightValue = (f: Feature): fc.Arbitrary<Scalar | null> =>
  f.nullable ? fc.option(right[f.type](f)) : right[f.type](f)

/** What the record says of a value. */
function served(f: Feature, value: Scalar): Scalar {
  if (f.type === 'boolean') return value === true || value === 1
  return typeof value === 'boolean' ? Number(value) : value
}

function rowOf(values: readonly unknown[]): object {
  const row = {}
  for (const [at, value] of values.entries()) {
    Object.defineProperty(row, NAMES[at]!, { value, enumerable: true, configurable: true, writable: true })
  }
  return row
}

describe('rows, whatever they hold', () => {
  it('round-trip to the canonical JSON of what was served', () => {
    fc.assert(
      fc.property(fc.tuple(...INPUTS.map(rightValue)), values => {
        const rows = compiled.read(rowOf(values), 1)
        for (const sensitive of [false, true]) {
          const expected = Object.create(null) as Record<string, Scalar>
          for (const [at, f] of INPUTS.entries()) {
            const value = values[at]!
            if (f.sensitive === sensitive && value !== null) expected[f.name] = served(f, value)
          }
          const text = sensitive
            ? (compiled.writeSensitive(rows.values, 0) ?? '{}')
            : compiled.writeFeatures(rows.values, 0)
          assert.equal(text, canonical(expected))
        }
      }),
    )
  })

  it('are refused exactly where the slow reader finds a fault', () => {
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom(0, 1, 1e300, Infinity, 2 ** 60, '', 'a', 'Spain'),
    )
    const values = fc.tuple(...INPUTS.map(f => fc.oneof({ weight: 4, arbitrary: rightValue(f) }, anything)))
    fc.assert(
      fc.property(values, fc.subarray(NAMES, { minLength: 5 }), fc.boolean(), (all, kept, extra) => {
        const whole = rowOf(all) as Record<string, unknown>
        const row = {} as Record<string, unknown>
        for (const name of kept) {
          Object.defineProperty(row, name, { value: whole[name], enumerable: true, configurable: true })
        }
        if (extra) row['extra'] = 1
        const { fields } = compiled.faults(row, '', 100)
        if (fields.length === 0) compiled.read(row, 1)
        else assert.deepEqual(faultsOf(row), fields)
      }),
      { numRuns: 2000 },
    )
  })
})
