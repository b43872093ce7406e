/** For whom a proxy asks: believed only of proxies that the configuration names, or every caller could choose an address. */
import { BlockList, isIP, isIPv6 } from 'node:net'
import { Problem } from '../errors.ts'

export interface Proxies {
  /** Address of the caller behind a connection: the last one of `X-Forwarded-For` that is no proxy of ours. */
  callerOf(address: string, forwardedFor: string | string[] | undefined): string
}

/** @param list addresses and networks, separated by commas. Undefined where it is empty. Throws `misconfigured`. */
export function trustedProxies(list: string): Proxies | undefined {
  const items = list.split(',').map(item => item.trim())
  const named = items.filter(item => item !== '')
  if (named.length === 0) return undefined
  const trusted = new BlockList()
  for (const item of named) add(trusted, item)
  const isTrusted = (address: string): boolean => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  return {
    callerOf(address, forwardedFor) {
      if (forwardedFor === undefined || isIP(address) === 0 || !isTrusted(address)) return address
      const chain = String(forwardedFor).split(',')
      let caller = address
      while (chain.length > 0) {
        const next = bare(chain.pop()!.trim())
        // What is no address was not written by a proxy: the last one that was stands.
        if (isIP(next) === 0) return caller
        caller = next
        if (!isTrusted(caller)) return caller
      }
      return caller
    },
  }
}

/** Some proxies write a port behind the address. */
function bare(text: string): string {
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

function add(trusted: BlockList, item: string): void {
  const [address = '', prefix] = item.split('/')
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  const bits = Number(prefix)
  try {
    if (prefix === undefined) trusted.addAddress(address, family)
    else if (/^\d+$/.test(prefix)) trusted.addSubnet(address, bits, family)
    else throw new Error('the length of its prefix is no number')
  } catch (error) {
    const wanted = 'wanted addresses and networks such as 10.0.0.0/8, ::1'
    throw new Problem('misconfigured', `Cannot use server.trustedProxies: it has ${JSON.stringify(item)}, ${wanted}`, {
      cause: error,
    })
  }
}
