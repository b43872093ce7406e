import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { Problem } from '../errors.ts'
import { type ConfigSources, describeConfig, loadConfig } from './config.ts'
import { CONFIG_KEYS, type DottedKey } from './config-keys.ts'
import { temporaryFolder } from './temporary.suite.ts'

const NOWHERE: ConfigSources = { flags: {}, env: {}, cwd: '/nowhere' }
const MASTER = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='

const misconfigured =
  (...parts: string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Problem && error.code === 'misconfigured', String(error))
    for (const part of parts) assert.ok(error.message.includes(part), `«${part}» in: ${error.message}`)
    return true
  }

function at(config: object, key: string): unknown {
  return key.split('.').reduce<unknown>((inside, part) => (inside as Record<string, unknown>)[part], config)
}

/** A configuration file in a folder of its own. */
function written(t: TestContext, text: string): { cwd: string; path: string } {
  const cwd = temporaryFolder(t)
  const path = join(cwd, 'bellwether.yaml')
  writeFileSync(path, text)
  return { cwd, path }
}

/** For each key a value that is not its default. */
const OTHERS: Readonly<Record<DottedKey, string | number>> = {
  data: '/var/lib/bellwether',
  'server.host': '0.0.0.0',
  'server.port': 0,
  'server.grpcPort': 8081,
  'server.model': 'churn',
  'server.workers': 4,
  'database.url': 'postgres://ann:secret@db/bellwether',
  'log.level': 'warn',
  'keys.master': MASTER,
  'limits.bodyBytesMax': 2048,
  'limits.batchRowsMax': 5,
  'limits.concurrencyMax': 6,
  'limits.requestTimeoutMs': 7,
  'limits.artifactBytesMax': 1e12,
  'limits.referenceBytesMax': 2e12,
  'serving.modelsBytesMax': 1e9,
  'serving.idleAfterMs': 0,
  'ledger.segmentBytesMax': 4096,
  'ledger.segmentAgeMsMax': 8,
  'ledger.flushMs': 9,
  'ledger.engineMemory': '2GB',
  'ledger.engineThreads': 3,
  'monitoring.windowMs': 60_000,
  'monitoring.keepMs': 86_400_000,
  'python.command': '/opt/python/bin/python3',
  'drift.window': 1000,
  'drift.minimum': 50,
  'drift.alpha': 0.001,
  'drift.psiWarning': 0.2,
  'drift.psi': 0.5,
  'drift.ks': 0.1,
  'limits.addressRate': 0.5,
  'limits.keyRate': 10,
  'limits.modelRate': 11,
  'limits.burstSeconds': 12,
  'limits.queueMax': 0,
  'limits.queueMsMax': 13,
  'limits.headerTimeoutMs': 1400,
  'limits.connectionsMax': 15,
  'server.corsOrigins': 'https://app.example',
  'server.trustedProxies': '10.0.0.0/8,::1',
  'tls.cert': '/etc/tls/tls.crt',
  'tls.key': '/etc/tls/tls.key',
  'tls.clientCa': '/etc/tls/ca.crt',
  'oidc.issuer': 'https://id.example/realms/ml',
  'oidc.audience': 'bellwether',
  'oidc.jwks': 'https://id.example/keys',
  'oidc.algorithms': 'ES256',
  'oidc.clockSkewMs': 0,
  'oidc.rolesClaim': 'realm_access.roles',
  'oidc.roles': 'ml-team=scientist',
  'redis.url': 'redis://:secret@cache/0',
  'stream.brokers': 'kafka-1:9092,kafka-2:9092',
  'stream.input': 'customers',
  'stream.output': 'churn',
  'stream.deadLetters': 'churn-dead',
  'stream.group': 'scoring',
  'stream.model': 'churn',
  'stream.batchMax': 10,
  'stream.instanceId': 'scoring-1',
  'stream.sessionMs': 60_000,
  'stream.answers': 'avro',
  'stream.tls': 'true',
  'stream.ca': '/etc/kafka/ca.crt',
  'stream.cert': '/etc/kafka/tls.crt',
  'stream.key': '/etc/kafka/tls.key',
  'stream.mechanism': 'PLAIN',
  'stream.user': 'ann',
  'stream.password': 'secret',
  'stream.registry': 'https://schemas:8081',
  'stream.registryUser': 'bob',
  'stream.registryPassword': 'hidden',
  'tracing.endpoint': 'http://collector:4318',
  'tracing.sampler': 'traceidratio',
  'tracing.ratio': 0.25,
  'tracing.protocol': 'http/json',
  'tracing.compression': 'gzip',
  'tracing.headers': 'api-key=secret',
  'tracing.serviceName': 'scoring',
  'tracing.resource': 'team=risk',
  'tracing.timeoutMs': 16,
  'tracing.delayMs': 17,
  'tracing.queueMax': 18,
  'tracing.disabled': 'true',
  'validation.champion': 'always',
  'versions.breaking': 'tell',
  'versions.approvals': 'fraud=2',
  'evidence.required': 'validation',
  'evidence.trustedKeys': '/etc/bellwether/keys',
  'evidence.command': 'kms-sign',
  'evidence.publicKey': '/etc/bellwether/kms.pem',
  'webhooks.addresses': 'any',
  'webhooks.timeoutMs': 2000,
}
const KEYS = Object.keys(OTHERS) as DottedKey[]

