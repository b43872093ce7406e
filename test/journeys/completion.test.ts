/** The completion scripts in real shells: what a person who presses Tab gets. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { bellwether, temporaryFolder } from '../server.ts'

const folder = temporaryFolder()
const scripts = { bash: '', zsh: '' }
const missing = (shell: string): string | false =>
  spawnSync(shell, ['--version']).status === 0 ? false : `${shell} is not on the path`

before(async () => {
  for (const shell of ['bash', 'zsh'] as const) {
    const { status, stdout, stderr } = await bellwether(['completion', shell])
    assert.equal(status, 0, stderr)
    scripts[shell] = stdout
    writeFileSync(join(folder, `_${shell}`), stdout)
  }
  const models = join(folder, 'bin')
  mkdirSync(join(folder, 'a folder'))
  mkdirSync(models)
  writeFileSync(join(folder, 'a file.json'), '')
  // Stands for the program while a server runs: the scripts ask it for nothing but names.
  writeFileSync(
    join(models, 'bellwether'),
    '#!/bin/sh\n[ "$*" = "completion models" ] && printf "churn\\ncredit-risk\\n"\n',
    {
      mode: 0o755,
    },
  )
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** What bash offers for the last of `words`. */
function bashOffers(words: readonly string[]): string[] {
  const quoted = words.map(word => `'${word}'`).join(' ')
  const program = `
    source '${join(folder, '_bash')}'
    cd '${folder}'
    COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}
    _bellwether
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` }
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8', env })
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '')
  return stdout.split('\n').filter(line => line !== '')
}

describe('bash', { skip: missing('bash') }, () => {
  test('completes commands, one word after the other', () => {
    assert.deepEqual(bashOffers(['bellwether', 'st']), ['start', 'stream', 'study'])
    assert.deepEqual(bashOffers(['bellwether', 'key', '']), ['create', 'list', 'revoke'])
    assert.deepEqual(bashOffers(['bellwether', '--json', 'key', 'cr']), ['create'])
    assert.deepEqual(bashOffers(['bellwether', '--data', 'key', 'sta']), ['start'], 'a value is not a command')
    assert.deepEqual(bashOffers(['bellwether', 'completion', '']), ['bash', 'zsh'])
    assert.deepEqual(bashOffers(['bellwether', 'completion', 'bash', '']), [])
  })

  test('completes options, and only those of the command', () => {
    assert.deepEqual(bashOffers(['bellwether', 'start', '--po']), ['--port'])
    assert.ok(bashOffers(['bellwether', 'start', '--']).includes('--server'))
    assert.ok(!bashOffers(['bellwether', 'key', 'list', '--']).includes('--port'))
    assert.deepEqual(bashOffers(['bellwether', 'start', '--', '--po']), [])
  })

  test('completes values: words, models, files, folders, also after =', () => {
    assert.deepEqual(bashOffers(['bellwether', 'start', '--log-level', 'de']), ['debug'])
    assert.deepEqual(bashOffers(['bellwether', 'start', '--log-level', '=', 'de']), ['debug'])
    assert.deepEqual(bashOffers(['bellwether', 'start', '--log-level', '=']), [
      'debug',
      'info',
      'warn',
      'error',
      'silent',
    ])
    assert.deepEqual(bashOffers(['bellwether', 'start', '--log-level', 'debug', '--po']), ['--port'])
    assert.deepEqual(bashOffers(['bellwether', 'start', '-p', '']), [])
    assert.deepEqual(bashOffers(['bellwether', 'start', '--model', 'cr']), ['credit-risk'])
    assert.deepEqual(bashOffers(['bellwether', '--data', 'a']), ['a folder'])
    assert.deepEqual(bashOffers(['bellwether', '--config', 'a']).sort(), ['a file.json', 'a folder'])
  })

  test('loads under the strictest settings', () => {
    const { status, stderr } = spawnSync('bash', ['--norc', '-euc', scripts.bash], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
})

/** What zsh inserts and lists when `line` is typed and Tab pressed: a shell of its own behind a pseudo-terminal. */
function zshShows(line: string): string {
  const program = `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell "PS1=READY; PROMPT_EOL_MARK=; fpath=(${join(folder, 'functions')} \\$fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-colors ''; setopt no_list_beep; stty cols 200; cd ${folder}"
    zpty -w shell "print LOAD\\ED"
    zpty -r -m shell line '*LOADED*READY*' || exit 1
    zpty -n -w shell $'${line}\\t\\C-e#END'
    zpty -r -m shell line '*#END*' || exit 2
    print -r -- "$line"
    zpty -d shell`
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, TERM: 'xterm', COLUMNS: '200' }
  const { status, stdout, stderr } = spawnSync('zsh', ['-f', '-c', program], { encoding: 'utf8', env, timeout: 20_000 })
  assert.equal(status, 0, stderr)
  return stripVTControlCharacters(stdout)
}

describe('zsh', { skip: missing('zsh') }, () => {
  before(() => {
    mkdirSync(join(folder, 'functions'))
    writeFileSync(join(folder, 'functions', '_bellwether'), scripts.zsh)
  })

  test('completes commands, options and values', () => {
    assert.match(zshShows('bellwether sta'), /bellwether start /)
    assert.match(zshShows('bellwether key cre'), /bellwether key create /)
    assert.match(zshShows('bellwether --data key sta'), /bellwether --data key start /)
    assert.match(zshShows('bellwether start --po'), /--port /)
    assert.match(zshShows('bellwether start --log-level de'), /--log-level debug /)
    assert.match(zshShows('bellwether start --log-level=de'), /--log-level=debug /)
    assert.match(zshShows('bellwether start --model chu'), /--model churn /)
  })

  test('shows what each command is for', () => {
    const shown = zshShows('bellwether key ')
    assert.match(shown, /create +-- Make an API key/)
    assert.match(shown, /revoke +-- Refuse a key/)
  })
})
