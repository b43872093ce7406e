/** Schemas of a registry that speaks Confluent's REST interface (`/schemas/ids`, `/subjects/…/versions`). */
import { Problem } from '../../errors.ts'
import { type Decode, decoderOf, MAGIC, PREFIX_BYTES, type WriterSchema } from './avro.ts'
import { type RegistrySettings, registryAsker } from './registry-requests.ts'

/** Rewrites values that name their schema to JSON; leaves others as they are. */
export type ReadValue = (value: Buffer) => Promise<Buffer>

interface Found {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly Reference[]
}

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** Schemas held; a topic has a handful. */
const HELD_MAX = 1_000
/** Of one schema, with what those it refers to refer to. */
const REFERENCES_MAX = 100
/** The registry's own number for "no such schema"; a 404 without it comes from another server. */
const UNKNOWN_SCHEMA = 40_403

/**
 * Reads values by the schemas that they name. An id stands for the same schema for ever: each is asked for once. Rejects
 * with `unavailable` or `misconfigured` where the registry does not answer as one (that may pass), otherwise with what
 * will be wrong with the message at the next attempt too.
 */
export function schemaReader(settings: RegistrySettings): ReadValue {
  const decoders = new Map<number, Promise<Decode>>()
  const ask = asker(settings)
  const decoderFor = (id: number): Promise<Decode> => {
    const held = decoders.get(id)
    if (held !== undefined) return held
    const found = schemaOf(ask, id).then(decoderOf)
    if (decoders.size >= HELD_MAX) decoders.delete(decoders.keys().next().value!)
    decoders.set(id, found)
    found.catch(() => decoders.delete(id))
    return found
  }
  return async value => {
    if (value.length === 0 || value[0] !== MAGIC) return value
    if (settings.registry === '') {
      throw new Problem(
        'unsupported_type',
        'Cannot read the message: it names a schema, and stream.registry is not set',
      )
    }
    if (value.length < PREFIX_BYTES) {
      throw new Problem(
        'malformed',
        `Cannot read the message: it has ${value.length} bytes, wanted the id of its schema`,
      )
    }
    const decode = await decoderFor(value.readUInt32BE(1))
    return decode(value.subarray(PREFIX_BYTES))
  }
}

type Ask = (path: string) => Promise<Found>

function asker(settings: RegistrySettings): Ask {
  const ask = registryAsker(settings)
  return async path => {
    const { status, body } = await ask(path)
    if (status === 200 && isFound(body)) return body
    const code = (body as { readonly error_code?: unknown } | null | undefined)?.error_code
    if (status === 404 && code === UNKNOWN_SCHEMA) {
      throw new Problem('invalid', `Cannot read the message: the schema registry knows no schema at ${path}`)
    }
    const kind = status >= 500 || status === 429 ? 'unavailable' : 'misconfigured'
    throw new Problem(kind, `Cannot ask the schema registry: it answers ${path} with ${status}, wanted a schema`)
  }
}

function isFound(body: unknown): body is Found {
  return typeof (body as { readonly schema?: unknown } | null)?.schema === 'string'
}

async function schemaOf(ask: Ask, id: number): Promise<WriterSchema> {
  const found = await ask(`/schemas/ids/${id}`)
  const kind = found.schemaType ?? 'AVRO'
  if (kind !== 'AVRO' && kind !== 'JSON') {
    throw new Problem(
      'unsupported_type',
      `Cannot read the message: schema ${id} is of type ${kind}, wanted AVRO or JSON`,
    )
  }
  const references: string[] = []
  if (kind === 'AVRO') await refer(ask, found.references ?? [], new Set(), references)
  return { kind, schema: found.schema, references }
}

/** Depth first: what is named comes before what names it. */
async function refer(ask: Ask, named: readonly Reference[], seen: Set<string>, schemas: string[]): Promise<void> {
  for (const { subject, version } of named) {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
    if (seen.has(path)) continue
    if (seen.add(path).size > REFERENCES_MAX) {
      throw new Problem('unsupported_type', `Cannot read the message: its schema refers to more than ${REFERENCES_MAX}`)
    }
    const found = await ask(path)
    await refer(ask, found.references ?? [], seen, schemas)
    schemas.push(found.schema)
  }
}