const STREAM = {
  brokers: '',
  input: '',
  output: '',
  deadLetters: '',
  group: 'bellwether',
  batchMax: 500,
  instanceId: '',
  sessionMs: 6000,
  answers: 'json',
  tls: 'false',
  mechanism: 'SCRAM-SHA-512',
  user: '',
  password: '',
  registry: '',
  registryUser: '',
  registryPassword: '',
}

const TRACING = {
  endpoint: '',
  sampler: 'parentbased_traceidratio',
  ratio: 1,
  protocol: 'http/protobuf',
  compression: 'none',
  headers: '',
  serviceName: '',
  resource: '',
  timeoutMs: 10_000,
  delayMs: 5_000,
  queueMax: 16_384,
  disabled: 'false',
}

test('without anything given, every key has its default, and says so', () => {
  const { config, origin, ignored } = loadConfig(NOWHERE)
  assert.deepEqual(config, {
    data: '.bellwether',
    server: { host: '127.0.0.1', port: 8080, workers: 1, corsOrigins: '', trustedProxies: '' },
    tls: {},
    oidc: { algorithms: 'RS256,PS256,ES256,EdDSA', clockSkewMs: 30_000, rolesClaim: 'roles', roles: '' },
    redis: { url: '' },
    stream: STREAM,
    tracing: TRACING,
    validation: { champion: 'declared' },
    versions: { breaking: 'refuse', approvals: '' },
    evidence: { required: '', trustedKeys: '', command: '', publicKey: '' },
    webhooks: { addresses: 'public', timeoutMs: 10_000 },
    database: { url: '' },
    log: { level: 'info' },
    keys: {},
    limits: {
      bodyBytesMax: 8_388_608,
      batchRowsMax: 10_000,
      concurrencyMax: 1024,
      requestTimeoutMs: 30_000,
      artifactBytesMax: 2_147_483_648,
      referenceBytesMax: 2_147_483_648,
      addressRate: 0,
      keyRate: 0,
      modelRate: 0,
      burstSeconds: 1,
      queueMax: 1_024,
      queueMsMax: 500,
      headerTimeoutMs: 10_000,
      connectionsMax: 10_000,
    },
    serving: { modelsBytesMax: 1_073_741_824, idleAfterMs: 1_800_000 },
    ledger: {
      segmentBytesMax: 67_108_864,
      segmentAgeMsMax: 3_600_000,
      flushMs: 50,
      engineMemory: '512MB',
      engineThreads: 1,
    },
    monitoring: { windowMs: 3_600_000, keepMs: 7_776_000_000 },
    python: { command: 'python3' },
    drift: { window: 500, minimum: 100, alpha: 1e-6, psiWarning: 0.1, psi: 0.25, ks: 0.05 },
  })
  assert.deepEqual(new Set(Object.values(origin)), new Set(['default']))
  assert.deepEqual(ignored, [])
  assert.deepEqual(Object.keys(CONFIG_KEYS).sort(), [...KEYS].sort())
})

