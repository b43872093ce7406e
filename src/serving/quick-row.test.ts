import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { quickRow } from './quick-row.ts'

const NAMES = ['a', 'b "c"', '__proto__']

/** What the reader took, or `undefined` where it left the text alone. */
function taken(text: string): unknown[] | undefined {
  const row: unknown[] = []
  const read = quickRow(NAMES, (input, value) => {
    row[input] = value
    return true
  })
  return read(Buffer.from(text), new Float64Array(3), 0) ? row : undefined
}

function written(values: readonly string[], space = ''): string {
  const members = NAMES.map((name, at) => `${space}${JSON.stringify(name)}${space}:${space}${values[at]}${space}`)
  return `${space}{${members.join(',')}}${space}`
}

const scalar = fc.oneof(
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1e9, max: 1e9 }).map(cents => cents / 100),
  fc.string({ unit: 'binary' }),
)

describe('quickRow()', () => {
  it('reads plain rows, with any white space', () => {
    assert.deepEqual(taken(written(['42', 'true', 'null'])), [42, true, null])
    assert.deepEqual(taken(written(['-0.5', '"Ünited"', 'false'], ' \n\t\r')), [-0.5, 'Ünited', false])
    assert.ok(Object.is(taken(written(['-0', '0', '0.0']))![0], -0))
  })

  it('reads what JSON.parse reads, or nothing', () => {
    fc.assert(
      fc.property(fc.tuple(scalar, scalar, scalar), fc.constantFrom('', ' ', '\n  '), (values, space) => {
        const text = written(
          values.map(value => JSON.stringify(value)),
          space,
        )
        const row = taken(text)
        if (row === undefined) return
        const parsed = JSON.parse(text) as Record<string, unknown>
        for (const [at, name] of NAMES.entries())
          assert.ok(Object.is(row[at], Object.entries(parsed).find(([key]) => key === name)![1]))
      }),
      { numRuns: 2000 },
    )
  })

  it('reads every number of up to fifteen digits exactly', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,7})(\.\d{1,7})?$/)
    fc.assert(
      fc.property(digits, number => {
        assert.ok(Object.is(taken(written([number, '1', '1']))![0], JSON.parse(number)), number)
      }),
      { numRuns: 5000 },
    )
  })

  it('leaves alone what is no JSON, whatever is broken', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"a"',
      ':',
      '1',
      ',',
      '"b \\"c\\""',
      '"__proto__"',
      ' ',
      '-',
      '.',
      '0',
      'true',
      '"',
      '\\',
      'e',
    )
    const good = ['{', '"a"', ':', '1', ',', '"b \\"c\\""', ':', '2', ',', '"__proto__"', ':', '3', '}']
    const broken = fc.tuple(fc.nat(good.length - 1), fc.array(piece, { maxLength: 3 }), fc.nat(2))
    fc.assert(
      fc.property(broken, ([at, pieces, removed]) => {
        const text = good.toSpliced(at, removed, ...pieces).join('')
        const row = taken(text)
        if (row === undefined) return
        const parsed = JSON.parse(text) as Record<string, unknown>
        assert.deepEqual(
          Object.entries(parsed),
          NAMES.map((name, index) => [name, row[index]]),
        )
      }),
      { numRuns: 5000 },
    )
  })

  it('leaves alone another order, other members, and values that want care', () => {
    const other = [
      '{}',
      '{"a":1}',
      '{"b \\"c\\"":1,"a":1,"__proto__":1}',
      written(['1', '2', '3']).replace('}', ',"d":1}'),
      `[${written(['1', '2', '3'])}]`,
      `${written(['1', '2', '3'])} x`,
      `${written(['1', '2', '3'])}\0`,
      `${written(['1', '2', '3'])}\0x`,
      written(['1', '2', '"a\0b"']),
      '',
    ]
    for (const value of [
      '1e5',
      '1E5',
      '01',
      '1.',
      '.5',
      '-',
      '+1',
      '1234567890123456',
      '"\\u0041"',
      '"\t"',
      '{}',
      '[]',
      'NaN',
      'tru',
      '',
    ]) {
      other.push(written([value, '1', '1']))
    }
    for (const text of other) assert.equal(taken(text), undefined, text)
  })
})
