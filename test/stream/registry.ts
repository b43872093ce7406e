/** A schema registry of a test's own: the part of Confluent's REST interface that readers ask, over real HTTP. */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Registered {
  readonly schema: unknown
  readonly schemaType?: string
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[]
}

export interface TestRegistry {
  readonly url: string
  /** Paths asked for, in order. */
  readonly asked: readonly string[]
  readonly schemas: Map<string, Registered>
  /** Ids of schemas that were registered, by subject; each subject has one. */
  readonly subjects: Map<string, { readonly id: number; readonly schema: string }>
  /** Answers who registers so, where it is set. */
  registering: number | undefined
  /** Answers everything so, where it is set. */
  status: number | undefined
  stop(): void
}

const FIRST_ID = 70_000

/** @param authorization wanted of each request. @param schemas by path. */
export async function startRegistry(
  entries: Readonly<Record<string, Registered>>,
  authorization?: string,
): Promise<TestRegistry> {
  const asked: string[] = []
  const schemas = new Map(Object.entries(entries))
  const subjects: TestRegistry['subjects'] = new Map()
  const server = createServer((request, response) => {
    const path = request.url!
    asked.push(path)
    const say = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
      response.end(JSON.stringify(body))
    }
    if (registry.status !== undefined) return say(registry.status, { message: 'told to' })
    if (request.headers.authorization !== authorization) return say(401, { error_code: 401, message: 'Unauthorized' })
    const [, subject, versions] = /^\/subjects\/([^/]+)(\/versions)?$/.exec(path) ?? []
    if (request.method === 'POST' && subject !== undefined) {
      void text(request).then(body => {
        const { schema } = JSON.parse(body) as { schema: string }
        const [status, answer] = versions === undefined ? lookUp(subject, schema) : register(subject, schema)
        say(status, answer)
      })
      return
    }
    const found = schemas.get(path)
    if (found === undefined) return say(404, { error_code: 40_403, message: 'Schema not found' })
    say(200, { ...found, schema: JSON.stringify(found.schema) })
  })
  const lookUp = (subject: string, schema: string): readonly [number, object] => {
    const known = subjects.get(subject)
    if (known === undefined) return [404, { error_code: 40_401, message: 'Subject not found' }]
    if (known.schema !== schema) return [404, { error_code: 40_403, message: 'Schema not found' }]
    return [200, { subject, version: 1, ...known }]
  }
  const register = (subject: string, schema: string): readonly [number, object] => {
    if (registry.registering !== undefined) return [registry.registering, { message: 'told to' }]
    const made = { id: FIRST_ID + subjects.size, schema }
    subjects.set(subject, made)
    return [200, { id: made.id }]
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const registry: TestRegistry = {
    url: `http://127.0.0.1:${port}`,
    asked,
    schemas,
    subjects,
    registering: undefined,
    status: undefined,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  return registry
}

/** The wire format: a zero, the id, the bytes. */
export function framed(id: number, bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(id, 1)
  return Buffer.concat([prefix, bytes])
}
