/** `bellwether predict` as its users run it: against a server, killed on the way, without the right to. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ChangeRecord } from '../../src/ledger/record.ts'
import { tinyAnswer, tinyModel } from '../journeys/model.ts'
import { bellwether, type Ended, type RunningServer, temporaryFolder, withServer } from '../server.ts'

const CLI = new URL('../../src/cli.ts', import.meta.url).pathname
const MANIFEST = `name: tiny
version: 1.0.0
artifact: model.json
uses: { permitted: [retention-offer], prohibited: [credit-decision] }
`

interface Place {
  readonly file: (name: string) => string
  readonly predict: (args: readonly string[]) => Promise<Ended>
}

async function place(t: TestContext, server: RunningServer): Promise<Place> {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('model.json'), tinyModel())
  writeFileSync(file('model.yaml'), MANIFEST)
  const registered = await bellwether(['register', file('model.yaml'), '--server', server.url])
  assert.equal(registered.status, 0, registered.stderr)
  return { file, predict: args => bellwether(['predict', 'tiny', ...args, '--json', '--server', server.url]) }
}

function rows(count: number): string {
  const lines = Array.from({ length: count }, (_, i) => `c${i},${20 + (i % 50)},${i % 11}`)
  return `id,age,tenure\n${lines.join('\n')}\n`
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

test('a file leaves one record, and its rows none unless asked', async t => {
  await withServer({}, async server => {
    const { file, predict } = await place(t, server)
    writeFileSync(file('in.csv'), rows(1_000))
    const ended = await predict(['-i', file('in.csv'), '-o', file('out.csv'), '--purpose', 'retention-offer'])
    assert.equal(ended.status, 0, ended.stderr)
    const { predicted, version, record } = JSON.parse(ended.stdout)
    assert.deepEqual([predicted, version], [1_000, '1.0.0'])
    const [header, ...lines] = readFileSync(file('out.csv'), 'utf8').trimEnd().split('\n')
    assert.equal(header, 'id,age,tenure,tiny_probability')
    for (const [i, line] of lines.entries()) {
      const [id, age, tenure, answer] = line.split(',')
      assert.equal(id, `c${i}`)
      assert.ok(Math.abs(Number(answer) - tinyAnswer(Number(age), Number(tenure))) < 1e-6, line)
    }
    const recordsOf = async (kind: string): Promise<ChangeRecord[]> => {
      const queried = await bellwether(['ledger', 'query', '--kind', kind, '--json', '--data', server.data])
      assert.equal(queried.status, 0, queried.stderr)
      return JSON.parse(queried.stdout).records
    }
    assert.deepEqual(await recordsOf('prediction'), [])
    const found = (await recordsOf('change')).find(({ id }) => id === record)!
    assert.equal(found.action, 'batch:scored')
    assert.equal(found.target, 'tiny@1.0.0')
    const { startedAt: _, artifactSha256, ...detail } = found.detail as Record<string, unknown>
    assert.equal(artifactSha256, sha256(file('model.json')))
    assert.deepEqual(detail, {
      purpose: 'retention-offer',
      inputSha256: sha256(file('in.csv')),
      outputSha256: sha256(file('out.csv')),
      predicted: 1_000,
      rejected: 0,
      recorded: false,
    })
  })
})

test('a purpose that is not permitted scores nothing', async t => {
  await withServer({}, async server => {
    const { file, predict } = await place(t, server)
    writeFileSync(file('in.csv'), rows(10))
    for (const mode of [[], ['--record']]) {
      const ended = await predict([
        '-i',
        file('in.csv'),
        '-o',
        file('out.csv'),
        '--purpose',
        'credit-decision',
        ...mode,
      ])
      assert.equal(ended.status, 77, ended.stderr)
      assert.match(ended.stderr + ended.stdout, /prohibited for this model/)
      assert.ok(!existsSync(file('out.csv')))
    }
  })
})

test('killed at any moment and resumed, it ends with the same file', async t => {
  await withServer({}, async server => {
    const { file, predict } = await place(t, server)
    writeFileSync(file('in.csv'), rows(1_500_000))
    assert.equal((await predict(['-i', file('in.csv'), '-o', file('whole.csv')])).status, 0)
    const args = [
      'predict',
      'tiny',
      '-i',
      file('in.csv'),
      '-o',
      file('out.csv'),
      '--server',
      server.url,
      '--threads',
      '1',
    ]
    for (let attempt = 0; attempt < 4 && !existsSync(file('out.csv')); attempt++) {
      const child = spawn(process.execPath, [CLI, ...args, '--resume'], { stdio: 'ignore' })
      const gone = new Promise(resolve => child.once('exit', resolve))
      const before = progressOf(file('out.csv.progress'))
      while (child.exitCode === null && progressOf(file('out.csv.progress')) <= before) {
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      child.kill('SIGKILL')
      await gone
    }
    const ended = await predict(['-i', file('in.csv'), '-o', file('out.csv'), '--resume'])
    assert.equal(ended.status, 0, ended.stderr)
    assert.equal(sha256(file('out.csv')), sha256(file('whole.csv')))
  })
})

/** Bytes of the file that says how far a scoring has come. */
function progressOf(path: string): number {
  return existsSync(path) ? readFileSync(path).length : 0
}
