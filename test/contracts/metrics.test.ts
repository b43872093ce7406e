/** What Prometheus' own checker says of the metrics that every server has. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { openMetrics } from '../../src/platform/metrics.ts'
import { skipUnless } from '../services.ts'

test('promtool check metrics finds nothing to complain of', { skip: skipUnless('prometheus') }, async () => {
  const metrics = openMetrics()
  metrics.counter({ name: 'seals_total', help: 'Segments sealed', labels: ['model'] }).inc({ model: 'a"b\\c\nd' })
  metrics.histogram({ name: 'seal_seconds', help: 'Time to seal', buckets: [0.1, 1] }).observe(0.5)
  metrics.family(() => '# HELP predictions_total Answers\n# TYPE predictions_total counter\npredictions_total 5\n')
  const check = (input: string) => spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
  const { status, stdout, stderr } = check((await metrics.expose()).text)
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
  assert.notEqual(check('# TYPE x_total gauge\nx_total 1\n').status, 0, 'and it does complain where it should')
})
