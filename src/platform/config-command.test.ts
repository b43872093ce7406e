import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../errors.ts'
import type { CommandContext } from './command.ts'
import { loadConfig } from './config.ts'
import { configCommand } from './config-command.ts'
import { openTerminal } from './terminal.ts'

const MASTER = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='

interface Said {
  readonly out: string
  readonly err: string
}

async function said(
  env: Record<string, string>,
  given: { key?: string; long?: boolean; json?: boolean },
): Promise<Said> {
  const [out, err]: string[][] = [[], []]
  const stdout = { write: (text: string) => out!.push(text) > 0 }
  const stderr = { write: (text: string) => err!.push(text) > 0 }
  const context: CommandContext = {
    args: { key: given.key },
    options: { long: given.long },
    terminal: openTerminal({ stdout, stderr }, { json: given.json ?? false, env: {} }),
    config: loadConfig({ flags: {}, env, cwd: '/nowhere' }),
    api: () => Promise.reject(new Error('not needed')),
    lasting: () => Promise.reject(new Error('not needed')),
    signal: new AbortController().signal,
  }
  await configCommand.run(context)
  return { out: out!.join(''), err: err!.join('') }
}

const ENV = { BELLWETHER_SERVER_PORT: '9000', BELLWETHER_KEYS_MASTER: MASTER, BELLWETHER_LOG_LEVLE: 'warn' }

test('config shows every setting with its value and where it came from, secrets masked', async () => {
  const { out, err } = await said(ENV, {})
  assert.match(out, /^server\.port +9000 +env BELLWETHER_SERVER_PORT *$/m)
  assert.match(out, /^server\.host +127\.0\.0\.1 +default *$/m)
  assert.match(out, /^keys\.master +\*+ +env BELLWETHER_KEYS_MASTER *$/m)
  assert.ok(!out.includes(MASTER))
  assert.match(err, /BELLWETHER_LOG_LEVLE.*BELLWETHER_LOG_LEVEL/)
})

test('config --long tells what can be set, and how', async () => {
  const { out } = await said({}, { long: true })
  assert.match(out, /^ledger\.flushMs +50 +default +BELLWETHER_LEDGER_FLUSH_MS +Longest time/m)
})

test('config --json is for programs', async () => {
  const { settings, ignored } = JSON.parse((await said(ENV, { json: true })).out)
  const port = settings.find(({ key }: { key: string }) => key === 'server.port')
  assert.deepEqual([port.value, port.origin], ['9000', 'env BELLWETHER_SERVER_PORT'])
  assert.equal(ignored[0].name, 'BELLWETHER_LOG_LEVLE')
})

test('config KEY says only its value', async () => {
  assert.equal((await said(ENV, { key: 'server.port' })).out, '9000\n')
  const unknown = (error: unknown) =>
    error instanceof Problem && error.code === 'not_found' && /server\.prot.*was server\.port meant/.test(error.message)
  await assert.rejects(said({}, { key: 'server.prot' }), unknown)
})
