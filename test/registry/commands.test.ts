import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Command, CommandContext } from '../../src/platform/command.ts'
import { sqlitePlace, temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { openTerminal } from '../../src/platform/terminal.ts'
import { type Called, called } from '../../src/registry/called.suite.ts'
import { registryCommands } from '../../src/registry/commands.ts'
import { registryTest } from '../../src/registry/registry-world.suite.ts'
import { stumpModel, TWO_FEATURES, TWO_FEATURES_CSV } from '../../src/registry/stumps.suite.ts'

function command(path: string): Command {
  return registryCommands.find(known => known.path === path)!
}

/** Runs a command and returns what it said. */
async function run(
  called: Called,
  path: string,
  values: Readonly<Record<string, string>>,
  json = false,
): Promise<string> {
  let said = ''
  const stream = {
    write(text: string): boolean {
      said += text
      return true
    },
  }
  const terminal = openTerminal({ stdout: stream, stderr: stream } as never, { json, env: {} })
  const { args = [], options = [] } = command(path)
  const pick = (names: readonly { readonly name: string }[]) =>
    Object.fromEntries(names.map(({ name }) => [name, values[name]]))
  const context = {
    args: pick(args),
    options: pick(options),
    terminal,
    api: async () => called.client,
    signal: new AbortController().signal,
  }
  await command(path).run(context as unknown as CommandContext)
  return said
}

/** A folder with a model.yaml and what it names. */
function modelFolder(t: TestContext, yaml: string): (name: string) => string {
  const folder = temporaryFolder(t)
  const path = (name: string): string => join(folder, name)
  writeFileSync(path('model.json'), stumpModel(TWO_FEATURES))
  writeFileSync(path('train.csv'), TWO_FEATURES_CSV)
  writeFileSync(path('model.yaml'), yaml)
  return path
}

const YAML = 'name: churn\nversion: 1.0.0\nartifact: model.json\nreference: train.csv\nmetrics: {auc: 0.9}\n'

registryTest('a model from its model.yaml to its aliases', sqlitePlace, async ({ registry }, t) => {
  const there = called(registry)
  const path = modelFolder(t, YAML)
  assert.match(await run(there, 'models', {}), /No models\. Register one with/)
  const said = await run(there, 'register', { file: path('model.yaml') })
  assert.match(said, /^Registered churn@1\.0\.0\n {2}model {6}binary:logistic, xgboost-json, 2 trees\n/)
  assert.match(said, /metrics {4}auc 0\.9 \(stated, not checked\)/)
  assert.match(said, /Note: columns of the reference data that the model does not use: left\n/)
  assert.match(
    await run(there, 'register', { file: path('model.yaml') }),
    /^churn@1\.0\.0 is registered already, with the same content/,
  )
  await run(there, 'register', {
    file: path('model.json'),
    name: 'churn',
    version: '1.1.0',
    reference: path('train.csv'),
  })
  assert.match(await run(there, 'models', {}), /churn +2 +1\.1\.0 +champion=1\.0\.0/)
  assert.match(
    await run(there, 'alias set', { model: 'churn', alias: 'stable', version: 'champion' }),
    /^churn@stable is 1\.0\.0 now/,
  )
  assert.match(await run(there, 'model show', { model: 'churn' }), /1\.1\.0[^\n]*\n1\.0\.0 +champion stable/)
  assert.match(
    await run(there, 'model show', { model: 'churn@stable' }),
    /age +integer +– +– +20 +60 +–\nbalance +number +– +– +0 +150\.5 +nullable/,
  )
  assert.match(
    await run(there, 'alias remove', { model: 'churn', alias: 'stable' }),
    /churn has no alias stable any more/,
  )
  const shown = JSON.parse(await run(there, 'model show', { model: 'churn@1.1.0' }, true)) as { version: string }
  assert.equal(shown.version, '1.1.0')
})

registryTest('what cannot be registered is told before anything is sent', sqlitePlace, async ({ registry }, t) => {
  const there = called(registry)
  const path = modelFolder(t, 'name: churn\nversion: 1.0.0\nartifact: gone.json\n')
  writeFileSync(path('bare.yaml'), 'name: churn\nversion: 1.0.0\n')
  writeFileSync(path('wrong.yaml'), 'name: churn\nversion: one\n')
  const refused: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
    [{ file: path('none.yaml') }, 'not_found', /Cannot read .*none\.yaml/],
    [{ file: path('model.yaml') }, 'not_found', /Cannot read .*gone\.json/],
    [{ file: path('bare.yaml') }, 'invalid', /artifact is missing/],
    [{ file: path('wrong.yaml') }, 'invalid', /version is "one", .* \(line 2\)/],
    [{ file: path('model.yaml'), name: 'x' }, 'usage', /Cannot use --name with a model\.yaml/],
    [{ file: path('model.json') }, 'usage', /needs --name and --version/],
    [
      { file: path('train.csv'), name: 'x', version: '1.0.0' },
      'invalid',
      /Cannot load the artifact: it is of no format known here/,
    ],
  ]
  for (const [values, code, message] of refused) await assert.rejects(run(there, 'register', values), { code, message })
  await assert.rejects(run(there, 'model show', { model: 'gone' }), { code: 'not_found' })
  assert.deepEqual(registry.catalogue.names(), [])
})
