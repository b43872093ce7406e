/** The clients of Kafka that the stream holds, and what it asks them. */
import { Admin, Consumer, type Message, Producer, stringDeserializer, stringSerializer } from '@platformatic/kafka'
import type { StreamConfig } from '../../platform/config-stream.ts'
import { withoutAborted } from './aborted.ts'
import { brokerSecurity } from './broker-security.ts'
import { withoutLeaving } from './static-member.ts'

export type KafkaMessage = Message<Buffer, Buffer, string, string>

export interface Clients {
  readonly admin: Admin
  readonly consumer: Consumer<Buffer, Buffer, string, string>
  readonly producer: Producer<Buffer, Buffer, string, string>
  /** Leaves the group. */
  close(): Promise<void>
}

/** Of `ListOffsets`: Kafka protocol, `timestamp`. */
const EARLIEST = -2n
const LATEST = -1n

const REBALANCE_MS = 20_000
/** Signs of life in a session: one that is lost does no harm. */
const HEARTBEATS_IN_SESSION = 3
const HEARTBEAT_MS_MAX = 2_000
const RETRY_MS = 200
const RETRIES = 10

const raw = (bytes?: Buffer): Buffer | undefined => bytes

/** @param instance the same for each start of the same data folder, and for nothing else: a new process puts an end to the transactions of the one before. */
export function openClients(config: StreamConfig, instance: string): Clients {
  const connection = {
    clientId: 'bellwether',
    bootstrapBrokers: config.brokers.split(','),
    retries: RETRIES,
    retryDelay: RETRY_MS,
    ...brokerSecurity(config),
  }
  const admin = new Admin(connection)
  const consumer = new Consumer<Buffer, Buffer, string, string>({
    ...connection,
    groupId: config.group,
    autocommit: false,
    ...(config.instanceId !== '' && { groupInstanceId: config.instanceId }),
    sessionTimeout: config.sessionMs,
    rebalanceTimeout: Math.max(REBALANCE_MS, config.sessionMs),
    heartbeatInterval: Math.min(HEARTBEAT_MS_MAX, Math.floor(config.sessionMs / HEARTBEATS_IN_SESSION)),
    isolationLevel: 1,
    maxWaitTime: 500,
    deserializers: { key: raw, value: raw, headerKey: stringDeserializer, headerValue: stringDeserializer },
  })
  withoutAborted(consumer)
  if (config.instanceId !== '') withoutLeaving(consumer)
  const producer = new Producer<Buffer, Buffer, string, string>({
    ...connection,
    idempotent: true,
    transactionalId: `${config.group}-${instance}`,
    serializers: { key: raw, value: raw, headerKey: stringSerializer, headerValue: stringSerializer },
  })
  // Errors come to whoever called; without a listener, those of the background would end the process.
  for (const client of [admin, consumer, producer]) client.on('error', () => undefined)
  return {
    admin,
    consumer,
    producer,
    async close(): Promise<void> {
      await Promise.allSettled([consumer.close(true), producer.close(true), admin.close()])
    },
  }
}

export interface Positions {
  /** Where to go on, by partition of this process. */
  readonly next: ReadonlyMap<number, bigint>
  /** Of the whole group, by partition: what is before it is answered. */
  readonly committed: ReadonlyMap<number, bigint>
}

/**
 * Where the group stands. Waits for transactions that are about to end (`requireStable`, KIP-447): a predecessor's commit
 * must not come after we have looked.
 */
export async function positionsOf({ admin, consumer }: Clients, { group, input }: StreamConfig): Promise<Positions> {
  const earliest = (await consumer.listOffsets({ topics: [input], timestamp: EARLIEST })).get(input) ?? []
  const topics = [{ name: input, partitionIndexes: [...earliest.keys()] }]
  const groups = await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }], requireStable: true })
  const committed = new Map<number, bigint>()
  for (const { partitionIndex, committedOffset } of groups[0]?.topics[0]?.partitions ?? [])
    if (committedOffset >= 0n) committed.set(partitionIndex, committedOffset)
  const mine = consumer.assignments?.find(({ topic }) => topic === input)?.partitions ?? []
  const next = mine.map(partition => {
    const first = earliest[partition] ?? 0n
    const found = committed.get(partition) ?? first
    return [partition, found > first ? found : first] as const
  })
  return { next: new Map(next), committed }
}

/** How many messages wait in each partition. */
export async function lagOf(
  { consumer }: Clients,
  topic: string,
  next: ReadonlyMap<number, bigint>,
): Promise<ReadonlyMap<number, bigint>> {
  const ends = (await consumer.listOffsets({ topics: [topic], timestamp: LATEST })).get(topic) ?? []
  return new Map([...next].map(([partition, at]) => [partition, (ends[partition] ?? at) - at]))
}
