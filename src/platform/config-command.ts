import { Problem } from '../errors.ts'
import type { Command, CommandContext } from './command.ts'
import { type ConfigRow, describeConfig } from './config.ts'
import { nearest } from './suggest.ts'

export const configCommand: Command = {
  path: 'config',
  summary: 'Show every setting, its value and where the value came from',
  description: `A setting has the value of the last of these that gives one: its default, the file bellwether.yaml of this folder (or the one of --config), the environment, an option. In the file, dots are levels:

  server:
    port: 9000

Secrets are masked.`,
  args: [{ name: 'key', optional: true, summary: 'Only this setting: its value and nothing else, for scripts' }],
  options: [
    {
      name: 'long',
      short: 'l',
      type: 'boolean',
      summary: 'Also what each setting means and the environment variable that sets it',
    },
  ],
  examples: [
    { line: 'bellwether config', does: 'what would be used, started here and now' },
    { line: 'bellwether config --long', does: 'what can be set, and how' },
    { line: 'BELLWETHER_SERVER_PORT=9000 bellwether config server.port', does: '9000' },
  ],
  run: showConfig,
}

async function showConfig({ args, options, terminal, config }: CommandContext): Promise<undefined> {
  const rows = describeConfig(config)
  const key = args['key']
  if (key === undefined) {
    terminal.result({ settings: rows, ignored: config.ignored }, () =>
      options['long'] === true
        ? terminal.table(
            ['setting', 'value', 'from', 'environment', 'meaning'],
            rows.map(row => [row.key, row.value, row.origin, row.env, row.doc]),
          )
        : terminal.table(
            ['setting', 'value', 'from'],
            rows.map(row => [row.key, row.value, row.origin]),
          ),
    )
  } else {
    const row = rowOf(key, rows)
    terminal.result(row, () => row.value)
  }
  for (const { name, meant, wanted } of config.ignored) {
    const hint = meant === undefined ? '' : `; was ${meant} meant?`
    const why = wanted === undefined ? `which sets nothing${hint}` : `wanted ${wanted}`
    terminal.warn(`Not used: the environment variable ${name}, ${why}`)
  }
  return undefined
}

function rowOf(key: string, rows: readonly ConfigRow[]): ConfigRow {
  const row = rows.find(each => each.key === key)
  if (row !== undefined) return row
  const meant = nearest(
    key,
    rows.map(each => each.key),
  )
  const hint = meant === undefined ? '' : `; was ${meant} meant?`
  throw new Problem('not_found', `Cannot show the setting ${key}: there is none of this name${hint}`)
}
