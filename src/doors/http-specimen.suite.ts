/** A door with small routes, for the tests of this folder. */
import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Problem } from '../errors.ts'
import { bodyText } from '../platform/body-text.ts'
import { systemClock } from '../platform/clock.ts'
import { uuid7 } from '../platform/ids.ts'
import { systemTimers } from '../platform/timers.ts'
import type { Actor, AnyRoute, InvocationRoute, Part } from '../route.ts'
import { type HttpDoor, httpDoor } from './http.ts'
import type { HttpDoorParts, HttpLimits } from './http-request.ts'

const LIMITS: HttpLimits = {
  bodyBytesMax: 1_000,
  concurrencyMax: 8,
  queueMax: 0,
  queueMsMax: 100,
  requestTimeoutMs: 10_000,
  headerTimeoutMs: 10_000,
  connectionsMax: 1_000,
}

export interface SpecimenDoor {
  readonly url: string
  readonly port: number
  readonly door: HttpDoor
  /** What invocations met: `ok:` and the text, or the code of the problem. */
  readonly invoked: string[]
  readonly logged: object[]
  /** Lets the waiting invocations go on. */
  letGo(): void
  readonly waiting: () => number
}

export async function openSpecimen(
  limits: Partial<HttpLimits> = {},
  port = 0,
  more: Partial<HttpDoorParts> = {},
): Promise<SpecimenDoor> {
  const invoked: string[] = []
  const logged: object[] = []
  const waiters: (() => void)[] = []
  const wait = (): Promise<void> => new Promise(resolve => waiters.push(resolve))
  const door = httpDoor({
    routes: [...readingRoutes(), ...writingRoutes(), ...invocations(invoked, wait)],
    admission: { admit: admitSpecimen },
    readJson: readJsonSpecimen,
    ids: uuid7(systemClock),
    log: { error: fields => logged.push(fields) },
    limits: { ...LIMITS, ...limits },
    timers: systemTimers,
    clock: systemClock,
    ...more,
  })
  const url = await door.listen('127.0.0.1', port)
  const letGo = (): void => {
    for (const go of waiters.splice(0)) go()
  }
  return { url, port: Number(new URL(url).port), door, invoked, logged, letGo, waiting: () => waiters.length }
}

function admitSpecimen(
  authorization: string | undefined,
  host: string | undefined,
  _origin: unknown,
  permission: string,
): Actor {
  if (host === 'evil.example') throw new Problem('forbidden', 'Cannot answer: a strange host')
  if (authorization === undefined) throw new Problem('unauthenticated', 'Cannot tell who calls: no key')
  if (authorization !== 'Bearer all' && authorization !== `Bearer ${permission}`) {
    throw new Problem('forbidden', `Cannot do this: it needs ${permission}`)
  }
  return { id: 'key:1', name: 'one', roles: [] }
}

function readJsonSpecimen(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Problem('malformed', 'Cannot read the body: it is not JSON')
  }
}

function invocations(invoked: string[], wait: () => Promise<void>): AnyRoute[] {
  const route = (path: string, before: () => Promise<void>): InvocationRoute => ({
    kind: 'invocation',
    method: 'POST',
    path,
    permission: 'x:invoke',
    summary: 'Invoke',
    tag: 'Test',
    answers: {},
    async invoke(request) {
      try {
        const { id } = request.admit('x:invoke')
        const text = bodyText(request.bytes())
        await before()
        if (text === '{"fault":1}') throw new Error('a bug with secret details')
        invoked.push(`ok:${text}`)
        return { text: JSON.stringify({ id, text, params: request.params, requestId: request.requestId }) }
      } catch (error) {
        invoked.push(error instanceof Problem ? error.code : 'fault')
        throw error
      }
    },
  })
  const own: InvocationRoute = {
    ...route('/own/infer', async () => {}),
    problem: problem => ({ status: problem.status, body: { error: problem.message } }),
  }
  return [route('/invoke', async () => {}), route('/things/:name/invoke', async () => {}), route('/wait', wait), own]
}

const described = { summary: 'A route', tag: 'Test', answers: {} }

function readingRoutes(): AnyRoute[] {
  return [
    {
      ...described,
      method: 'GET',
      path: '/things/:name',
      permission: 'x:read',
      query: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1 })), deep: Type.Optional(Type.Boolean()) }),
      handle: ({ params, query, actor, source }) => ({ body: { params, query, actor: actor.id, source } }),
    },
    {
      ...described,
      method: 'GET',
      path: '/open',
      permission: 'public',
      handle: ({ actor }) => ({ body: { actor: actor.id } }),
    },
    { ...described, method: 'DELETE', path: '/things/:name', permission: 'x:write', handle: () => ({}) },
    {
      ...described,
      method: 'GET',
      path: '/fault',
      permission: 'public',
      handle: () => {
        throw new Error('a bug with secret details')
      },
    },
  ]
}

function writingRoutes(): AnyRoute[] {
  return [
    {
      ...described,
      method: 'POST',
      path: '/things',
      permission: 'x:write',
      body: Type.Object(
        {
          name: Type.String({ minLength: 2 }),
          sizes: Type.Optional(Type.Array(Type.Object({ of: Type.Integer() }))),
          colour: Type.Optional(Type.Union([Type.Literal('red'), Type.Literal('blue')])),
        },
        { additionalProperties: false },
      ),
      handle: ({ body }) => ({ status: 201, body, headers: { location: '/things/x' } }),
    },
    {
      ...described,
      method: 'POST',
      path: '/maybe',
      permission: 'x:write',
      body: Type.Union([Type.Undefined(), Type.Object({ a: Type.Optional(Type.Integer()) })]),
      handle: ({ body }) => ({ body: { got: body ?? 'nothing' } }),
    },
    {
      ...described,
      method: 'POST',
      path: '/uploads',
      permission: 'x:write',
      multipart: { bytesMax: 200_000, description: 'Anything', schema: Type.Object({}) },
      handle: async ({ parts }) => ({ body: { parts: await inShort(parts) } }),
    },
    {
      ...described,
      method: 'POST',
      path: '/uploads/skip',
      permission: 'x:write',
      multipart: { bytesMax: 200_000, description: 'Anything', schema: Type.Object({}) },
      handle: async ({ parts }) => {
        const names: string[] = []
        for await (const part of parts) {
          names.push(part.name)
          if (part.kind === 'file') part.stream.destroy()
        }
        return { body: { names } }
      },
    },
  ]
}

/** Each part in short, its stream read to the end. */
async function inShort(parts: AsyncIterable<Part>): Promise<string[]> {
  const seen: string[] = []
  for await (const part of parts) {
    seen.push(
      part.kind === 'field'
        ? `${part.name}=${part.value}`
        : `${part.name}:${part.filename}:${await bytesOf(part.stream)}`,
    )
  }
  return seen
}

async function bytesOf(stream: Readable): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += (chunk as Buffer).length
  return bytes
}
