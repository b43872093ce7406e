/**
 * Leaves out what transactions that were aborted wrote, in the place of the client (@platformatic/kafka 2.12), which knows one range
 * of aborted messages for each producer and answer of a broker: from several aborted transactions it lets messages of some pass, or
 * drops what was committed between them. Here the broker's list is gone through in order, and taken away before the client sees it.
 */
import { type Consumer, kGetApi } from '@platformatic/kafka'

interface Batch {
  readonly attributes: number
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly producerId: bigint
  records: { readonly key: Buffer | null }[]
}

interface Fetched {
  readonly responses: readonly {
    readonly partitions: readonly {
      abortedTransactions?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
      readonly records?: readonly Batch[] | null
    }[]
  }[]
}

/** Bits of a batch's attributes: Kafka's protocol, "Record Batch". */
const IS_TRANSACTIONAL = 0x10
const IS_CONTROL = 0x20
/** A control record's key: its version, then this for "aborted", each in two bytes. */
const ABORT = 0

/** Ends with what is called back with; before it come what the request is made of. */
type Api = (...args: [...unknown[], (error: Error | null, response?: Fetched) => void]) => unknown
type GetApi = (name: string, callback: (error: Error | null, api?: Api) => void) => void

/** Changes what the consumer fetches, in place. */
export function withoutAborted<Key, Value, HeaderKey, HeaderValue>(
  consumer: Consumer<Key, Value, HeaderKey, HeaderValue>,
): void {
  const open = consumer as unknown as { [kGetApi]: GetApi }
  const getApi = open[kGetApi].bind(consumer)
  open[kGetApi] = (name, callback) =>
    getApi(name, name === 'Fetch' ? (error, api) => callback(error, api && committed(api)) : callback)
}

function committed(fetch: Api): Api {
  return (...args) => {
    const callback = args.pop() as Parameters<Api>[number] as (error: Error | null, response?: Fetched) => void
    return fetch(...args, (error: Error | null, response?: Fetched) => {
      if (response !== undefined && response !== null) emptyAborted(response)
      callback(error, response)
    })
  }
}

/** Batches stay, for the reader's position; their records go. */
function emptyAborted({ responses }: Fetched): void {
  for (const partition of responses.flatMap(({ partitions }) => partitions)) {
    const { abortedTransactions, records } = partition
    partition.abortedTransactions = []
    if (!abortedTransactions?.length || !records) continue
    const coming = [...abortedTransactions].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
    const open = new Set<bigint>()
    for (const batch of records) {
      const last = batch.firstOffset + BigInt(batch.lastOffsetDelta)
      while (coming.length > 0 && coming[0]!.firstOffset <= last) open.add(coming.shift()!.producerId)
      if ((batch.attributes & IS_CONTROL) !== 0) {
        if (batch.records[0]?.key?.readInt16BE(2) === ABORT) open.delete(batch.producerId)
      } else if ((batch.attributes & IS_TRANSACTIONAL) !== 0 && open.has(batch.producerId)) batch.records = []
    }
  }
}
