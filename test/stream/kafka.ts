/** A Kafka of a test's own: one broker in KRaft mode on free ports, in a temporary folder, stopped by its pid. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  Admin,
  Consumer,
  Producer,
  stringDeserializers,
  stringSerializer,
  stringSerializers,
} from '@platformatic/kafka'
import { withoutAborted } from '../../src/serving/stream/aborted.ts'
import { temporaryFolder } from '../server.ts'
import { KAFKA } from '../services.ts'

const START_MS_MAX = 60_000
const PLAIN: KafkaMore = { properties: {}, formatted: [] }
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qg'

/** Texts, and values also as they are. */
const serializers = {
  ...stringSerializers,
  value: (value?: string | Buffer): Buffer | undefined => (Buffer.isBuffer(value) ? value : stringSerializer(value)),
}

export interface Message {
  readonly topic: string
  readonly key: string | undefined
  readonly value: string
  readonly headers: ReadonlyMap<string, string>
  readonly partition: number
}

/** A message whose value is perhaps no text. */
export interface MessageBytes extends Omit<Message, 'value'> {
  readonly value: Buffer
}

export interface TestKafka {
  readonly brokers: string
  createTopic(name: string, partitions: number): Promise<void>
  send(topic: string, messages: readonly (Sent | SentBytes)[]): Promise<void>
  /** Committed messages of the topics from their start, until `isEnough` says so. */
  read(topics: readonly string[], isEnough: (messages: readonly Message[]) => boolean): Promise<Message[]>
  /** The same, values as they are. */
  readBytes(
    topics: readonly string[],
    isEnough: (messages: readonly MessageBytes[]) => boolean,
  ): Promise<MessageBytes[]>
  /** All committed messages that are there now. */
  readAll(topics: readonly string[]): Promise<Message[]>
  stop(): Promise<void>
}

export interface Sent {
  readonly value: string
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A message whose value is no text. */
export interface SentBytes extends Omit<Sent, 'value'> {
  readonly value: Buffer
}

/** What a broker has beside its listener in clear. */
export interface KafkaMore {
  readonly properties: Readonly<Record<string, string>>
  /** Of the storage tool. */
  readonly formatted: readonly string[]
}

export async function startKafka({ properties: more, formatted: told }: KafkaMore = PLAIN): Promise<TestKafka> {
  const folder = temporaryFolder()
  const [port, controller] = [await freePort(), await freePort()]
  const properties = join(folder, 'server.properties')
  writeFileSync(properties, propertiesOf(folder, port, controller, more))
  const java = ['-Xmx256m', '-cp', `${KAFKA}/*`]
  const format = [...java, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', properties, ...told]
  const formatted = spawnSync('java', format)
  if (formatted.status !== 0) throw new Error(`Cannot format Kafka's storage: ${formatted.stderr}`)
  const broker = spawn('java', [...java, 'kafka.Kafka', properties], { stdio: 'ignore' })
  const brokers = `127.0.0.1:${port}`
  const connection = { clientId: 'test', bootstrapBrokers: [brokers], retries: 20, retryDelay: 200 }
  const admin = new Admin(connection)
  await answering(admin)
  const producer = new Producer({ ...connection, serializers })
  return {
    brokers,
    async createTopic(name, partitions): Promise<void> {
      await admin.createTopics({ topics: [name], partitions, replicas: 1 })
    },
    async send(topic, messages): Promise<void> {
      await producer.send({ messages: messages.map(message => ({ topic, ...message })) })
    },
    read: (topics, isEnough) => read(connection, topics, isEnough),
    readBytes: (topics, isEnough) => readBytes(connection, topics, isEnough),
    async readAll(topics): Promise<Message[]> {
      // Of each partition, what the ends say: markers of transactions count among offsets, and are no messages.
      const marks = topics.map(() => `end-${crypto.randomUUID()}`)
      for (const [at, topic] of topics.entries()) {
        const partitions = (await admin.metadata({ topics: [topic] })).topics.get(topic)!.partitionsCount
        const ends = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, value: marks[at]! }))
        await producer.send({ messages: ends })
      }
      const partitionsOf = (await admin.metadata({ topics: [...topics] })).topics
      const wanted = topics.reduce((sum, topic) => sum + partitionsOf.get(topic)!.partitionsCount, 0)
      const isMark = ({ value }: Message): boolean => value.startsWith('end-')
      const found = await read(
        connection,
        topics,
        messages => messages.filter(({ value }) => marks.includes(value)).length === wanted,
      )
      return found.filter(message => !isMark(message))
    },
    async stop(): Promise<void> {
      await Promise.allSettled([producer.close(true), admin.close()])
      await killed(broker)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function propertiesOf(folder: string, port: number, controller: number, more: KafkaMore['properties']): string {
  const { listeners = '' } = more
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    ...more,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}${listeners}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${listeners}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    'auto.create.topics.enable': false,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

export function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function answering(admin: Admin): Promise<void> {
  const deadline = Date.now() + START_MS_MAX
  for (;;) {
    try {
      await admin.listTopics()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }
}

interface ReaderConnection {
  readonly clientId: string
  readonly bootstrapBrokers: string[]
}

async function read(
  connection: ReaderConnection,
  topics: readonly string[],
  isEnough: (messages: readonly Message[]) => boolean,
): Promise<Message[]> {
  const found: Message[] = []
  await readBytes(connection, topics, messages => {
    const last = messages.at(-1)!
    found.push({ ...last, value: last.value.toString() })
    return isEnough(found)
  })
  return found
}

async function readBytes(
  connection: ReaderConnection,
  topics: readonly string[],
  isEnough: (messages: readonly MessageBytes[]) => boolean,
): Promise<MessageBytes[]> {
  const consumer = new Consumer({
    ...connection,
    groupId: `reader-${crypto.randomUUID()}`,
    deserializers: { ...stringDeserializers, value: (bytes?: Buffer) => bytes ?? Buffer.alloc(0) },
    autocommit: false,
    maxWaitTime: 100,
  })
  withoutAborted(consumer)
  const stream = await consumer.consume({ topics: [...topics], mode: 'earliest', autocommit: false })
  const found: MessageBytes[] = []
  for await (const { topic, partition, key, value, headers } of stream) {
    found.push({ topic, partition, key, value, headers: headers as ReadonlyMap<string, string> })
    if (isEnough(found)) break
  }
  await consumer.close(true)
  return found
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
