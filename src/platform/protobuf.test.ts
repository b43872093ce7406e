import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage, encodeMessage } from './proto-codec.ts'
import { fileDescriptor } from './proto-descriptor.ts'
import { protoFile } from './proto-file.ts'
import { ProtoReader, ProtoWriter } from './protobuf.ts'

const FILE = protoFile(
  'sample.proto',
  `syntax = "proto3"; package sample;
  // What stands in comments; is not read {
  enum Kind { NONE = 0; SOME = 1; }
  message Inner { string name = 1; repeated double numbers = 2; }
  message Outer {
    message Nested { bool flag = 1; }
    bool bool_value = 1; int32 int32_value = 2; int64 int64_value = 3; uint32 uint32_value = 4; uint64 uint64_value = 5;
    float float_value = 6; double double_value = 7; string string_value = 8; bytes bytes_value = 9; Kind kind = 10;
    repeated Inner inners = 20; map<string, Nested> by_name = 21; repeated sint_free_text texts = 22;
    oneof choice { int64 whole = 30; string text = 31; }
  }
  message sint_free_text { string value = 1; }
  service Asked { rpc Ask(stream Outer) returns (Inner); }`,
)
const OUTER = FILE.message('Outer')

const plain = { noNullPrototype: true } as const
const outers = fc.record(
  {
    bool_value: fc.boolean(),
    int32_value: fc.integer(),
    int64_value: fc.maxSafeInteger(),
    uint32_value: fc.nat(4_294_967_295),
    uint64_value: fc.maxSafeNat(),
    float_value: fc.float({ noNaN: true }),
    double_value: fc.double({ noNaN: true }),
    string_value: fc.string({ unit: 'binary', maxLength: 200 }),
    bytes_value: fc.uint8Array().map(bytes => Buffer.from(bytes)),
    kind: fc.constantFrom(0, 1),
    inners: fc.array(
      fc.record({ name: fc.string(), numbers: fc.array(fc.double({ noNaN: true }), { maxLength: 40 }) }, plain),
    ),
    by_name: fc
      .array(fc.tuple(fc.string(), fc.record({ flag: fc.boolean() }, plain)), { maxLength: 5 })
      .map(entries => new Map(entries)),
    texts: fc.array(fc.record({ value: fc.string() }, plain), { maxLength: 3 }),
    whole: fc.maxSafeInteger(),
  },
  plain,
)

test('what is written is read again, whatever it holds', () => {
  fc.assert(
    fc.property(outers, outer => {
      assert.deepEqual(decodeMessage(OUTER, encodeMessage(OUTER, outer)), outer)
    }),
  )
})

test('bytes that are no message are refused, and never crash', () => {
  fc.assert(
    fc.property(outers, fc.nat(), fc.nat(255), (outer, at, byte) => {
      const bytes = encodeMessage(OUTER, outer)
      if (bytes.length > 0) bytes[at % bytes.length] = byte
      for (const part of [bytes, bytes.subarray(0, at % (bytes.length + 1))]) {
        try {
          decodeMessage(OUTER, part)
        } catch (error) {
          assert.equal((error as { code: string }).code, 'malformed')
        }
      }
    }),
  )
})

test('the wire is that of the specification', () => {
  const writer = new ProtoWriter()
  for (const [value, wanted] of [
    [0, '00'],
    [150, '9601'],
    [-1, 'ffffffffffffffffff01'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ] as const) {
    writer.varint(value)
    const bytes = writer.take()
    assert.equal(bytes.toString('hex'), wanted)
    assert.equal(new ProtoReader(bytes).signed(), value)
  }
  const inner = encodeMessage(FILE.message('Inner'), { name: 'testing', numbers: [] })
  assert.equal(inner.toString('hex'), '0a0774657374696e67')
  const unpacked = Buffer.from('11000000000000f03f11000000000000f03f', 'hex')
  assert.deepEqual(decodeMessage(FILE.message('Inner'), unpacked)['numbers'], [1, 1], 'as older writers do')
})

test('a length of any size is put before what has it', () => {
  const writer = new ProtoWriter()
  for (const length of [0, 127, 128, 16_383, 16_384, 3_000_000]) {
    const outer = writer.begin()
    writer.raw(Buffer.alloc(length, 1))
    writer.end(outer)
    const within = new ProtoReader(writer.take()).within()
    assert.equal(within.raw().length, length)
    assert.ok(within.isDone)
  }
})

test('messages and groups that never end are refused', () => {
  const groups = Buffer.alloc(10_000, 0x0b)
  assert.throws(() => new ProtoReader(groups).skip(0x0b), { code: 'malformed' })
  const long = Buffer.alloc(11, 0xff)
  assert.throws(() => new ProtoReader(long).varint(), { code: 'malformed' })
  assert.throws(() => new ProtoReader(Buffer.from([5, 1])).raw(), { code: 'malformed' })
  assert.throws(() => new ProtoReader(Buffer.from([1, 0xff])).text(), { code: 'malformed' })
})

test('a file is described as reflection tells it', () => {
  const text = fileDescriptor(FILE).toString('latin1')
  for (const name of ['sample.proto', 'ByNameEntry', '.sample.Outer.Nested', '.sample.Kind', 'choice', 'proto3']) {
    assert.ok(text.includes(name), name)
  }
  assert.deepEqual(
    FILE.services[0]!.methods.map(({ input, output, inputStream, outputStream }) => [
      input.fullName,
      output.fullName,
      inputStream,
      outputStream,
    ]),
    [['sample.Outer', 'sample.Inner', true, false]],
  )
})

test('a file that cannot be read says where', () => {
  assert.throws(() => protoFile('bad.proto', 'syntax = "proto3"; package bad; message A { Nobody of = 1; }'), /Nobody/)
  assert.throws(() => protoFile('bad.proto', 'import "other.proto";'), /"import" was not expected/)
})

test('ids, times and texts are written as their plain ways write them', () => {
  const writer = new ProtoWriter()
  const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))
  const half = fc.nat(4_294_967_295)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 127 }), half, half, text, (bytes, upper, lower, said) => {
      writer.hex(Buffer.from(bytes).toString('hex'))
      writer.fixed64Of(upper, lower)
      writer.text(said)
      const wanted = Buffer.alloc(9 + bytes.length)
      wanted[0] = bytes.length
      wanted.set(bytes, 1)
      wanted.writeBigUInt64LE(BigInt(upper) * 4_294_967_296n + BigInt(lower), 1 + bytes.length)
      const utf8 = Buffer.from(said)
      const length = utf8.length < 128 ? [utf8.length] : [(utf8.length & 127) | 128, utf8.length >> 7]
      assert.deepEqual(writer.take(), Buffer.concat([wanted, Buffer.from(length), utf8]))
    }),
  )
})
