import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { DEPTH_MAX, readJson } from './json.ts'

function problemOf(text: string, infinities?: 'refuse' | 'leave'): Problem {
  try {
    readJson(text, infinities)
  } catch (error) {
    assert.ok(error instanceof Problem, String(error))
    return error
  }
  return assert.fail(`was taken: ${text}`)
}

describe('readJson()', () => {
  it('reads what JSON.parse wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), value => {
        const text = JSON.stringify(value)
        assert.deepEqual(readJson(text), JSON.parse(text))
      }),
    )
  })

  it('reads colons, braces and quotes inside strings as characters', () => {
    for (const text of ['{"a:b":":{}[]"}', '{"a\\"b":"\\\\"}', '["\\"",{"\\u003a":1}]', '"a:b"', '{"":{"":[]}}']) {
      assert.deepEqual(readJson(text), JSON.parse(text), text)
    }
  })

  it('agrees with JSON.parse about what is JSON, whatever is broken', () => {
    const piece = fc.constantFrom(
      ...'{}[],:"\\0123456789.eE+-truefalsn \n\tuNaI\u00e9\u{1f600}',
      '"a":1',
      '"b":[',
      '1e5',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const text = pieces.join('')
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        if (isJson) return
        const problem = problemOf(text)
        assert.equal(problem.code, 'malformed')
        assert.notEqual(problem.message, 'Cannot read the body: it is not JSON', 'the slow reader found nothing wrong')
      }),
      { numRuns: 3000 },
    )
  })

  it('names each name that is given twice, however it is spelled', () => {
    const problem = problemOf('[{"age":1,"age":2},{"a":{"b":1,"\\u0062":2},"c":1}]')
    assert.equal(problem.code, 'malformed')
    assert.deepEqual(problem.fields, [
      { field: '[0].age', problem: 'is given more than once' },
      { field: '[1].a.b', problem: 'is given more than once' },
    ])
    assert.equal(problem.message, 'Cannot read the body: [0].age is given more than once, and 1 more')
  })

  it('names numbers beyond the doubles, or leaves them', () => {
    const text = '{"a":1e999,"b":[-1e400],"c":1e308}'
    const problem = problemOf(text)
    assert.equal(problem.code, 'invalid')
    assert.deepEqual(
      problem.fields.map(({ field }) => field),
      ['a', 'b[0]'],
    )
    assert.deepEqual(readJson(text, 'leave'), { a: Infinity, b: [-Infinity], c: 1e308 })
  })

  it('refuses half of a surrogate pair in names and values', () => {
    for (const [text, field] of [
      ['{"a":"\\ud800"}', 'a'],
      ['{"a":"\\udc00x"}', 'a'],
      ['["\ud800"]', '[0]'],
    ] as const) {
      const problem = problemOf(text, 'leave')
      assert.equal(problem.code, 'malformed')
      assert.deepEqual(problem.fields, [{ field, problem: 'has a value with half of a surrogate pair' }])
    }
    assert.match(problemOf('{"\\ud800":1}').message, /name with half of a surrogate pair/)
    assert.equal(readJson('"\\ud83d\\ude00"'), '\u{1f600}')
  })

  it('says what was found and where, without a value', () => {
    const said: readonly (readonly [text: string, message: string, field?: string])[] = [
      ['', 'it is empty, JSON was wanted'],
      [' \n', 'it is empty, JSON was wanted'],
      ['{"age":NaN}', 'NaN is not JSON: send null for a missing value, at line 1, column 8', 'age'],
      [
        '{"a":[1,-Infinity]}',
        '-Infinity is not a JSON number, and a model takes finite numbers only, at line 1, column 9',
        'a[1]',
      ],
      ['{\n  "a": True}', 'True is not JSON: write true, at line 2, column 8', 'a'],
      ["{'a':1}", 'found \', a name in " was wanted, at line 1, column 2'],
      ['{"a":1,}', 'found }, a name in " was wanted, at line 1, column 8'],
      ['{"a":1', 'the text ends, a comma or } was wanted, at line 1, column 7'],
      ['{"a" 1}', 'found 1 after a name, a colon was wanted, at line 1, column 6', 'a'],
      ['{"ssn":123-45}', 'a number that is not written as JSON wants it, at line 1, column 8', 'ssn'],
      ['{"a":01}', 'a number that is not written as JSON wants it, at line 1, column 6', 'a'],
      ['{"a":"x', 'the text ends within a string, at line 1, column 8', 'a'],
      ['{"a":"\t"}', 'a control character in a string, written \\u0009 in JSON, at line 1, column 7', 'a'],
      ['{"a":"\\x"}', 'a \\ that starts none of the escapes of JSON, at line 1, column 7', 'a'],
      ['\ufeff{}', 'U+FEFF is a byte order mark, which JSON does not have, at line 1, column 1'],
      ['{} x', 'found x comes after the end of the value, at line 1, column 4'],
    ]
    for (const [text, message, field] of said) {
      const problem = problemOf(text)
      assert.equal(problem.message, `Cannot read the body: ${message}`)
      assert.deepEqual(
        problem.fields.map(each => each.field),
        field === undefined ? [] : [field],
        text,
      )
    }
  })

  it('refuses depth before it builds anything', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    assert.doesNotThrow(() => readJson(nested(DEPTH_MAX)))
    assert.match(problemOf(nested(DEPTH_MAX + 1)).message, /nested more than 32 deep at character 33/)
    assert.match(problemOf('['.repeat(4_000_000)).message, /nested more than 32 deep/)
    assert.match(problemOf('{"a":'.repeat(40)).message, /nested more than 32 deep/)
  })

  it('takes __proto__ and constructor for names like any other', () => {
    const value = readJson('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as object
    assert.deepEqual(Object.keys(value), ['__proto__', 'constructor'])
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    assert.deepEqual(problemOf('{"__proto__":1,"__proto__":2}').fields[0]?.field, '__proto__')
  })

  it('names at most a hundred faults, and shortens long names', () => {
    const problem = problemOf(`{${'"a":1,'.repeat(500)}"b":1}`)
    assert.equal(problem.fields.length, 100)
    const long = problemOf(`{"${'x'.repeat(5000)}":1e999}`)
    assert.equal(long.fields[0]?.field, `${'x'.repeat(64)}…`)
  })
})
