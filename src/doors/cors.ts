/** Lets pages of other origins call the API, where the configuration names them (Fetch Standard, CORS protocol). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Problem } from '../errors.ts'

export interface Cors {
  /** Says with the answer what the page may see; true where that was all, because it was only asked what is allowed. */
  answer(message: IncomingMessage, response: ServerResponse): boolean
}

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const EXPOSED =
  'etag, inference-header-content-length, location, ratelimit, ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id'
/** Seconds that a browser need not ask again. */
const MAX_AGE = '600'
const FIELD_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/
const HEADERS_CHARACTERS_MAX = 1_000

/** @param origins separated by commas, or `*`. Undefined where there is none. Throws `misconfigured`. */
export function cors(origins: string): Cors | undefined {
  const listed = originList(origins)
  if (listed.length === 0) return undefined
  const all = listed.includes('*')
  const allowed = new Set(listed)
  return {
    answer(message, response) {
      const { origin } = message.headers
      if (origin === undefined || !(all || allowed.has(origin))) return false
      response.setHeader('access-control-allow-origin', all ? '*' : origin)
      if (!all) response.setHeader('vary', 'origin')
      const asked = message.headers['access-control-request-method']
      if (message.method !== 'OPTIONS' || asked === undefined) {
        response.setHeader('access-control-expose-headers', EXPOSED)
        return false
      }
      message.resume()
      response.writeHead(204, {
        'access-control-allow-methods': METHODS,
        'access-control-max-age': MAX_AGE,
        ...allowedHeaders(message.headers['access-control-request-headers']),
      })
      response.end()
      return true
    },
  }
}

/** Origins that are named one by one. Throws `misconfigured` for what is none. */
export function originList(origins: string): string[] {
  const listed = origins
    .split(',')
    .map(origin => origin.trim())
    .filter(origin => origin !== '')
  for (const origin of listed) {
    if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) continue
    throw new Problem(
      'misconfigured',
      `Cannot use server.corsOrigins: it has ${JSON.stringify(origin)}, wanted an origin such as https://app.example or *`,
    )
  }
  return listed
}

/** Whatever the page wants to send: who calls is shown by a key, never by what a browser adds by itself. */
function allowedHeaders(asked: string | undefined): Record<string, string> {
  if (asked === undefined || asked.length > HEADERS_CHARACTERS_MAX || !FIELD_NAMES.test(asked)) return {}
  return { 'access-control-allow-headers': asked }
}
