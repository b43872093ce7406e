/**
 * A server without keys takes everybody for its owner, so only programs of the same machine may reach it, and no web page that
 * a browser on this machine happens to show.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { Problem } from '../errors.ts'

/** Whether a host name or address, as one binds to it, can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (name === 'localhost') return true
  if (isIPv4(name)) return name.startsWith('127.')
  if (!isIPv6(name)) return false
  // An address has many spellings; a URL knows one.
  const address = new URL(`http://[${name.replace(/%.*$/, '')}]`).hostname
  return address === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(address)
}

/** Throws `misconfigured` where a server without keys is to be bound to more than loopback. */
export function judgeBinding({ host, hasKeys }: { readonly host: string; readonly hasKeys: boolean }): void {
  if (hasKeys || isLoopback(host)) return
  throw new Problem(
    'misconfigured',
    `Cannot bind to ${host}: there is no key yet, so whoever reaches the server could do anything; make one with ` +
      '`bellwether key create --name NAME --role admin`, or bind to 127.0.0.1',
  )
}

/**
 * Throws `forbidden` for a request that a browser sends on behalf of somebody else's page. By its `Host` one that reached us
 * through a foreign name (DNS rebinding); by its `Origin` one that a page of another origin makes. Programs that are no
 * browsers send no `Origin`, and may leave out `Host`.
 */
export function keylessGuard(host: string | undefined, origin: string | undefined): void {
  if (host !== undefined && host === latestLoopback && origin === undefined) return
  if (host !== undefined && !isLoopback(nameOf(host))) {
    throw refusal(`the Host header names ${shown(host)}, while there are no keys only a loopback name is answered`)
  }
  if (origin !== undefined && (host === undefined || origin.toLowerCase() !== `http://${host.toLowerCase()}`)) {
    throw refusal(`the Origin header names ${shown(origin)}, while there are no keys pages of others are refused`)
  }
  latestLoopback = host
}

/** The `Host` that was found to be this machine last: the next request nearly always has the same. */
let latestLoopback: string | undefined

/** The name in a `Host` header, without its port. */
function nameOf(host: string): string {
  return /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host)?.[1] ?? ''
}

function refusal(reason: string): Problem {
  return new Problem('forbidden', `Cannot answer: ${reason}`)
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
