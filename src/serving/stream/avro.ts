/**
 * Features in Avro, by the schema that wrote them. The value of such a message is a zero, the id of the schema in four
 * bytes (big-endian), then Avro's binary encoding (Confluent wire format; Apache Avro 1.12 §"Binary encoding").
 */
import avro from 'avsc'
import { Problem } from '../../errors.ts'

/** A text in JSON never begins so. */
export const MAGIC = 0
/** Magic and id. */
export const PREFIX_BYTES = 5

type Type = avro.Type

/** What a registry knows of a schema, with all that it refers to. */
export interface WriterSchema {
  readonly kind: 'AVRO' | 'JSON'
  readonly schema: string
  /** Schemas that it names, each after those that itself names. */
  readonly references: readonly string[]
}

/** Makes JSON of the bytes behind the prefix. Throws `malformed` or `invalid`. */
export type Decode = (bytes: Buffer) => Buffer

/** Throws `unsupported_type` where no row can come of it. */
export function decoderOf({ kind, schema, references }: WriterSchema): Decode {
  if (kind === 'JSON') return bytes => bytes
  const type = typeOf(schema, references)
  if (type.typeName !== 'record') {
    throw unreadable(`its schema is ${article(type.typeName)}, wanted a record with a field for each feature`)
  }
  judge(type, type.typeName, new Set())
  return bytes => decoded(type, bytes)
}

function typeOf(schema: string, references: readonly string[]): Type {
  // Unions keep the name of their branch: without it, {"int": 1} of a union of map and int could not be told apart.
  const options = { registry: {}, wrapUnions: true }
  try {
    for (const one of references) avro.Type.forSchema(JSON.parse(one) as avro.Schema, options)
    return avro.Type.forSchema(JSON.parse(schema) as avro.Schema, options)
  } catch (error) {
    throw unreadable(`its schema is not understood: ${(error as Error).message}`)
  }
}

function unreadable(found: string): Problem {
  return new Problem('unsupported_type', `Cannot read the message: ${found}`)
}

function article(name: string): string {
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`
}

/** Refuses what JSON has no word for, and lists whose items take no bytes: six bytes could claim a trillion of them. */
function judge(type: Type, where: string, seen: Set<Type>): void {
  if (seen.has(type)) return
  seen.add(type)
  const { typeName } = type
  if (typeName === 'bytes' || typeName === 'fixed') {
    throw unreadable(`${where} has the type ${typeName}, wanted numbers, booleans, texts, enums or null`)
  }
  for (const [name, part] of partsOf(type)) {
    // The library sets fields by name, and that one would be lost.
    if (name === '__proto__') throw unreadable('a field is called __proto__, wanted another name')
    if (typeName === 'array' && isEmpty(part, new Set())) throw unreadable(`the items of ${where} take no bytes`)
    judge(part, name === '' ? where : name, seen)
  }
}

/** A value of it may have no bytes at all. */
function isEmpty(type: Type, seen: Set<Type>): boolean {
  if (type.typeName === 'null') return true
  if (type.typeName !== 'record' || seen.has(type)) return false
  seen.add(type)
  return partsOf(type).every(([, part]) => isEmpty(part, seen))
}

function partsOf(type: Type): readonly (readonly [name: string, part: Type])[] {
  if (isRecord(type)) return type.fields.map(({ name, type: part }) => [name, part])
  if (isUnion(type)) return type.types.map(part => ['', part])
  if (isArray(type)) return [['', type.itemsType]]
  return isMap(type) ? [['', type.valuesType]] : []
}

const isRecord = (type: Type): type is avro.types.RecordType => type.typeName === 'record'
const isUnion = (type: Type): type is avro.types.WrappedUnionType => type.typeName === 'union:wrapped'
const isArray = (type: Type): type is avro.types.ArrayType => type.typeName === 'array'
const isMap = (type: Type): type is avro.types.MapType => type.typeName === 'map'

function decoded(type: Type, bytes: Buffer): Buffer {
  let value: unknown
  try {
    value = type.fromBuffer(bytes)
  } catch (error) {
    // Also a stack that overflows on records within records, and a long that no double holds.
    const detail = `Cannot read the message: its bytes are not what its schema says: ${(error as Error).message}`
    throw new Problem('malformed', detail, { cause: error })
  }
  const fields: { field: string; problem: string }[] = []
  const json = plain(type, value, '', fields)
  if (fields.length === 0) return Buffer.from(JSON.stringify(json))
  const named = fields.map(({ field }) => field).join(', ')
  throw new Problem('invalid', `Cannot read the features: ${named} not finite, wanted numbers or null`, { fields })
}

/** @param fields takes what JSON cannot say: it would quietly become null. */
function plain(type: Type, value: unknown, path: string, fields: { field: string; problem: string }[]): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) fields.push({ field: path, problem: `is ${value}` })
  if (value === null || typeof value !== 'object') return value
  const inner = (name: string | number): string => (path === '' ? String(name) : `${path}.${name}`)
  if (isRecord(type)) {
    const record = value as Readonly<Record<string, unknown>>
    return Object.fromEntries(
      type.fields.map(({ name, type: part }) => [name, plain(part, record[name], inner(name), fields)]),
    )
  }
  if (isUnion(type)) {
    const [name, branch] = Object.entries(value)[0] as [string, unknown]
    return plain(type.types.find(({ branchName }) => branchName === name)!, branch, path, fields)
  }
  if (isArray(type)) return (value as unknown[]).map((item, at) => plain(type.itemsType, item, inner(at), fields))
  const entries = Object.entries(value)
  return isMap(type)
    ? Object.fromEntries(entries.map(([name, item]) => [name, plain(type.valuesType, item, inner(name), fields)]))
    : value
}
