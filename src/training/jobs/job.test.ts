import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../../errors.ts'
import { commandOf, readJob, withParameters } from './job.ts'

test('whatever is given is a job, or a problem that names its fields; a job read again is itself', () => {
  const keys = ['name', 'command', 'parameters', 'data', 'outputs', 'environment', 'resources', 'timeLimit', 'seed']
  const anything = fc.oneof(fc.constant('a'), fc.constant(['a']), fc.constant('2h'), fc.jsonValue())
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), anything), given => {
      try {
        const job = readJob(given)
        assert.deepEqual(readJob(JSON.parse(JSON.stringify(job))), job)
      } catch (error) {
        assert.ok(error instanceof Problem && error.fields.length > 0, String(error))
      }
    }),
    { numRuns: 300 },
  )
})

test('values stand in the command as they are, not as words for a shell', () => {
  const job = readJob({
    name: 'a',
    command: ['train', '{{ word }}', 'x={{seed}}', '{{data.train}}', '{ {'],
    parameters: { word: '$(rm -rf /) {{seed}}' },
    data: { train: 't.csv' },
    seed: 3,
  })
  const command = commandOf(job, { train: '/d/t.csv' })
  assert.deepEqual(command, ['train', '$(rm -rf /) {{seed}}', 'x=3', '/d/t.csv', '{ {'])
})

test('other values are for parameters that there are', () => {
  const job = readJob({ name: 'a', command: ['a'], parameters: { depth: 3 } })
  assert.deepEqual(withParameters(job, ['depth=4'], Number).parameters, { depth: 4 })
  assert.throws(() => withParameters(job, ['dept=4'], Number), /the job has depth/)
  assert.throws(() => withParameters(job, ['depth'], Number), /wanted NAME=VALUE/)
})
