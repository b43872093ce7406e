import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import type { Feature } from '../registry/signature.ts'
import type { LoadedModel } from './lane.ts'
import { BinaryPart, readTensor, rowsOf } from './oip-tensors.ts'
import { compileSignature } from './signature.ts'

const feature = (name: string, more: Partial<Feature>): Feature => ({
  name,
  type: 'number',
  nullable: false,
  sensitive: false,
  protected: false,
  ...more,
})
const inputs = [
  feature('age', { type: 'integer', minimum: 18 }),
  feature('score', { nullable: true }),
  feature('member', { type: 'boolean' }),
  feature('country', { type: 'string', categories: ['fr', 'es'] }),
]
const names = inputs.map(({ name }) => name)
// The artifact has the columns in another order than the signature.
const signature = compileSignature(
  { inputs, outputs: [] },
  { features: names.toReversed(), named: true, outputCount: 1 },
)
const model = { signature } as LoadedModel
const NO_BYTES = new BinaryPart(Buffer.alloc(0))

function rows(tensors: readonly object[], rowsMax = 100): number[] {
  return [
    ...rowsOf(
      tensors.map((tensor, at) => readTensor(tensor, `inputs[${at}]`, NO_BYTES)),
      model,
      rowsMax,
    ).values,
  ]
}

const AGE = { name: 'age', shape: [2], datatype: 'INT64', data: [36, 40] }
const SCORE = { name: 'score', shape: [2, 1], datatype: 'FP32', data: [[0.5], [null]] }
const MEMBER = { name: 'member', shape: [2], datatype: 'BOOL', data: [true, false] }
const COUNTRY = { name: 'country', shape: [2, 1], datatype: 'BYTES', data: ['es', 'fr'] }
const ALL = [AGE, SCORE, MEMBER, COUNTRY]

describe('rowsOf()', () => {
  it('takes a tensor for each feature, in any order, flat or nested', () => {
    const wanted = [1, 1, 0.5, 36, 0, 0, Number.NaN, 40]
    assert.deepEqual(rows(ALL), wanted)
    assert.deepEqual(rows(ALL.toReversed()), wanted)
  })

  it('takes one tensor of all features, columns in the order of the signature', () => {
    const plain = compileSignature(
      { inputs: inputs.slice(0, 2), outputs: [] },
      { features: ['score', 'age'], named: true, outputCount: 1 },
    )
    const matrix = { name: 'input-0', shape: [2, 2], datatype: 'FP64', data: [36, 0.5, 40, null] }
    const nested = {
      ...matrix,
      data: [
        [36, 0.5],
        [40, null],
      ],
    }
    for (const tensor of [matrix, nested]) {
      const read = rowsOf([readTensor(tensor, 'inputs[0]', NO_BYTES)], { signature: plain } as LoadedModel, 10)
      assert.deepEqual([...read.values], [0.5, 36, Number.NaN, 40])
    }
  })

  const refused: readonly (readonly [
    name: string,
    tensors: readonly object[],
    fields: readonly string[],
    message: RegExp,
  ])[] = [
    ['a missing tensor', [AGE, SCORE, MEMBER], ['country'], /country is missing/],
    ['an unknown one', [...ALL, { ...AGE, name: 'shoe' }], ['inputs[4]'], /names no feature/],
    ['one given twice', [...ALL, AGE], ['inputs[4]'], /gives age a second time/],
    [
      'other numbers of rows',
      [{ ...AGE, shape: [1], data: [36] }, SCORE, MEMBER, COUNTRY],
      ['inputs[1].shape', 'inputs[2].shape', 'inputs[3].shape'],
      /another number of rows/,
    ],
    [
      'a shape that is not its data',
      [{ ...AGE, shape: [3] }, SCORE, MEMBER, COUNTRY],
      ['inputs[0].data'],
      /has 2 values, 3 were wanted/,
    ],
    ['a shape of three dimensions', [{ ...AGE, shape: [1, 2, 1] }], ['inputs[0].shape'], /has 3 dimensions/],
    ['a strange shape', [{ ...AGE, shape: [-2] }], ['inputs[0].shape'], /whole numbers/],
    ['a strange datatype', [{ ...AGE, datatype: 'INT65' }], ['inputs[0].datatype'], /is not known/],
    ['no data', [{ ...AGE, data: undefined }], ['inputs[0].data'], /is missing/],
    [
      'cells of another datatype',
      [{ ...AGE, data: [36, 1.5] }, SCORE, MEMBER, COUNTRY],
      ['[1].age'],
      /is no value of datatype INT64/,
    ],
    [
      'cells out of range',
      [{ ...AGE, data: [3, 4] }, SCORE, MEMBER, COUNTRY],
      ['[0].age', '[1].age'],
      /is 3, an integer of at least 18 was wanted/,
    ],
    [
      'an unknown category',
      [AGE, SCORE, MEMBER, { ...COUNTRY, data: ['xx', 'fr'] }],
      ['[0].country'],
      /unknown category "xx"/,
    ],
    ['no rows', ALL.map(tensor => ({ ...tensor, shape: [0], data: [] })), [], /they have no rows/],
    ['no tensor', [7 as unknown as object], ['inputs[0]'], /is not an object/],
  ]
  for (const [name, tensors, fields, message] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => rows(tensors),
        (error: Problem) => {
          assert.equal(error.code, 'invalid')
          assert.deepEqual(
            error.fields.map(({ field }) => field),
            fields,
          )
          assert.match(error.message, message)
          return error instanceof Problem
        },
      )
    })
  }

  it('refuses more rows than are taken at once', () => {
    assert.throws(() => rows(ALL, 1), { code: 'too_large' })
  })
})

describe('BinaryPart', () => {
  const sized = (bytes: unknown): object => ({
    name: 'age',
    shape: [2],
    datatype: 'INT16',
    parameters: { binary_data_size: bytes },
  })

  it('gives tensors their bytes in the order of the JSON', () => {
    const binary = new BinaryPart(Buffer.from([36, 0, 1, 1, 5, 0, 0xff, 0xff]))
    assert.deepEqual(readTensor(sized(4), 'inputs[0]', binary).data, [36, 257])
    assert.deepEqual(readTensor(sized(4), 'inputs[1]', binary).data, [5, -1])
    binary.requireEnd()
  })

  const refused: readonly (readonly [what: string, bytes: number, tensor: object, message: RegExp])[] = [
    ['bytes that are not there', 3, sized(4), /is 4, but 3 bytes are left behind the JSON/],
    ['a size that is none', 8, sized(-1), /is no number of bytes/],
    ['a size that is a text', 8, sized('4'), /is no number of bytes/],
    ['bytes that are not those of the shape', 8, sized(8), /has 8 bytes, 4 were wanted/],
    ['data twice', 8, { ...sized(4), data: [1, 2] }, /one of them was wanted/],
    ['shared memory', 8, { ...sized(4), parameters: { shared_memory_region: 'a' } }, /is not supported/],
  ]
  for (const [what, bytes, tensor, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readTensor(tensor, 'inputs[0]', new BinaryPart(Buffer.alloc(bytes))), {
        code: 'invalid',
        message,
      })
    })
  }

  it('refuses bytes that belong to no tensor', () => {
    const binary = new BinaryPart(Buffer.alloc(6))
    readTensor(sized(4), 'inputs[0]', binary)
    assert.throws(() => binary.requireEnd(), { code: 'invalid', message: /has 2 bytes that belong to no tensor/ })
  })
})
