import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import { canonical, quote } from './canonical.ts'

/** RFC 8785 Appendix B: the bits of a double, big-endian, and its text. */
const NUMBERS: readonly (readonly [bits: string, text: string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
]
/** The same table: bits that must be refused. */
const NO_NUMBERS: readonly string[] = ['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000']

/** Inputs and outputs of RFC 8785 §3.2.2 and §3.2.3, and of `testdata/` of its reference (cyberphone/json-canonicalization). */
const DOCUMENTS: Readonly<Record<string, readonly [input: string, output: string]>> = {
  values: [
    String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
      "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  ],
  french: [
    '{"peach":"This sorting order","p\u00e9ch\u00e9":"is wrong according to French",' +
      '"p\u00eache":"but canonicalization MUST","sin":"ignore locale"}',
    '{"peach":"This sorting order","p\u00e9ch\u00e9":"is wrong according to French",' +
      '"p\u00eache":"but canonicalization MUST","sin":"ignore locale"}',
  ],
  unicode: [String.raw`{"Unnormalized Unicode":"A\u030a"}`, '{"Unnormalized Unicode":"A\u030a"}'],
  structures: [
    String.raw`{"1":{"f":{"f":"hi","F":5},"\n":56.0},"10":{},"":"empty","a":{},"111":[{"e":"yes","E":"no"}],"A":{}}`,
    String.raw`{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}`,
  ],
  arrays: ['[56,{"d":true,"10":null,"1":[]}]', '[56,{"1":[],"10":null,"d":true}]'],
  weird: [
    String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\u000a":"Newline","1":"One","\u0080":"Control\u007f",
      "\ud83d\ude02":"Smiley","\u00f6":"Latin Small Letter O With Diaeresis",
      "\ufb33":"Hebrew Letter Dalet With Dagesh","</script>":"Browser Challenge"}`,
    String.raw`{"\n":"Newline","\r":"Carriage Return","1":"One","</script>":"Browser Challenge",` +
      '"\u0080":"Control\u007f","\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign",' +
      '"\ud83d\ude02":"Smiley","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  ],
}

function double(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE()
}

function isInvalid(error: unknown): boolean {
  return error instanceof Problem && error.code === 'invalid'
}

/** A value with the members of all its objects in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).reverse()
  return Object.fromEntries(members.map(([name, member]) => [name, turned(member)]))
}

const json = fc.jsonValue({ maxDepth: 4 })

describe('canonical', () => {
  it('writes the numbers of RFC 8785, Appendix B', () => {
    for (const [bits, text] of NUMBERS) {
      assert.equal(canonical(double(bits)), text)
      assert.equal(canonical({ b: double(bits), a: 1 }), `{"a":1,"b":${text}}`)
    }
    for (const bits of NO_NUMBERS) assert.throws(() => canonical({ a: [double(bits)] }), isInvalid)
  })

  it('writes the documents of RFC 8785 and its reference', () => {
    for (const [input, output] of Object.values(DOCUMENTS)) {
      assert.equal(canonical(JSON.parse(input)), output)
      assert.equal(canonical(JSON.parse(output)), output)
    }
  })

  it('refuses what has no form, wherever it lies', () => {
    const refused = ['\ud800', '\udc00x', Number.NaN, 1n, () => 1, Symbol('s'), new Date(0), new Map(), [undefined]]
    for (const value of refused) {
      for (const place of [value, [value], { a: value }, { b: 1, a: value }, { a: { c: 1, b: [{ d: value }] } }]) {
        assert.throws(() => canonical(place), isInvalid, String(value))
      }
    }
    assert.throws(() => canonical(undefined), isInvalid)
    assert.throws(() => canonical({ '\ud800': 1 }), isInvalid)
    assert.throws(() => quote('\ud800'), isInvalid)
  })

  it('refuses a value that is deeper than its limit instead of running out of stack', () => {
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
    assert.equal(canonical(nested(100)).length, 200)
    assert.throws(() => canonical(nested(101)), isInvalid)
    assert.throws(() => canonical(nested(5000)), isInvalid)
  })

  it('leaves out members that are undefined, and does not ask toJSON', () => {
    assert.equal(canonical({ a: undefined, b: 1, c: undefined }), '{"b":1}')
    assert.equal(canonical({ b: { a: undefined }, a: undefined }), '{"b":{}}')
    assert.throws(() => canonical({ toJSON: () => 1 }), isInvalid)
  })

  it('sorts names that an object lists as numbers, and takes __proto__ as a name', () => {
    assert.equal(canonical({ 9: 'a', 10: 'b', 1: 'c' }), '{"1":"c","10":"b","9":"a"}')
    const members = JSON.parse('{"b":1,"__proto__":{"x":1},"a":2}')
    assert.equal(canonical(members), '{"__proto__":{"x":1},"a":2,"b":1}')
  })

  it('law: parsing gives the value back, and canonical texts are fixed points', () => {
    fc.assert(
      fc.property(json, value => {
        const text = canonical(value)
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
        assert.equal(canonical(JSON.parse(text)), text)
      }),
    )
  })

  it('law: the order of members does not matter', () => {
    fc.assert(fc.property(json, value => assert.equal(canonical(turned(value)), canonical(value))))
  })

  it('law: names are in the order of UTF-16 code units', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1 }), names => {
        const members = Object.fromEntries(names.map(name => [name, 0]))
        const sorted = [...names].sort((a, b) => (a < b ? -1 : 1))
        assert.equal(canonical(members), `{${sorted.map(name => `${JSON.stringify(name)}:0`).join(',')}}`)
      }),
    )
  })

  it('law: quote is the string of JSON', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => assert.equal(quote(text), JSON.stringify(text))))
  })
})
