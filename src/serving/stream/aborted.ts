/**
 * Leaves out what transactions that were aborted wrote. The client (@platformatic/kafka 2.12) does so for the last one of a
 * producer in each answer of a broker only; the messages of those before it come as if they were committed.
 */
import type { Consumer, FetchOptions } from '@platformatic/kafka'

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
      readonly abortedTransactions?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
      readonly records?: readonly Batch[] | null
    }[]
  }[]
}

/** Bits of a batch's attributes: Kafka's protocol, "Record Batch". */
const IS_TRANSACTIONAL = 0x10
const IS_CONTROL = 0x20
/** A control record's key: its version, then this for "aborted", each in two bytes. */
const ABORT = 0

/** Changes the consumer's fetches in place. */
export function withoutAborted<Key, Value, HeaderKey, HeaderValue>(
  consumer: Consumer<Key, Value, HeaderKey, HeaderValue>,
): void {
  type Callback = (error: Error | null, response?: Fetched) => void
  const fetched = consumer.fetch.bind(consumer) as (
    options: FetchOptions<Key, Value, HeaderKey, HeaderValue>,
    callback?: Callback,
  ) => unknown
  const filtered = (options: FetchOptions<Key, Value, HeaderKey, HeaderValue>, callback?: Callback): unknown =>
    fetched(
      options,
      callback &&
        ((error, response) => {
          if (response !== undefined && response !== null) emptyAborted(response)
          callback(error, response)
        }),
    )
  consumer.fetch = filtered as typeof consumer.fetch
}

/** Batches stay, for the reader's position; their records go. */
function emptyAborted({ responses }: Fetched): void {
  for (const { abortedTransactions, records } of responses.flatMap(({ partitions }) => partitions)) {
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
