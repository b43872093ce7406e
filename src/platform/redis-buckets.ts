/**
 * Token buckets that several processes share, in Redis or Valkey. One call takes a token of each bucket, or of none where one
 * is empty, at once for all processes: a script does it there, by the server's own clock.
 */
import { Redis } from 'ioredis'
import type { Log } from './log.ts'
import { type Level, levelOf, type Quota } from './token-bucket.ts'

export interface SharedBuckets {
  /** Rejects where the server does not answer in time. */
  takeAll(names: readonly string[], quotas: readonly Quota[]): Promise<readonly Level[]>
  close(): Promise<void>
}

/** A call that takes longer is given up: who asks has a limit of time as well. */
const ANSWER_MS_MAX = 250
const RETRY_MS_MAX = 2_000
/** One slot of a cluster for all: the script needs them together. */
const PREFIX = '{bellwether}:rate:'

/**
 * KEYS: buckets. ARGV: for each, tokens a second and tokens of a full one. A bucket is the moment at which it is full, in
 * milliseconds; it is forgotten then. Answers the present moment and what the buckets were before.
 */
const TAKE_ALL = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local before, after = {}, {}
local granted = true
for i, key in ipairs(KEYS) do
  local interval = 1000 / tonumber(ARGV[2 * i - 1])
  local full_at = tonumber(redis.call('GET', key) or '0')
  local full_in = math.max(full_at, now) - now + interval
  if full_in - interval * tonumber(ARGV[2 * i]) > 0.001 then granted = false end
  before[i] = string.format('%.3f', full_at)
  after[i] = full_in
end
if granted then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.3f', now + after[i]), 'PX', math.ceil(after[i]))
  end
end
table.insert(before, 1, string.format('%.3f', now))
return before
`

type TakeAll = (count: number, ...rest: (string | number)[]) => Promise<string[]>

/** @param url `redis://…` or `rediss://…`. Connects in the background, and again whenever the connection is lost. */
export function redisBuckets(url: string, log: Pick<Log, 'info' | 'warn'>): SharedBuckets {
  const redis = new Redis(url, {
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_MS_MAX,
    connectTimeout: RETRY_MS_MAX,
    retryStrategy: attempt => Math.min(attempt * 100, RETRY_MS_MAX),
  })
  tellConnection(redis, log)
  redis.defineCommand('bellwetherTakeAll', { lua: TAKE_ALL })
  const run = (redis as unknown as { readonly bellwetherTakeAll: TakeAll }).bellwetherTakeAll.bind(redis)
  return {
    async takeAll(names, quotas) {
      const keys = names.map(name => PREFIX + name)
      const settings = quotas.flatMap(({ perSecond, burst }) => [perSecond, burst])
      const [now, ...fullAt] = (await run(keys.length, ...keys, ...settings)).map(Number)
      return fullAt.map((at, i) => levelOf(at, quotas[i]!, now!))
    },
    async close() {
      redis.disconnect()
    },
  }
}

/** Once when it is lost, once when it is there again: a server that is away for an hour fills no log. */
function tellConnection(redis: Redis, log: Pick<Log, 'info' | 'warn'>): void {
  let isTold = false
  redis.on('error', (error: Error) => {
    if (isTold) return
    isTold = true
    log.warn({ error: error.message }, 'Cannot reach Redis: until it answers, each replica limits rates by itself')
  })
  redis.on('ready', () => {
    if (isTold) log.info({}, 'Redis answers again: replicas share their limits of rate')
    isTold = false
  })
}
