/**
 * A member that keeps its place while it is started again does not say goodbye (KIP-345): the broker gives its partitions to others
 * only when its session is over. The client (@platformatic/kafka 2.12) joins by such a name, and takes leave all the same.
 */
import { type Consumer, kGetApi } from '@platformatic/kafka'

type Api = (...args: unknown[]) => unknown
type GetApi = (name: string, callback: (error: Error | null, api?: Api) => void) => void

/** Changes how the consumer leaves its group, in place. */
export function withoutLeaving<Key, Value, HeaderKey, HeaderValue>(
  consumer: Consumer<Key, Value, HeaderKey, HeaderValue>,
): void {
  const open = consumer as unknown as { [kGetApi]: GetApi }
  const getApi = open[kGetApi].bind(consumer)
  open[kGetApi] = (name, callback) => (name === 'LeaveGroup' ? callback(null, stay) : getApi(name, callback))
}

function stay(...args: unknown[]): void {
  const callback = args.at(-1) as (error: null, response: object) => void
  callback(null, {})
}
