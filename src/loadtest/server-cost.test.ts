import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client } from '../client.ts'
import { samplesOf, serverCost, serverState } from './server-cost.ts'

const TEXT = `# HELP process_cpu_seconds_total Processor time
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
process_resident_memory_bytes 1.2e8 1790000000000
predictions_total{model="a } \\" b",arm="x"} 3
predictions_total{model="c"} 4 # {trace_id="4bf92f35"} 1
predictions_total_other 9
`

test('samplesOf() reads the samples of one name, whatever stands in its labels', () => {
  assert.deepEqual(samplesOf(TEXT, 'predictions_total'), [
    { labels: 'model="a } \\" b",arm="x"', value: 3 },
    { labels: 'model="c"', value: 4 },
  ])
  assert.deepEqual(samplesOf(TEXT, 'none'), [])
})

test('serverState() reads what there is, and nothing where the metrics may not be read', async () => {
  const open = client(async () => new Response(TEXT))
  assert.deepEqual(await serverState(open), { cpuSeconds: 12.5, residentBytes: 1.2e8 })
  assert.deepEqual(await serverState(client(async () => new Response('no', { status: 403 }))), {})
  assert.deepEqual(await serverState(client(async () => new Response('<html>'))), {})
})

test('serverCost() divides what was used by what was sent', () => {
  assert.deepEqual(serverCost({ cpuSeconds: 1 }, { cpuSeconds: 3, residentBytes: 5 }, 1000), {
    cpuUs: 2000,
    residentBytes: 5,
  })
  assert.deepEqual(serverCost({ cpuSeconds: 3 }, { cpuSeconds: 1 }, 1000), {}, 'it was started again meanwhile')
  assert.deepEqual(serverCost({}, { cpuSeconds: 1 }, 1000), {})
  assert.deepEqual(serverCost({ cpuSeconds: 1 }, { cpuSeconds: 3 }, 0), {})
})
