/**
 * A request to an address that a user named: such an address must not lead into the network that the server stands in, so each
 * address that a name turns out to have is looked at when the connection is made, not before. No redirect is followed.
 */
import type { IncomingMessage } from 'node:http'
import type * as Https from 'node:https'
import { BlockList, isIP } from 'node:net'
import { Problem } from '../errors.ts'
import { http } from './node-http.ts'
import { PROGRAM_VERSION } from './program.ts'
import type { Timers } from './timers.ts'

export interface GuardedPost {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** From the beginning to the last byte of the answer. */
  readonly timeoutMs: number
  /** Whether addresses of private networks and of this machine are allowed. */
  readonly allowsPrivate: boolean
  readonly signal?: AbortSignal
}

export interface Posted {
  readonly status: number
  /** The beginning of what was answered. */
  readonly text: string
}

const ANSWER_BYTES_MAX = 1 << 14

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and the same of IPv6: what is not reachable from everywhere. */
const RESERVED: BlockList = new BlockList()
const IPV4 =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4'
const IPV6 = '::/127 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 ff00::/8'
for (const [list, family] of [
  [IPV4, 'ipv4'],
  [IPV6, 'ipv6'],
] as const)
  for (const subnet of list.split(' ')) {
    const [address, prefix] = subnet.split('/')
    RESERVED.addSubnet(address!, Number(prefix), family)
  }

/** Whether anybody in the world means the same machine by it. IPv4 written as IPv6 is judged as IPv4. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  return !RESERVED.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** Throws `invalid` where it is no address of http or https, or one that is a private machine's own. */
export function requireWebAddress(url: string, allowsPrivate: boolean): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new Problem('invalid', `Cannot use the address '${url.slice(0, 200)}': wanted one of http or https`)
  if (parsed.username !== '' || parsed.password !== '')
    throw new Problem('invalid', `Cannot use the address of ${parsed.host}: it has a user or a password in it`)
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  if (!allowsPrivate && (host === 'localhost' || (isIP(host) !== 0 && !isPublicAddress(host)))) throw privateHost(host)
  return parsed
}

function privateHost(host: string): Problem {
  return new Problem(
    'invalid',
    `Cannot send to ${host}: it is not a public address; the setting webhooks.addresses: any would allow it`,
  )
}

/** Rejects where nothing came back, with what was in the way. */
export async function guardedPost(post: GuardedPost, timers: Timers): Promise<Posted> {
  const url = requireWebAddress(post.url, post.allowsPrivate)
  const client = url.protocol === 'https:' ? (process.getBuiltinModule('node:https') as typeof Https) : http
  const { lookup } = process.getBuiltinModule('node:dns')
  const late = new AbortController()
  const cancel = timers.after(post.timeoutMs, () =>
    late.abort(new Problem('timeout', `Cannot send to ${url.host}: no answer within ${post.timeoutMs} ms`)),
  )
  const signal = post.signal === undefined ? late.signal : AbortSignal.any([late.signal, post.signal])
  const headers = {
    'user-agent': `bellwether/${PROGRAM_VERSION}`,
    ...post.headers,
    'content-length': String(Buffer.byteLength(post.body)),
  }
  const guarded: typeof lookup = ((name: string, options: object, callback: (...found: unknown[]) => void) => {
    lookup(name, options, (error, found: unknown, family) => {
      const addresses = Array.isArray(found) ? (found as readonly { address: string }[]) : [{ address: String(found) }]
      const isFree = post.allowsPrivate || addresses.every(({ address }) => isPublicAddress(address))
      if (error === null && !isFree) callback(privateHost(name))
      else callback(error, found, family)
    })
  }) as never
  try {
    return await new Promise<Posted>((resolve, reject) => {
      const request = client.request(
        url,
        { method: 'POST', headers, signal, lookup: guarded, agent: false },
        answer => {
          read(answer).then(resolve, reject)
        },
      )
      request.once('error', reject)
      request.end(post.body)
    })
  } catch (error) {
    throw late.signal.aborted ? late.signal.reason : error
  } finally {
    cancel()
  }
}

/** No more of it than can be told. */
async function read(answer: IncomingMessage): Promise<Posted> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= ANSWER_BYTES_MAX) break
  }
  answer.destroy()
  return { status: answer.statusCode ?? 0, text: Buffer.concat(pieces).subarray(0, ANSWER_BYTES_MAX).toString() }
}
