import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { JsonReader } from './json-bytes.ts'

const encoder = new TextEncoder()

function reader(text: string): JsonReader {
  return new JsonReader(encoder.encode(text), 'the text')
}

/** The whole value, by the reader's own methods. */
function anyValue(json: JsonReader): unknown {
  switch (json.kind()) {
    case 'object': {
      const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>
      json.object(key => {
        object[key] = anyValue(json)
      })
      return object
    }
    case 'array': {
      const array: unknown[] = []
      json.array(() => array.push(anyValue(json)))
      return array
    }
    case 'string':
      return json.string()
    case 'number':
      return json.number()
    default: {
      const kind = json.kind()
      json.skip()
      return kind === 'null' ? null : kind === 'true'
    }
  }
}

function readAll(text: string): unknown {
  const json = reader(text)
  const value = anyValue(json)
  json.end()
  return value
}

describe('JsonReader', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 3 }), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent)
        assert.equal(JSON.stringify(readAll(spaced)), JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  test('reads every double exactly', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), number => {
        for (const text of [String(number), number.toExponential(), number.toPrecision(17), number.toFixed(3)]) {
          assert.ok(Object.is(reader(text).number(), Number(text)), text)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('reads every float32 as XGBoost writes it', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), number => {
        const shortest = shortestFloat32(number).replace('e', 'E')
        assert.ok(Object.is(Math.fround(reader(shortest).number()), number), shortest)
      }),
    )
  })

  test('reads arrays of numbers, literals and booleans included', () => {
    assert.deepEqual(
      [...reader('[1, -2.5E-1,NaN,Infinity,-Infinity,true,false,-0]').numbers()],
      [1, -0.25, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 0, -0],
    )
    assert.equal(reader('[]').numbers().length, 0)
    const many = Array.from({ length: 5000 }, (_, index) => index / 7)
    assert.deepEqual([...reader(JSON.stringify(many)).numbers()], many)
  })

  test('skips any value', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        const json = reader(`[${text},7]`)
        json.array(index => {
          if (index === 0) json.skip()
          else assert.equal(json.number(), 7)
        })
        json.end()
      }),
    )
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /found the end at byte 0, wanted a value/],
    ['{"a":1', /found the end at byte 6, wanted a comma or }/],
    ['{"a" 1}', /wanted a colon/],
    ['{"a":1,"a":2}', /the key "a" comes twice/],
    ['{a:1}', /found 'a' at byte 1, wanted a key/],
    ['[1 2]', /wanted a comma or \]/],
    ['[1,]', /found '\]' at byte 3/],
    ['01', /wanted a number/],
    ['1.', /wanted a digit after the point/],
    ['1e', /wanted a digit of the exponent/],
    ['-', /wanted a number/],
    ['+1', /wanted a value/],
    ['nul', /wanted null/],
    ['1 2', /wanted the end/],
    ['"abc', /wanted the end of a string/],
    ['"a\nb"', /control characters/],
    ['"\\x"', /wrong escape/],
    ['['.repeat(100), /nested more than 64 deep/],
    [`{"a":${'['.repeat(100)}`, /nested more than 64 deep/],
  ]
  for (const [text, message] of wrong) {
    test(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(
        () => readAll(text),
        (error: unknown) => error instanceof Problem && error.code === 'invalid' && message.test(error.message),
      )
    })
  }

  test('refuses an array that would fill the memory', () => {
    const bytes = new Uint8Array(2 * (2 ** 24 + 1) + 1).fill(0x31)
    for (let at = 2; at < bytes.length; at += 2) bytes[at] = 0x2c
    bytes[0] = 0x5b
    assert.throws(() => new JsonReader(bytes, 'the text').numbers(), /an array has more than 16777216 numbers/)
  })

  test('refuses bytes that are not UTF-8', () => {
    const bytes = Uint8Array.of(0x22, 0xc3, 0x28, 0x22)
    assert.throws(() => new JsonReader(bytes, 'the text').string(), /not valid UTF-8/)
  })
})

function shortestFloat32(number: number): string {
  for (let digits = 1; digits < 10; digits++) {
    const text = number.toExponential(digits - 1)
    if (Math.fround(Number(text)) === number) return Object.is(number, -0) ? '-0E0' : text
  }
  return number.toExponential()
}
