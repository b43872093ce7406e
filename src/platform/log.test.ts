import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { manualClock } from './clock.ts'
import { type Log, type LogLevel, openLog } from './log.ts'
import { temporaryFolder } from './temporary.suite.ts'

function logged(level: LogLevel, write: (log: Log) => void): Record<string, unknown>[] {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  write(openLog({ level, destination, clock: manualClock(1_790_000_000_123) }))
  for (const line of lines) assert.match(line, /^[^\n]+\n$/)
  return lines.map(line => JSON.parse(line))
}

test('an entry is one line of JSON: level, time, fields, message', () => {
  const lines = logged('info', log => log.info({ port: 8080, text: 'a\nb' }, 'Listening'))
  assert.deepEqual(lines, [{ level: 'info', time: 1_790_000_000_123, port: 8080, text: 'a\nb', message: 'Listening' }])
})

test('what is below the level is not written', () => {
  const all = (log: Log): void => {
    log.debug({}, 'debug')
    log.info({}, 'info')
    log.line('{"message":"line"}')
    log.warn({}, 'warn')
    log.error({}, 'error')
  }
  const wanted: Record<LogLevel, string[]> = {
    debug: ['debug', 'info', 'line', 'warn', 'error'],
    info: ['info', 'line', 'warn', 'error'],
    warn: ['warn', 'error'],
    error: ['error'],
    silent: [],
  }
  for (const [level, messages] of Object.entries(wanted)) {
    assert.deepEqual(
      logged(level as LogLevel, all).map(({ message }) => message),
      messages,
      level,
    )
  }
})

test('an error is told with its type, its stack and its cause', () => {
  const [line] = logged('info', log =>
    log.error({ error: new TypeError('outer', { cause: new Error('inner') }), requestId: 'r' }, 'Failed'),
  )
  const error = line!['error'] as { type: string; message: string; stack: string; cause: { message: string } }
  assert.equal(error.type, 'TypeError')
  assert.equal(error.message, 'outer')
  assert.match(error.stack, /log\.test\.ts/)
  assert.equal(error.cause.message, 'inner')
})

test('keys and credentials never appear, in fields, texts, messages or errors', () => {
  const key = `bw_0123456789ab_${'a'.repeat(43)}`
  const lines = logged('debug', log => {
    log.info({ headers: { Authorization: `Bearer ${key}` } }, 'a')
    log.info({ note: `came with ${key}` }, 'b')
    log.warn({}, `Refused ${key}`)
    log.error({ error: new Error(`no such key ${key}`), url: `postgres://ann:${key}@host/x` }, 'c')
  })
  assert.equal(lines.length, 4)
  assert.ok(!JSON.stringify(lines).includes('a'.repeat(43)))
})

test('entries and hand-made lines keep their order in a file', async t => {
  const destination = join(temporaryFolder(t), 'log')
  const log = openLog({ level: 'info', destination, clock: manualClock(5) })
  log.info({}, 'first')
  log.line('{"n":2}')
  log.info({}, 'third')
  await log.close()
  assert.equal(
    readFileSync(destination, 'utf8'),
    '{"level":"info","time":5,"message":"first"}\n{"n":2}\n{"level":"info","time":5,"message":"third"}\n',
  )
  assert.equal(log.dropped(), 0)
})
