/** Purpose: aborted transactions are not read. Method: a producer that aborts every other one, on a real broker. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { skipUnless } from '../services.ts'
import { startKafka } from './kafka.ts'

test('of many transactions of one producer, the aborted ones are not read', {
  skip: skipUnless('kafka'),
  timeout: 60_000,
}, async t => {
  const kafka = await startKafka()
  t.after(() => kafka.stop())
  await kafka.createTopic('aborted', 1)
  const bootstrapBrokers = [kafka.brokers]
  const options = {
    clientId: 'test',
    bootstrapBrokers,
    idempotent: true,
    transactionalId: 'one',
    retries: 20,
    retryDelay: 200,
  }
  const producer = new Producer({ ...options, serializers: stringSerializers })
  for (const value of ['a0', 'c1', 'a2', 'a3', 'c4', 'a5']) {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: [{ topic: 'aborted', value }] })
    await (value.startsWith('c') ? transaction.commit() : transaction.abort())
  }
  await producer.close()
  const found = await kafka.readAll(['aborted'])
  assert.deepEqual(
    found.map(({ value }) => value),
    ['c1', 'c4'],
  )
})