test('defaults < file < environment < flags, for any choice of keys, each with its origin', t => {
  const cwd = temporaryFolder(t)
  const some = fc.uniqueArray(fc.constantFrom(...KEYS))
  fc.assert(
    fc.property(some, some, some, (inFile, inEnv, inFlags) => {
      const file: Record<string, Record<string, unknown> | unknown> = {}
      for (const key of inFile) {
        const [group = '', name] = key.split('.')
        if (name === undefined) file[group] = OTHERS[key]
        else file[group] = { ...(file[group] as object), [name]: OTHERS[key] }
      }
      writeFileSync(join(cwd, 'bellwether.yaml'), stringify(file))
      const env = Object.fromEntries(inEnv.map(key => [CONFIG_KEYS[key].env, String(OTHERS[key])]))
      const flags = Object.fromEntries(inFlags.map(key => [key, String(OTHERS[key])]))
      const { config, origin } = loadConfig({ flags, env, cwd })
      for (const key of KEYS) {
        const wanted = inFlags.includes(key)
          ? `flag --${CONFIG_KEYS[key].flag ?? key}`
          : inEnv.includes(key)
            ? `env ${CONFIG_KEYS[key].env}`
            : inFile.includes(key)
              ? `file ${join(cwd, 'bellwether.yaml')}`
              : 'default'
        assert.equal(origin[key], wanted)
        assert.deepEqual(at(config, key), wanted === 'default' ? CONFIG_KEYS[key].default : OTHERS[key])
      }
    }),
    { numRuns: 50 },
  )
})

test('a file elsewhere is used instead of the one in the folder, and must be there', t => {
  const { cwd } = written(t, 'server: {port: 1}')
  mkdirSync(join(cwd, 'etc'))
  writeFileSync(join(cwd, 'etc', 'other.yaml'), 'server:\n  port: 2\n')
  assert.equal(loadConfig({ ...NOWHERE, cwd, file: 'etc/other.yaml' }).config.server.port, 2)
  assert.equal(loadConfig({ ...NOWHERE, cwd }).config.server.port, 1)
  assert.throws(
    () => loadConfig({ ...NOWHERE, cwd, file: 'none.yaml' }),
    misconfigured(join(cwd, 'none.yaml'), 'it is not there'),
  )
  assert.throws(() => loadConfig({ ...NOWHERE, cwd, file: 'etc' }), misconfigured(join(cwd, 'etc')))
})

test('a file without a value for a key leaves it alone', t => {
  for (const text of ['', '# nothing yet\n', '---\n', 'server:\n', 'server:\n  port:\n', '\ufeffserver: {}\n']) {
    assert.deepEqual(loadConfig({ ...NOWHERE, cwd: written(t, text).cwd }).config, loadConfig(NOWHERE).config, text)
  }
})

test('what is wrong in a file is named, with the file', t => {
  const cases: [string, string[]][] = [
    ['server: {prot: 1}', ['server.prot', 'no such key', 'was server.port meant?']],
    ['sever: {port: 1}', ['sever', 'no such key']],
    ['server: 5', ['server is 5', 'wanted keys']],
    ['- server', ['the whole file']],
    ['just text', ['the whole file']],
    ['server: {port: "8080"}', ['server.port', '"8080"', 'a port from 0']],
    ['server: {port: 70000}', ['server.port', '70000', '65535']],
    ['server: {port: 80.5}', ['server.port', '80.5']],
    ['server: {port: true}', ['server.port', 'true']],
    ['server: {port: [1]}', ['server.port', '[1]']],
    ['log: {level: loud}', ['log.level', '"loud"', 'debug, info, warn']],
    ['limits: {batchRowsMax: 0}', ['limits.batchRowsMax', 'from 1 to']],
    ['ledger: {engineMemory: 512}', ['ledger.engineMemory', '512MB']],
    ['server: {port: 1\n', ['bellwether.yaml']],
    ['a: &a [x]\nb: *a', ['aliases']],
    ['server: {port: 1}\nserver: {port: 2}', ['unique']],
    ['server: {port: 1}\n---\nserver: {port: 2}', ['bellwether.yaml']],
    ['__proto__: {port: 1}', ['__proto__', 'no such key']],
    ['constructor: {name: x}', ['constructor', 'no such key']],
  ]
  for (const [text, parts] of cases) {
    const { cwd, path } = written(t, text)
    assert.throws(() => loadConfig({ ...NOWHERE, cwd }), misconfigured(path, ...parts), text)
  }
})

