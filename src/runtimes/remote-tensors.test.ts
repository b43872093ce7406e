import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ExternalColumn } from '../predictor/external.ts'
import { decodeAnswer, encodeQuestion } from './remote-tensors.ts'

const DATATYPES = ['FP32', 'FP64', 'INT8', 'UINT8', 'INT16', 'UINT16', 'INT32', 'UINT32', 'INT64', 'UINT64', 'BOOL']

test('what is sent in binary is read back, whatever its datatype', () => {
  for (const datatype of DATATYPES) {
    const columns: readonly ExternalColumn[] = [{ name: 'a', type: 'float' }]
    const tensors = [{ name: 'y', datatype, rank: 2 }]
    const model = { layout: 'columns', tensors, columns, output: 'y', binary: true } as const
    const values = datatype === 'BOOL' ? [0, 1, 1] : datatype.startsWith('U') ? [0, 7, 127] : [-128, 0, 127]
    const { body, headers } = encodeQuestion(model, Float64Array.from(values), 3)
    const length = Number(headers['inference-header-content-length'])
    const head = Buffer.from(
      JSON.stringify({ outputs: JSON.parse(Buffer.from(body).toString('utf8', 0, length)).inputs }),
    )
    const bytes = Buffer.concat([head, body.subarray(length)])
    const answer = decodeAnswer(model, bytes, String(head.length), 3)
    assert.deepEqual([[...answer.values], answer.width], [values, 1], datatype)
  }
})

test('texts in binary have their length before them', () => {
  const columns: readonly ExternalColumn[] = [{ name: 'a', type: 'text', categories: ['x', 'über'] }]
  const tensors = [{ name: 'a', datatype: 'BYTES', rank: 1 }]
  const model = { layout: 'columns', tensors, columns, output: 'y', binary: true } as const
  const { body, headers } = encodeQuestion(model, Float64Array.of(1, 0, Number.NaN), 3)
  const sent = Buffer.from(body).subarray(Number(headers['inference-header-content-length']))
  assert.equal(sent.toString('latin1'), '\x05\0\0\0\xc3\xbcber\x01\0\0\0x\0\0\0\0')
})

test('an answer of any bytes is numbers, or refused as such', () => {
  const answer = Buffer.from(
    '{"outputs":[{"name":"x","parameters":{"binary_data_size":8}},{"name":"y","datatype":"FP64","shape":[2],"parameters":{"binary_data_size":16}}]}',
  )
  const whole = Buffer.concat([answer, Buffer.alloc(24, 1)])
  assert.equal(decodeAnswer({ output: 'y' }, whole, String(answer.length), 2).values.length, 2)
  const cut = fc.nat(whole.length)
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), cut, fc.option(cut.map(String)), (at, byte, length, head) => {
      const changed = Buffer.from(whole)
      changed[at] = byte
      try {
        const { values } = decodeAnswer({ output: 'y' }, changed.subarray(0, length), head, 2)
        assert.ok(values.length <= length)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'failed', String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
