/** Messages of the assigned partitions, in batches, and no faster than they are taken. */
import type { Clients, KafkaMessage } from './kafka.ts'

export interface Intake {
  /** What has come, at most a batch; perhaps nothing. Throws what broke the stream. */
  take(): KafkaMessage[]
  /** Resolves when there may be more, or `wake` is called. */
  more(): Promise<void>
  wake(): void
  close(): Promise<void>
}

interface Offset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** Of one fetch; a message that is larger comes alone. */
const FETCH_BYTES_MAX = 4 * 1_048_576

export async function openIntake(
  consumer: Clients['consumer'],
  offsets: readonly Offset[],
  { topic, batchMax }: { readonly topic: string; readonly batchMax: number },
): Promise<Intake> {
  const next = new Map(offsets.map(({ partition, offset }) => [partition, offset]))
  const stream = await consumer.consume({
    topics: [topic],
    autocommit: false,
    mode: 'manual',
    offsets: [...offsets],
    // A fetch is begun when what the last one brought is taken: two of them are held at most, however large messages are.
    highWaterMark: 1,
    maxBytes: FETCH_BYTES_MAX,
    maxBytesPerPartition: FETCH_BYTES_MAX,
  })
  let failure: unknown
  let isAwake = false
  let resume: (() => void) | undefined
  const wake = (): void => {
    isAwake = true
    resume?.()
  }
  const broken = (error: unknown): void => {
    failure ??= error
    wake()
  }
  stream.on('readable', wake)
  stream.on('error', broken)
  const ended = (): void => broken(new Error('Cannot read on: the stream of messages has ended'))
  stream.on('close', ended)
  for (const event of ['consumer:group:join', 'consumer:group:rebalance'] as const) consumer.on(event, wake)
  return {
    take(): KafkaMessage[] {
      const batch: KafkaMessage[] = []
      while (batch.length < batchMax) {
        const message = stream.read() as KafkaMessage | null
        if (message === null) break
        // Only what is assigned, and each message once: a fetch under way may bring others.
        const wanted = next.get(message.partition)
        if (wanted === undefined || message.offset < wanted) continue
        next.set(message.partition, message.offset + 1n)
        batch.push(message)
      }
      if (batch.length === 0 && failure !== undefined) throw failure
      return batch
    },
    async more(): Promise<void> {
      if (!isAwake) await new Promise<void>(resolve => (resume = resolve))
      isAwake = false
      resume = undefined
    },
    wake,
    async close(): Promise<void> {
      for (const event of ['consumer:group:join', 'consumer:group:rebalance'] as const) consumer.off(event, wake)
      stream.off('close', ended)
      await stream.close()
    },
  }
}
