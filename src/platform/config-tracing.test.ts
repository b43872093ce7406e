import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LoadedConfig, loadConfig } from './config.ts'

function loaded(env: Readonly<Record<string, string>>, cwd = '/nowhere'): LoadedConfig {
  return loadConfig({ flags: {}, env, cwd })
}

test("OpenTelemetry's variables say what ours do not", () => {
  const { config, origin, ignored } = loaded({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=general',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'api-key=traces%20only',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
    OTEL_SERVICE_NAME: 'churn-scoring',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,team=risk',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '.25',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_BSP_MAX_QUEUE_SIZE: '4096',
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_SDK_DISABLED: 'yes',
  })
  assert.deepEqual(config.tracing, {
    endpoint: 'http://collector:4318/v1/traces',
    sampler: 'parentbased_traceidratio',
    ratio: 0.25,
    protocol: 'http/protobuf',
    compression: 'gzip',
    headers: 'api-key=traces%20only',
    serviceName: 'churn-scoring',
    resource: 'deployment.environment.name=test,team=risk',
    timeoutMs: 2500,
    delayMs: 100,
    queueMax: 4096,
    disabled: 'false',
  })
  assert.equal(origin['tracing.ratio'], 'env OTEL_TRACES_SAMPLER_ARG')
  assert.equal(origin['tracing.headers'], 'env OTEL_EXPORTER_OTLP_TRACES_HEADERS')
  assert.deepEqual(ignored, [])
})

test('the address of traces is taken as it is, the general one is a root', () => {
  const endpoint = (env: Readonly<Record<string, string>>): string => loaded(env).config.tracing.endpoint
  const [own, general] = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']
  assert.equal(endpoint({ [general]: 'http://c:4318/otlp' }), 'http://c:4318/otlp/v1/traces')
  assert.equal(endpoint({ [own]: 'http://c:4318/spans', [general]: 'http://d' }), 'http://c:4318/spans')
  assert.equal(endpoint({ [own]: 'http://c:4318' }), 'http://c:4318/')
})

test('ours come before those of others, and a file of ours as well', t => {
  const cwd = mkdtempSync(join(tmpdir(), 'bellwether-tracing-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  writeFileSync(join(cwd, 'bellwether.yaml'), 'tracing: {ratio: 0.5, serviceName: ours}\n')
  const env = { OTEL_TRACES_SAMPLER_ARG: '0.1', OTEL_SERVICE_NAME: 'theirs', BELLWETHER_TRACING_RATIO: '0.75' }
  const { config } = loaded(env, cwd)
  assert.equal(config.tracing.ratio, 0.75)
  assert.equal(config.tracing.serviceName, 'ours')
})

test('tracing is disabled by either variable', () => {
  const disabled = (env: Readonly<Record<string, string>>): string => loaded(env).config.tracing.disabled
  assert.equal(disabled({ OTEL_SDK_DISABLED: 'TRUE' }), 'true')
  assert.equal(disabled({ OTEL_SDK_DISABLED: 'false', OTEL_TRACES_EXPORTER: 'none' }), 'true')
  assert.equal(disabled({ OTEL_SDK_DISABLED: 'false', OTEL_TRACES_EXPORTER: 'otlp' }), 'false')
})

test('what cannot be done is told and does not end a start: the variable may be meant for others', () => {
  const { config, ignored } = loaded({
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_TRACES_SAMPLER: 'jaeger_remote',
    OTEL_TRACES_SAMPLER_ARG: 'endpoint=http://x',
    OTEL_TRACES_EXPORTER: 'console',
  })
  assert.equal(config.tracing.protocol, 'http/protobuf')
  assert.equal(config.tracing.ratio, 1)
  assert.deepEqual(
    ignored.map(({ name }) => name),
    ['OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG', 'OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_TRACES_EXPORTER'],
  )
  assert.match(ignored[2]!.wanted!, /http\/protobuf/)
})
