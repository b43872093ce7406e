import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countsText } from './counts-text.ts'

test('families only of what there is, times in seconds', () => {
  assert.equal(countsText([]), '')
  const text = countsText([
    { kind: 'remote', name: 'a@1.0.0', counts: { requests: 3, busyMs: 1500, open: 1 } },
    { kind: 'remote', name: 'b@2.0.0-rc.1', counts: {} },
    { kind: 'onnx-graph', name: 'c@1.0.0', counts: { runs: 2, rows: 9 } },
  ])
  assert.match(
    text,
    /^# HELP remote_circuit_open .*\n# TYPE remote_circuit_open gauge\nremote_circuit_open\{model="a",version="1\.0\.0"\} 1\n/,
  )
  assert.match(
    text,
    /# TYPE remote_requests_total counter\nremote_requests_total\{model="a",version="1\.0\.0"\} 3\nremote_requests_total\{model="b",version="2\.0\.0-rc\.1"\} 0\n/,
  )
  assert.match(text, /remote_busy_seconds_total\{model="a",version="1\.0\.0"\} 1\.5\n/)
  assert.match(text, /# TYPE onnxruntime_rows_total counter\nonnxruntime_rows_total\{model="c",version="1\.0\.0"\} 9\n/)
  assert.doesNotMatch(text, /python/)
})
