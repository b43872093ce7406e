/** A schema registry of a test's own: the part of Confluent's REST interface that readers ask, over real HTTP. */
import { createServer } from 'node:http'

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
  /** Answers everything so, where it is set. */
  status: number | undefined
  stop(): void
}

/** @param authorization wanted of each request. @param schemas by path. */
export async function startRegistry(
  entries: Readonly<Record<string, Registered>>,
  authorization?: string,
): Promise<TestRegistry> {
  const asked: string[] = []
  const schemas = new Map(Object.entries(entries))
  const server = createServer((request, response) => {
    const path = request.url!
    asked.push(path)
    const say = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
      response.end(JSON.stringify(body))
    }
    if (registry.status !== undefined) return say(registry.status, { message: 'told to' })
    if (request.headers.authorization !== authorization) return say(401, { error_code: 401, message: 'Unauthorized' })
    const found = schemas.get(path)
    if (found === undefined) return say(404, { error_code: 40_403, message: 'Schema not found' })
    say(200, { ...found, schema: JSON.stringify(found.schema) })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const registry: TestRegistry = {
    url: `http://127.0.0.1:${port}`,
    asked,
    schemas,
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
