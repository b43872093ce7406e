/** Reads and writes messages by their description, for all that is not asked thousands of times a second. */
import type { ProtoEnum, ProtoField, ProtoMessage, Scalar } from './proto-file.ts'
import {
  DELIMITED,
  DEPTH_MAX,
  FIXED32,
  FIXED64,
  malformedMessage,
  ProtoReader,
  ProtoWriter,
  VARINT,
} from './protobuf.ts'

/**
 * Fields by their names. Numbers of all kinds are numbers (exact up to 2^53), repeated ones are arrays, maps are `Map`s; of a
 * oneof and of messages only what was sent is there.
 */
export type Fields = Readonly<Record<string, unknown>>

const WIRE: Readonly<Record<Scalar, number>> = {
  bool: VARINT,
  int32: VARINT,
  int64: VARINT,
  uint32: VARINT,
  uint64: VARINT,
  float: FIXED32,
  double: FIXED64,
  string: DELIMITED,
  bytes: DELIMITED,
}

const DEFAULTS: Readonly<Record<Scalar, unknown>> = {
  ...{ bool: false, int32: 0, int64: 0, uint32: 0, uint64: 0, float: 0, double: 0, string: '' },
  bytes: Buffer.alloc(0),
}

/** Throws `malformed`. */
export function decodeMessage(message: ProtoMessage, bytes: Buffer): Fields {
  return decode(message, new ProtoReader(bytes), 0)
}

function decode(message: ProtoMessage, reader: ProtoReader, depth: number): Fields {
  if (depth > DEPTH_MAX) throw malformedMessage('its messages are too deep')
  const found: Record<string, unknown> = emptyFields(message)
  while (!reader.isDone) {
    const tag = reader.tag()
    const field = message.fields.find(({ number }) => number === tag >>> 3)
    if (field === undefined) reader.skip(tag)
    else decodeField(field, tag, reader, found, depth)
  }
  return found
}

function emptyFields({ fields }: ProtoMessage): Record<string, unknown> {
  const empty: Record<string, unknown> = {}
  for (const { name, type, repeated, oneof } of fields) {
    if (repeated) empty[name] = isMap(type) ? new Map() : []
    else if (typeof type === 'string' && oneof === undefined) empty[name] = DEFAULTS[type]
    else if (typeof type !== 'string' && type.kind === 'enum' && oneof === undefined) empty[name] = 0
  }
  return empty
}

function isMap(type: ProtoField['type']): boolean {
  return typeof type !== 'string' && type.kind === 'message' && type.isEntry
}

function wireOf(type: ProtoField['type']): number {
  if (typeof type === 'string') return WIRE[type]
  return type.kind === 'enum' ? VARINT : DELIMITED
}

function decodeField(
  { name, type, repeated }: ProtoField,
  tag: number,
  reader: ProtoReader,
  found: Record<string, unknown>,
  depth: number,
): void {
  const wire = wireOf(type)
  if (repeated && wire !== DELIMITED && (tag & 7) === DELIMITED) {
    const end = reader.delimited()
    const packed = new ProtoReader(reader.bytes, reader.at, end)
    while (!packed.isDone) (found[name] as unknown[]).push(decodeValue(type, packed, depth))
    reader.at = end
    return
  }
  if ((tag & 7) !== wire) {
    reader.skip(tag) // as all readers do: a field of another type is not this field
    return
  }
  const value = decodeValue(type, reader, depth)
  if (!repeated) found[name] = value
  else if (isMap(type)) {
    const entry = value as { readonly key: unknown; readonly value: unknown }
    ;(found[name] as Map<unknown, unknown>).set(entry.key, entry.value)
  } else (found[name] as unknown[]).push(value)
}

function decodeValue(type: ProtoField['type'], reader: ProtoReader, depth: number): unknown {
  if (typeof type !== 'string') {
    if (type.kind === 'enum') return reader.signed()
    const end = reader.delimited()
    const value = decode(type, new ProtoReader(reader.bytes, reader.at, end), depth + 1)
    reader.at = end
    return value
  }
  switch (type) {
    case 'bool':
      return reader.varint() !== 0
    case 'int32':
      return reader.signed() | 0
    case 'int64':
      return reader.signed()
    case 'uint32':
      return reader.varint() >>> 0
    case 'uint64':
      return reader.varint()
    case 'float':
      return reader.float()
    case 'double':
      return reader.double()
    case 'string':
      return reader.text()
    case 'bytes':
      return reader.raw()
  }
}

const writer = new ProtoWriter()

/** What is not there, or has its default, is left out, as the third syntax does. */
export function encodeMessage(message: ProtoMessage, fields: Fields): Buffer {
  writer.clear()
  encode(message, fields)
  return writer.take()
}

function encode(message: ProtoMessage, fields: Fields): void {
  for (const field of message.fields) {
    const value = fields[field.name]
    if (value === undefined) continue
    const { type, number, repeated } = field
    if (!repeated) {
      if (field.oneof !== undefined || message.isEntry || !isDefault(type, value)) encodeField(number, type, value)
    } else if (value instanceof Map) {
      for (const [key, of] of value) encodeField(number, type, { key, value: of })
    } else encodeList(number, type, value as readonly unknown[])
  }
}

function isDefault(type: ProtoField['type'], value: unknown): boolean {
  if (typeof type !== 'string') return type.kind === 'enum' && value === 0
  if (type === 'bytes') return (value as Uint8Array).length === 0
  return Object.is(value, DEFAULTS[type])
}

function encodeList(number: number, type: ProtoField['type'], values: readonly unknown[]): void {
  if (wireOf(type) === DELIMITED) {
    for (const value of values) encodeField(number, type, value)
    return
  }
  if (values.length === 0) return
  writer.tag(number, DELIMITED)
  const start = writer.begin()
  for (const value of values) encodeValue(type, value)
  writer.end(start)
}

function encodeField(number: number, type: ProtoField['type'], value: unknown): void {
  writer.tag(number, wireOf(type))
  encodeValue(type, value)
}

function encodeValue(type: ProtoField['type'], value: unknown): void {
  if (typeof type !== 'string') {
    encodeNamed(type, value)
    return
  }
  switch (type) {
    case 'bool':
      writer.varint(value === true ? 1 : 0)
      return
    case 'double':
      writer.double(value as number)
      return
    case 'float':
      writer.float(value as number)
      return
    case 'string':
      writer.text(value as string)
      return
    case 'bytes':
      writer.raw(value as Uint8Array)
      return
    default:
      writer.varint(value as number)
  }
}

function encodeNamed(type: ProtoMessage | ProtoEnum, value: unknown): void {
  if (type.kind === 'enum') {
    writer.varint(value as number)
    return
  }
  const start = writer.begin()
  encode(type, value as Fields)
  writer.end(start)
}
