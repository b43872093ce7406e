import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastingMetrics, mergeMetrics } from './merge-metrics.ts'

const HISTOGRAM = `# HELP took_seconds How long.
# TYPE took_seconds histogram
took_seconds_bucket{model="a} b",le="0.1"} 3 # {trace_id="x"} 0.05 1.5
took_seconds_bucket{model="a} b",le="+Inf"} 4
took_seconds_sum{model="a} b"} 1.25
took_seconds_count{model="a} b"} 4
`
const OWN = `# HELP process_resident_memory_bytes Memory.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1000
# HELP nodejs_gc_duration_seconds GC.
# TYPE nodejs_gc_duration_seconds histogram
nodejs_gc_duration_seconds_count{kind="minor"} 5
`
const ASKED = `# HELP asked_total Asked.
# TYPE asked_total counter
asked_total{code="ok \\" # 1"} 2
# HELP loaded_bytes Loaded.
# TYPE loaded_bytes gauge
loaded_bytes 10
`

test('what processes counted is added up, what they are stays apart', () => {
  const merged = mergeMetrics(OWN + ASKED, [
    { text: OWN + HISTOGRAM + ASKED, label: 'worker="1"' },
    { text: HISTOGRAM.replace('"x"', '"y"') + ASKED, label: 'worker="2"' },
  ])
  assert.equal(
    merged,
    `# HELP process_resident_memory_bytes Memory.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1000
process_resident_memory_bytes{worker="1"} 1000
# HELP nodejs_gc_duration_seconds GC.
# TYPE nodejs_gc_duration_seconds histogram
nodejs_gc_duration_seconds_count{kind="minor"} 5
nodejs_gc_duration_seconds_count{kind="minor",worker="1"} 5
# HELP asked_total Asked.
# TYPE asked_total counter
asked_total{code="ok \\" # 1"} 6
# HELP loaded_bytes Loaded.
# TYPE loaded_bytes gauge
loaded_bytes 30
# HELP took_seconds How long.
# TYPE took_seconds histogram
took_seconds_bucket{model="a} b",le="0.1"} 6 # {trace_id="y"} 0.05 1.5
took_seconds_bucket{model="a} b",le="+Inf"} 8
took_seconds_sum{model="a} b"} 2.5
took_seconds_count{model="a} b"} 8
`,
  )
})

test('a process that is gone leaves what it counted, and nothing that it was', () => {
  const lasting = lastingMetrics(OWN + HISTOGRAM + ASKED)
  assert.equal(lasting, `${HISTOGRAM}${ASKED.split('\n').slice(0, 3).join('\n')}\n`)
  assert.equal(mergeMetrics(lasting, []), lasting)
})
