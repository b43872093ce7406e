/** The limits of rate that the configuration sets, with their buckets in this process or shared. */
import type { Config } from '../platform/config.ts'
import type { Log } from '../platform/log.ts'
import { memoryBuckets, openRates, type Rates, sharedBuckets } from './rates.ts'

/**
 * Undefined where no limit is set: then nothing is connected either.
 *
 * @param timer milliseconds, never going back.
 * @param closing takes how to let go of what was opened.
 */
export async function configuredRates(
  { limits, redis }: Pick<Config, 'limits' | 'redis'>,
  timer: () => number,
  log: Pick<Log, 'info' | 'warn'>,
  closing: (() => Promise<void>)[],
): Promise<Rates | undefined> {
  const own = memoryBuckets(timer)
  const alone = openRates(limits, own)
  if (alone === undefined || redis.url === '') return alone
  // Loaded where it is used: a server of its own starts without it.
  const { redisBuckets } = await import('../platform/redis-buckets.ts')
  const shared = redisBuckets(redis.url, log)
  closing.push(() => shared.close())
  return openRates(limits, sharedBuckets(shared, own))
}
