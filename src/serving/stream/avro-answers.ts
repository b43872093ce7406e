/**
 * Answers in Avro: one schema for all models, so that a topic keeps its schema while versions and models come and go. It is looked up
 * in the schema registry under the subject of the topic's values (`TOPIC-value`), and registered where it is not there.
 */
import avro from 'avsc'
import { Problem } from '../../errors.ts'
import { MAGIC, PREFIX_BYTES } from './avro.ts'
import { type AskRegistry, type RegistrySettings, registryAsker } from './registry-requests.ts'

/** Outputs are numbers, also the probabilities of classes: each has its name. */
export const ANSWER_SCHEMA = {
  type: 'record',
  name: 'Prediction',
  namespace: 'dev.bellwether',
  doc: 'The answer to one message; id is that of its record in the ledger.',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'model', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'release', type: ['null', 'string'], default: null },
    { name: 'arm', type: ['null', 'string'], default: null },
    { name: 'outputs', type: { type: 'map', values: 'double' } },
  ],
} as const

/** Makes the bytes of a message's value of an answer in JSON. */
export type EncodeAnswer = (json: string) => Buffer

/**
 * How answers to the topic are written; asked for before each, and found out once. Rejects with `unavailable` or `misconfigured` where
 * the registry does not tell the schema's id: that may pass, and nothing may be answered meanwhile.
 */
export function answerEncoder(settings: RegistrySettings, topic: string): () => Promise<EncodeAnswer> {
  const ask = registryAsker(settings)
  let found: Promise<EncodeAnswer> | undefined
  return () => {
    found ??= schemaId(ask, topic).then(encoderOf, (error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }
}

/** Also where this user may read and not register, an id that is there is found. */
async function schemaId(ask: AskRegistry, topic: string): Promise<number> {
  const path = `/subjects/${encodeURIComponent(`${topic}-value`)}`
  const schema = JSON.stringify({ schema: JSON.stringify(ANSWER_SCHEMA) })
  const known = idIn(await ask(path, schema))
  if (known !== undefined) return known
  const answer = await ask(`${path}/versions`, schema)
  const made = idIn(answer)
  if (made !== undefined) return made
  const kind = answer.status >= 500 || answer.status === 429 ? 'unavailable' : 'misconfigured'
  const why =
    answer.status === 409 ? 'the subject holds a schema that ours cannot follow' : `it answers with ${answer.status}`
  throw new Problem(kind, `Cannot register the schema of the answers at ${path}/versions: ${why}`)
}

function idIn({ status, body }: Awaited<ReturnType<AskRegistry>>): number | undefined {
  const id = (body as { readonly id?: unknown } | undefined)?.id
  return status === 200 && Number.isInteger(id) && (id as number) >= 0 && (id as number) < 2 ** 32
    ? (id as number)
    : undefined
}

interface Answer {
  readonly id: string
  readonly model: string
  readonly version: string
  readonly release: string | null
  readonly arm: string | null
  readonly outputs: Readonly<Record<string, number>>
}

function encoderOf(schema: number): EncodeAnswer {
  const type = avro.Type.forSchema(ANSWER_SCHEMA as unknown as avro.Schema, { registry: {}, wrapUnions: true })
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix[0] = MAGIC
  prefix.writeUInt32BE(schema, 1)
  const branch = (text: string | null): object | null => (text === null ? null : { string: text })
  return json => {
    const { id, model, version, release, arm, outputs } = JSON.parse(json) as Answer
    const value = { id, model, version, release: branch(release), arm: branch(arm), outputs }
    return Buffer.concat([prefix, type.toBuffer(value)])
  }
}
