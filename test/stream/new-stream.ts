/** Streams of tests: topics, and data folders whose programs answer them. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { bellwether, type RunningServer, temporaryFolder } from '../server.ts'
import type { TestKafka } from './kafka.ts'

export interface Stream {
  readonly data: string
  readonly env: Readonly<Record<string, string>>
  readonly input: string
  readonly output: string
  readonly dead: string
}

/** Topics and a data folder with the tiny model; the topics of a name are made once. */
export async function newStream(t: TestContext, kafka: TestKafka, name: string, partitions: number): Promise<Stream> {
  const data = await newMember(t)
  const [input, output, dead] = [`${name}-in`, `${name}-out`, `${name}-in.dead-letters`]
  for (const topic of [input, output, dead]) await kafka.createTopic(topic, partitions)
  const env = {
    BELLWETHER_STREAM_BROKERS: kafka.brokers,
    BELLWETHER_STREAM_INPUT: input,
    BELLWETHER_STREAM_OUTPUT: output,
    BELLWETHER_STREAM_GROUP: name,
    BELLWETHER_STREAM_BATCH_MAX: '20',
  }
  return { data, env, input, output, dead }
}

/** What tests ask of a record. */
export interface Entry {
  readonly id: string
  readonly kind: string
  readonly door?: string
  readonly requestId: string
  readonly code?: string
  readonly subject?: string
}

/** Records and refusals of the stream. */
export async function entriesOf({ url }: RunningServer): Promise<Entry[]> {
  const text = await (await fetch(`${url}/audit/records`)).text()
  const all = text.trimEnd().split('\n')
  return all.map(line => JSON.parse(line) as Entry).filter(({ door }) => door === 'stream')
}

/** A data folder with the tiny model: one more member of a group. */
export async function newMember(t: TestContext): Promise<string> {
  const data = temporaryFolder()
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const artifact = `${data}-model.json`
  writeFileSync(artifact, tinyModel())
  const registered = await bellwether(['register', artifact, '--name', 'tiny', '--version', '1.0.0', '--data', data])
  assert.equal(registered.status, 0, registered.stderr)
  rmSync(artifact)
  return data
}
