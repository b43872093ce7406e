import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { client } from '../client.ts'
import { Problem } from '../errors.ts'
import type { Command, CommandContext, Program } from './command.ts'
import { loadConfig } from './config.ts'
import { type CommandHost, INTERRUPTED, runCommandLine } from './run-command.ts'

interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** How often the connection was closed. */
  readonly closed: number
}

type Run = (context: CommandContext) => Promise<number | undefined>

function programOf(run: Run): Program {
  const act: Command = { path: 'act', summary: 'Act', description: 'Does it.\n\nTable:\n  kept   as it is', run }
  const rest: Command = {
    path: 'rest a while',
    summary: 'Rest',
    options: [{ name: 'port', type: 'number', summary: 'Port', setting: 'server.port' }],
    examples: [{ line: 'sample rest a while --port 1', does: 'rests' }],
    run,
  }
  return {
    name: 'sample',
    version: '1.2.3',
    summary: 'A sample.',
    guide: [{ line: 'sample act', does: 'acts' }],
    globals: [{ name: 'json', type: 'boolean', summary: 'JSON' }],
    commands: [act, rest],
    settings: { 'server.port': { env: 'SAMPLE_PORT', default: 8080 } },
    notes: ['Mind the gap.'],
  }
}

function collecting(columns?: number): { text: string; write(text: string): void; columns: number | undefined } {
  return {
    text: '',
    columns,
    write(text: string): void {
      this.text += text
    },
  }
}

async function ran(line: string, run: Run, more: Partial<CommandHost> = {}): Promise<Ran> {
  const stdout = collecting()
  const stderr = collecting()
  let closed = 0
  const host: CommandHost = {
    env: {},
    stdout,
    stderr,
    signal: new AbortController().signal,
    loadConfig: flags => loadConfig({ flags, env: {}, cwd: '/nowhere' }),
    connect: async () => ({
      client: client(async () => new Response(PROBLEM, { status: 422, headers: { 'retry-after': '3' } })),
      lasting: async () => new Response(),
      close: async () => {
        closed++
      },
    }),
    ...more,
  }
  const status = await runCommandLine(programOf(run), line === '' ? [] : line.split(' '), host)
  return { status, stdout: stdout.text, stderr: stderr.text, closed }
}

const PROBLEM = JSON.stringify({
  code: 'invalid',
  detail: 'Cannot act: two fields are wrong',
  errors: [
    { field: 'age', problem: 'is missing' },
    { field: 'na\u001b[2Jme', problem: 'is wrong' },
  ],
  requestId: 'r-17',
})

const ask: Run = async ({ api }) => (await api()).json('GET', '/')

describe('runCommandLine()', () => {
  test('gives the status of the command, 0 where it gives none', async () => {
    assert.equal((await ran('act', async () => undefined)).status, 0)
    assert.equal((await ran('act', async () => 3)).status, 3)
  })

  test('tells a problem as a sentence with its fields and the request id, without a stack, and nothing that moves a cursor', async () => {
    const { status, stdout, stderr, closed } = await ran('act', ask)
    assert.equal(status, 65)
    assert.equal(stdout, '')
    assert.equal(
      stderr,
      'error Cannot act: two fields are wrong\n  age is missing\n  na\ufffd[2Jme is wrong\n  try again in 3 s\n  request r-17\n',
    )
    assert.equal(closed, 1, 'what was opened is closed')
  })

  test('tells a problem as JSON where JSON was asked for', async () => {
    const { status, stderr } = await ran('act --json', ask)
    assert.equal(status, 65)
    assert.deepEqual(Object.keys(JSON.parse(stderr)), ['code', 'detail', 'errors', 'requestId'])
    assert.equal(JSON.parse((await ran('atc --json', ask)).stderr).code, 'usage')
  })

  test('tells a fault of ours as such, and its stack only to who asks for it', async () => {
    const fault: Run = async () => {
      throw new TypeError('x is undefined', { cause: new Error('deeper') })
    }
    const { status, stderr } = await ran('act', fault)
    assert.equal(status, 70)
    assert.equal(stderr, 'error Cannot go on: x is undefined\n')
    const traced = await ran('act', fault, { env: { BELLWETHER_TRACE: '1' } })
    assert.match(traced.stderr, /TypeError: x is undefined\n\s+at [\s\S]*caused by Error: deeper/)
  })

  test('tells that it was interrupted, but not of what failed because of that', async () => {
    const controller = new AbortController()
    const interrupted: Run = async () => {
      controller.abort()
      throw new Problem('unavailable', 'Cannot reach the server: aborted')
    }
    const { status, stderr } = await ran('act', interrupted, { signal: controller.signal })
    assert.deepEqual([status, stderr], [INTERRUPTED, ''])
  })

  test('loads the configuration only for commands that look at it, with what the line sets', async () => {
    const loadConfig = (): never => {
      throw new Problem('misconfigured', 'Cannot use the file')
    }
    assert.equal((await ran('act', async () => undefined, { loadConfig })).status, 0)
    assert.equal((await ran('act', async ({ config }) => Number(config === undefined), { loadConfig })).status, 78)
    const { status } = await ran('rest a while --port 99', async ({ config }) => config.config.server.port)
    assert.equal(status, 99)
  })

  test('says what is missing of an incomplete command', async () => {
    const { status, stderr } = await ran('rest a', ask)
    assert.equal(status, 64)
    assert.match(stderr, /`sample rest a`: it wants one of while/)
  })
})

describe('help', () => {
  test('is an overview without words, and a page for each command', async () => {
    const overview = await ran('', ask)
    assert.equal(overview.status, 0)
    for (const text of [
      'sample 1.2.3',
      '# acts',
      'act           Act',
      'rest a while  Rest',
      'Mind the gap.',
      '-h, --help',
    ]) {
      assert.ok(overview.stdout.includes(text), `${text} in ${overview.stdout}`)
    }
    const { stdout } = await ran('rest a while --help', ask)
    assert.match(stdout, /--port N +Port \(default: 8080; env: SAMPLE_PORT\)/)
    assert.match(stdout, /sample rest a while --port 1/)
    assert.match((await ran('help act', ask)).stdout, /Table:\n {2}kept {3}as it is/)
    assert.match((await ran('rest --help', ask)).stdout, /a while +Rest/)
  })

  test('fits the terminal', async () => {
    for (const columns of [60, 80, 200]) {
      const stdout = collecting(columns)
      await ran('--help', ask, { stdout })
      for (const line of stdout.text.split('\n')) assert.ok(line.length <= Math.min(columns, 100), line)
    }
  })
})
