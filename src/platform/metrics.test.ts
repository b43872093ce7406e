import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatFor, type Metrics, openMetrics } from './metrics.ts'

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0'

function filled(): Metrics {
  const metrics = openMetrics()
  metrics
    .counter({ name: 'seals_total', help: 'Segments «sealed» "so far"', labels: ['model'] })
    .inc({ model: 'a"b\\c\nd' }, 3)
  metrics.gauge({ name: 'queue_jobs', help: 'Jobs that wait' }).set(3)
  metrics.histogram({ name: 'seal_seconds', help: 'Time to seal', buckets: [0.1, 1] }).observe(0.5)
  metrics.family(format => {
    const exemplar = format === 'openmetrics' ? ' # {trace_id="4bf92f35"} 1 1790000000.123' : ''
    return `# HELP predictions_total Answers\n# TYPE predictions_total counter\npredictions_total{model="m"} 5${exemplar}\n`
  })
  metrics.family(() => '# HELP odd_total No counter\n# TYPE odd_total untyped\nodd_total 1')
  return metrics
}

test('expose() gives the Prometheus text format unless OpenMetrics is preferred', async () => {
  const { text, type } = await filled().expose()
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8')
  assert.match(text, /^# TYPE seals_total counter\nseals_total\{model="a\\"b\\\\c\\nd"\} 3$/m)
  assert.match(text, /^# TYPE predictions_total counter\npredictions_total\{model="m"\} 5$/m)
  assert.match(text, /^# TYPE odd_total untyped\nodd_total 1\n/m)
  assert.ok(!text.includes('# EOF'))
})

test('expose() in OpenMetrics names counters without _total, tells of exemplars and says where it ends', async () => {
  const { text, type } = await filled().expose(OPENMETRICS)
  assert.equal(type, 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  assert.match(text, /^# HELP seals Segments «sealed» \\"so far\\"\n# TYPE seals counter\nseals_total\{/m)
  assert.match(
    text,
    /^# TYPE predictions counter\npredictions_total\{model="m"\} 5 # \{trace_id="4bf92f35"\} 1 1790000000\.123$/m,
  )
  assert.match(text, /^# TYPE odd_total unknown$/m)
  assert.ok(text.endsWith('\n# EOF\n'))
})

/** Families in the order in which their headers come, each with the names of its samples. */
function families(text: string): { name: string; type: string; samples: string[] }[] {
  const found: { name: string; type: string; samples: string[] }[] = []
  for (const line of text.trimEnd().split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (keyword === 'HELP') found.push({ name, type: '', samples: [] })
    else if (keyword === 'TYPE') {
      assert.equal(found.at(-1)?.name, name)
      found.at(-1)!.type = rest
    } else if (line !== '# EOF') {
      const [, sample] = /^([a-z_:][a-z0-9_:]*)(?:\{.*\})? \S+(?: # \{.*\} \S+( \S+)?)?$/i.exec(line) ?? []
      assert.ok(sample, line)
      found.at(-1)?.samples.push(sample)
    }
  }
  return found
}

test('each format has every family once and no sample outside of its own', async () => {
  const suffixes: Record<string, RegExp> = { histogram: /^_(bucket|sum|count)$/, summary: /^(_sum|_count|)$/ }
  for (const [accept, ofCounter] of [
    ['', /^$/],
    [OPENMETRICS, /^_total$/],
  ] as const) {
    const found = families((await filled().expose(accept)).text)
    assert.equal(new Set(found.map(({ name }) => name)).size, found.length)
    for (const { name, type, samples } of found) {
      const suffix = type === 'counter' ? ofCounter : (suffixes[type] ?? /^$/)
      for (const sample of samples) assert.match(sample.slice(name.length), suffix, `${sample} in ${type} ${name}`)
      for (const sample of samples) assert.ok(sample.startsWith(name))
    }
  }
})

test('the process tells of itself', async () => {
  const { text } = await openMetrics().expose()
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_heap_size_used_bytes',
  ]) {
    assert.match(text, new RegExp(`^${name} [0-9.e+-]+$`, 'm'))
  }
})

test('names that would mislead are refused', () => {
  const metrics = openMetrics()
  assert.throws(() => metrics.counter({ name: 'seals', help: 'x' }), { message: /must end in _total/ })
  for (const name of ['Seals', 'seals-total', 'seals__x', '', '1x'])
    assert.throws(() => metrics.gauge({ name, help: 'x' }), { message: /snake case/ })
  assert.throws(() => metrics.gauge({ name: 'seals_total', help: 'x' }), {
    message: /Cannot make the gauge seals_total/,
  })
  metrics.gauge({ name: 'once', help: 'x' })
  assert.throws(() => metrics.gauge({ name: 'once', help: 'x' }), /already been registered/)
})

test('formatFor() follows the weights of the Accept header', () => {
  const cases: [string | undefined, string][] = [
    [undefined, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html,*/*;q=0.8', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1', 'openmetrics'],
    [
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      'openmetrics',
    ],
    ['application/openmetrics-text;q=0.2, text/plain', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=0.5, */*', 'prometheus'],
  ]
  for (const [accept, wanted] of cases) assert.equal(formatFor(accept), wanted, String(accept))
  fc.assert(fc.property(fc.string(), accept => ['prometheus', 'openmetrics'].includes(formatFor(accept))))
})
