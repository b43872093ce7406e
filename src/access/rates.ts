/**
 * How often may somebody ask: token buckets for each address, each caller and each model. A request takes a token of each
 * bucket that concerns it, or, where one is empty, of none.
 */
import { isIPv6 } from 'node:net'
import { Problem } from '../errors.ts'
import type { SharedBuckets } from '../platform/redis-buckets.ts'
import { type Buckets, type Level, openBuckets, type Quota } from '../platform/token-bucket.ts'
import type { Actor } from '../route.ts'
import { OWNER } from './access.ts'

export type Scope = 'address' | 'key' | 'model'

/** Requests a second, and for how many seconds' worth of them a bucket has room; a rate of 0 is no limit. */
export interface RateSettings {
  readonly addressRate: number
  readonly keyRate: number
  readonly modelRate: number
  readonly burstSeconds: number
}

/** Whom a request comes from and what it asks. */
export interface Asking {
  /** Address of the caller; empty where there is none, as of a stream that is read: it is not limited. */
  readonly source: string
  /** Undefined while nobody knows who calls. The owner of the data folder is not limited. */
  readonly actor: Actor | undefined
  /** Undefined where no model that exists is asked. */
  readonly model: string | undefined
}

/** What became of asking. */
export interface Taken {
  /** `rate_limited`, where a bucket was empty. It carries the headers itself. */
  readonly problem: Problem | undefined
  /** `RateLimit-*` for the answer. */
  readonly headers: Readonly<Record<string, string>>
}

/** Where the buckets are: in this process, or shared with other replicas. */
export interface BucketStore {
  /** Takes a token of each bucket, or of none where one is empty; the levels in the order of the names. */
  takeAll(names: readonly string[], quotas: readonly Quota[]): readonly Level[] | Promise<readonly Level[]>
}

export interface Rates {
  /** Undefined where no limit concerns it. At once where the buckets are in memory. */
  take(asking: Asking): Taken | undefined | Promise<Taken>
}

/** The rates that are set, or undefined where none is. */
export function openRates(settings: RateSettings, store: BucketStore): Rates | undefined {
  const quotas = {
    address: quotaOf(settings.addressRate, settings.burstSeconds),
    key: quotaOf(settings.keyRate, settings.burstSeconds),
    model: quotaOf(settings.modelRate, settings.burstSeconds),
  }
  if (quotas.address === undefined && quotas.key === undefined && quotas.model === undefined) return undefined
  return {
    take(asking) {
      const limits = limitsOf(asking, quotas)
      if (limits.length === 0) return undefined
      const levels = store.takeAll(
        limits.map(({ scope, name }) => `${scope}:${name}`),
        limits.map(({ quota }) => quota),
      )
      return levels instanceof Promise ? levels.then(found => taken(limits, found)) : taken(limits, levels)
    },
  }
}

function quotaOf(perSecond: number, burstSeconds: number): Quota | undefined {
  return perSecond === 0 ? undefined : { perSecond, burst: Math.max(1, Math.floor(perSecond * burstSeconds)) }
}

interface Limit {
  readonly scope: Scope
  readonly name: string
  readonly quota: Quota
}

function limitsOf(
  { source, actor, model }: Asking,
  { address, key, model: ofModel }: Readonly<Record<Scope, Quota | undefined>>,
): Limit[] {
  const limits: Limit[] = []
  if (source === '' || actor === OWNER) return limits
  if (address !== undefined) limits.push({ scope: 'address', name: networkOf(source), quota: address })
  if (key !== undefined && actor !== undefined) limits.push({ scope: 'key', name: actor.id, quota: key })
  if (ofModel !== undefined && model !== undefined) limits.push({ scope: 'model', name: model, quota: ofModel })
  return limits
}

/** An IPv4 address; of IPv6 the network that one customer gets, 64 bits, or there would be more addresses than buckets. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]!.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const behind = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0)
    while (groups.length < 8 - behind) groups.push('0')
    if (tail !== '') groups.push(...tail.split(':'))
  }
  return `${groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

function taken(limits: readonly Limit[], levels: readonly Level[]): Taken {
  const headers = headersOf(limits, levels)
  const empty = levels.findIndex(({ waitMs }) => waitMs > 0)
  if (empty === -1) return { problem: undefined, headers }
  const { scope, quota } = limits[empty]!
  const retryAfterSeconds = Math.max(1, ...levels.map(({ waitMs }) => Math.ceil(waitMs / 1000)))
  const message = `Cannot answer now: ${WORDS[scope]} more than ${rateText(quota)}`
  return { problem: new Problem('rate_limited', message, { retryAfterSeconds, headers }), headers }
}

const WORDS: Readonly<Record<Scope, string>> = {
  address: 'this address asks',
  key: 'this caller asks',
  model: 'this model is asked',
}

function rateText({ perSecond, burst }: Quota): string {
  return `${perSecond} times a second, or ${burst} times at once`
}

/**
 * As draft-ietf-httpapi-ratelimit-headers-10 has them, and beside them the three of its earlier versions, which more clients
 * read: those tell of the bucket that is emptiest.
 */
function headersOf(limits: readonly Limit[], levels: readonly Level[]): Record<string, string> {
  const policies = limits.map(({ scope, quota }) => `"${scope}";q=${quota.burst};w=${windowSeconds(quota)}`)
  const standing = limits.map(
    ({ scope }, at) => `"${scope}";r=${levels[at]!.left};t=${Math.ceil(levels[at]!.fullInMs / 1000)}`,
  )
  let least = 0
  for (let at = 1; at < levels.length; at++) if (levels[at]!.left < levels[least]!.left) least = at
  return {
    'ratelimit-policy': policies.join(', '),
    ratelimit: standing.join(', '),
    'ratelimit-limit': String(limits[least]!.quota.burst),
    'ratelimit-remaining': String(levels[least]!.left),
    'ratelimit-reset': String(Math.ceil(levels[least]!.fullInMs / 1000)),
  }
}

function windowSeconds({ perSecond, burst }: Quota): number {
  return Math.max(1, Math.ceil(burst / perSecond))
}

/** Addresses, callers and models that are remembered: some ten megabytes. */
const NAMES_MAX = 100_000

/** Buckets of this process. @param timer milliseconds, never going back. */
export function memoryBuckets(timer: () => number, buckets: Buckets = openBuckets(NAMES_MAX)): BucketStore {
  return {
    takeAll(names, quotas) {
      const now = timer()
      const levels = names.map((name, at) => buckets.look(name, quotas[at]!, now))
      if (levels.every(({ waitMs }) => waitMs === 0)) {
        for (let at = 0; at < names.length; at++) buckets.take(names[at]!, quotas[at]!, now)
      }
      return levels
    },
  }
}

/** Shared buckets; those of this process while the others cannot be reached. */
export function sharedBuckets(shared: Pick<SharedBuckets, 'takeAll'>, own: BucketStore): BucketStore {
  return { takeAll: (names, quotas) => shared.takeAll(names, quotas).catch(() => own.takeAll(names, quotas)) }
}