test('a key may be written with its dots in a file', t => {
  assert.equal(loadConfig({ ...NOWHERE, cwd: written(t, 'server.port: 1').cwd }).config.server.port, 1)
})

test('what is wrong in the environment or in a flag is named', () => {
  const env = (name: string, value: string) => () => loadConfig({ ...NOWHERE, env: { [name]: value } })
  assert.throws(
    env('BELLWETHER_SERVER_PORT', 'tcp://10.0.0.1:80'),
    misconfigured('BELLWETHER_SERVER_PORT', '"tcp://10.0.0.1:80"', 'a port'),
  )
  for (const text of ['1e3', ' 80', '0x50', '80,5', 'NaN', '-1', '1'.repeat(30)]) {
    assert.throws(env('BELLWETHER_SERVER_PORT', text), misconfigured('BELLWETHER_SERVER_PORT'), text)
  }
  const flag = (name: string, value: unknown) => () => loadConfig({ ...NOWHERE, flags: { [name]: value } })
  assert.throws(flag('port', 'x'), misconfigured('--port', '"x"'))
  assert.throws(flag('server.port', 99_999), misconfigured('--port', '99999'))
  assert.throws(flag('prt', 1), misconfigured('prt', 'the command line'))
  assert.throws(flag('database', 'mysql://x'), misconfigured('--database', 'postgres://'))
})

test('an empty variable and an undefined flag are not given', () => {
  const { config } = loadConfig({ ...NOWHERE, env: { BELLWETHER_SERVER_PORT: '' }, flags: { port: undefined } })
  assert.equal(config.server.port, 8080)
})

test('a secret that is wrong is not shown', () => {
  const wrong = 'not-base64-but-secret'
  const caught = (): string => {
    try {
      loadConfig({ ...NOWHERE, env: { BELLWETHER_KEYS_MASTER: wrong } })
    } catch (error) {
      return String(error)
    }
    return ''
  }
  assert.match(caught(), /BELLWETHER_KEYS_MASTER.*32 bytes in base64/)
  assert.ok(!caught().includes(wrong))
})

test('variables that look like ours and set nothing are told of, with what was perhaps meant', () => {
  const env = {
    BELLWETHER_LOG_LEVLE: 'warn',
    BELLWETHER_URL: 'x',
    BELLWETHER_KEY: 'y',
    BELLWETHER_SERVICE_XYZ_QQQ: '1',
    PATH: '/bin',
  }
  assert.deepEqual(loadConfig({ ...NOWHERE, env }).ignored, [
    { name: 'BELLWETHER_LOG_LEVLE', meant: 'BELLWETHER_LOG_LEVEL' },
    { name: 'BELLWETHER_SERVICE_XYZ_QQQ', meant: undefined },
  ])
})

test('describeConfig() tells every key, and no secret', () => {
  const flags = {
    'keys.master': MASTER,
    database: 'postgres://ann:p@ss:w@rd@db/x?sslpassword=deep&password=deeper&a=b',
    port: 9000,
  }
  const rows = describeConfig(loadConfig({ ...NOWHERE, flags }))
  assert.deepEqual(
    rows.map(({ key }) => key),
    Object.keys(CONFIG_KEYS),
  )
  const row = (key: string) => rows.find(each => each.key === key)!
  assert.equal(row('keys.master').value, '********')
  assert.equal(row('database.url').value, 'postgres://ann:********@db/x?sslpassword=********&password=********&a=b')
  assert.deepEqual(
    [row('server.port').value, row('server.port').origin, row('server.port').env],
    ['9000', 'flag --port', 'BELLWETHER_SERVER_PORT'],
  )
  assert.equal(row('server.model').value, '')
  assert.ok(rows.every(({ doc, env }) => doc.length > 10 && /^BELLWETHER_[A-Z_]+$/.test(env)))
  assert.equal(describeConfig(loadConfig(NOWHERE)).find(({ key }) => key === 'keys.master')!.value, '')
  const plain = describeConfig(loadConfig({ ...NOWHERE, flags: { database: 'postgres://db/x' } }))
  assert.equal(plain.find(({ key }) => key === 'database.url')!.value, 'postgres://db/x')
})
