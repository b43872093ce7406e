/** The buckets of the limits of rate that the configuration sets: in this process, or shared. */
import type { Config } from '../platform/config.ts'
import type { Log } from '../platform/log.ts'
import { type BucketStore, memoryBuckets, openRates, sharedBuckets } from './rates.ts'

/**
 * Undefined where no limit is set: then nothing is connected either.
 *
 * @param timer milliseconds, never going back.
 * @param closing takes how to let go of what was opened.
 */
export async function configuredBuckets(
  { limits, redis }: Pick<Config, 'limits' | 'redis'>,
  timer: () => number,
  log: Pick<Log, 'info' | 'warn'>,
  closing: (() => Promise<void>)[],
): Promise<BucketStore | undefined> {
  const own = memoryBuckets(timer)
  if (openRates(limits, own) === undefined) return undefined
  if (redis.url === '') return own
  // Loaded where it is used: a server of its own starts without it.
  const { redisBuckets } = await import('../platform/redis-buckets.ts')
  const shared = redisBuckets(redis.url, log)
  closing.push(() => shared.close())
  return sharedBuckets(shared, own)
}
