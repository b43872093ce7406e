import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../errors.ts'
import type { Command, Program } from './command.ts'
import { asksForJson, type ParsedRun, parseCommandLine } from './command-line.ts'

const nothing = async (): Promise<undefined> => undefined

const COMMANDS: readonly Command[] = [
  {
    path: 'start',
    summary: 'Serve',
    options: [
      { name: 'port', short: 'p', type: 'number', summary: 'Port', setting: 'server.port' },
      { name: 'quick', type: 'boolean', summary: 'Quickly', env: 'SAMPLE_QUICK' },
    ],
    run: nothing,
  },
  { path: 'audit verify', summary: 'Verify', run: nothing },
  {
    path: 'audit export',
    summary: 'Export',
    args: [
      { name: 'from', summary: 'where from' },
      { name: 'to', summary: 'where to', optional: true },
    ],
    options: [
      { name: 'output', short: 'o', type: 'string', summary: 'Where', required: true, value: 'DIR' },
      { name: 'limit', type: 'number', summary: 'How many', default: 10, env: 'SAMPLE_LIMIT' },
      { name: 'tag', type: 'string', summary: 'Tags', repeatable: true },
    ],
    run: nothing,
  },
  {
    path: 'register',
    summary: 'Register',
    args: [{ name: 'file', summary: 'What' }],
    options: [{ name: 'version', type: 'string', summary: 'Its version' }],
    run: nothing,
  },
]

const PROGRAM: Program = {
  name: 'sample',
  version: '1.2.3',
  summary: 'A sample',
  guide: [],
  globals: [
    { name: 'json', type: 'boolean', summary: 'JSON' },
    { name: 'data', type: 'string', summary: 'Folder', setting: 'data' },
  ],
  commands: COMMANDS,
  settings: {},
  notes: [],
}

function run(line: string, env: Record<string, string> = {}): ParsedRun {
  const parsed = parseCommandLine(PROGRAM, line.split(' '), env)
  assert.equal(parsed.kind, 'run')
  return parsed as ParsedRun
}

function problem(line: string, env: Record<string, string> = {}): Problem {
  try {
    parseCommandLine(PROGRAM, line === '' ? [] : line.split(' '), env)
  } catch (error) {
    assert.ok(error instanceof Problem)
    assert.equal(error.code, 'usage')
    return error
  }
  return assert.fail(`${line} was understood`)
}

describe('parseCommandLine()', () => {
  test('finds the command, its arguments, its options and the settings', () => {
    const { command, args, options, settings } = run('audit export a b --output out --limit=3 --tag x --tag y --data d')
    assert.equal(command.path, 'audit export')
    assert.deepEqual(args, { from: 'a', to: 'b' })
    assert.deepEqual(options, { output: 'out', limit: 3, tag: ['x', 'y'], data: 'd' })
    assert.deepEqual(settings, { data: 'd' })
  })

  test('takes global options anywhere, short options, and words after --', () => {
    assert.equal(run('--json audit --data d verify').options['json'], true)
    assert.deepEqual(run('start -p 80').settings, { 'server.port': 80 })
    assert.deepEqual(run('start -p80').settings, { 'server.port': 80 })
    assert.equal(run('audit export -o x -- --weird').args['from'], '--weird')
  })

  test('takes values that look like numbers below zero, and values that begin with a dash after =', () => {
    assert.equal(run('audit export a -o x --limit -3').options['limit'], -3)
    assert.equal(run('audit export a --output=-x').options['output'], '-x')
  })

  test('lets a command have its own sense of a common name', () => {
    assert.equal(run('register a.json --version 1.0.0').options['version'], '1.0.0')
    assert.deepEqual(run('register --version 1.0.0 a.json').args, { file: 'a.json' })
    assert.deepEqual(parseCommandLine(PROGRAM, ['--version'], {}), { kind: 'version' })
  })

  test('prefers the command line to the environment to the default', () => {
    assert.equal(run('audit export a -o x').options['limit'], 10)
    assert.equal(run('audit export a -o x', { SAMPLE_LIMIT: '5' }).options['limit'], 5)
    assert.equal(run('audit export a -o x --limit 7', { SAMPLE_LIMIT: '5' }).options['limit'], 7)
    assert.equal(run('start', { SAMPLE_QUICK: 'true' }).options['quick'], true)
    assert.equal(run('start', { SAMPLE_QUICK: '0' }).options['quick'], undefined)
    assert.match(problem('audit export a -o x', { SAMPLE_LIMIT: 'many' }).message, /SAMPLE_LIMIT wants a number/)
  })

  test('says what was probably meant', () => {
    assert.match(problem('strat').message, /did you mean `sample start`/)
    assert.match(problem('audit verfy').message, /did you mean `sample audit verify`/)
    assert.match(problem('start --prot 80').message, /--prot .*did you mean `--port`/)
    assert.match(problem('--jsno start').message, /did you mean `--json`/)
    assert.match(problem('--port 80 start').message, /before a command/)
    assert.match(problem('zebra').message, /see `sample --help`/)
    assert.match(problem('help audit exprot').message, /did you mean `sample audit export`/)
  })

  test('names everything that is wrong, at once', () => {
    assert.deepEqual(
      problem('audit export --limit=x --colour').fields.map(({ field }) => field),
      ['--limit', '--colour', '--output', 'FROM'],
    )
    assert.match(problem('audit verify a').message, /"a" is one argument too many/)
    assert.match(problem('audit export -o x').message, /FROM is missing: where from/)
    assert.match(problem('audit export a --output --json').message, /--output wants DIR, found --json/)
    assert.match(problem('audit export a --output').message, /--output wants DIR, found nothing/)
    assert.match(problem('start --quick=yes').message, /--quick takes no value/)
    assert.match(problem('start -p 1 --port 2').message, /--port is given more than once/)
  })

  test('leads to help and version from everywhere', () => {
    const kinds = (line: string): unknown => parseCommandLine(PROGRAM, line.split(' '), {})
    assert.deepEqual(parseCommandLine(PROGRAM, [], {}), { kind: 'help', words: [] })
    for (const line of ['--help', '-h', 'help']) assert.deepEqual(kinds(line), { kind: 'help', words: [] })
    for (const line of ['audit export --help', 'audit export a --bad -h', 'help audit export']) {
      assert.deepEqual(kinds(line), { kind: 'help', words: ['audit', 'export'] })
    }
    assert.deepEqual(kinds('audit -h'), { kind: 'help', words: ['audit'] })
    assert.deepEqual(kinds('audit'), { kind: 'incomplete', words: ['audit'] })
    assert.deepEqual(kinds('-V'), { kind: 'version' })
  })

  test('understands any words or refuses them with a Problem', () => {
    const words = fc.constantFrom(
      'audit',
      'export',
      'start',
      '--',
      '-',
      '--limit',
      '--limit=',
      '-o',
      '--json',
      '-ojson',
      '',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 8 }), argv => {
        try {
          parseCommandLine(PROGRAM, argv, {})
        } catch (error) {
          assert.ok(error instanceof Problem, String(error))
        }
      }),
    )
  })
})

test('asksForJson() sees the option wherever it stands, but not after --', () => {
  assert.equal(asksForJson(['bad', '--json']), true)
  assert.equal(asksForJson(['bad', '--', '--json']), false)
})
