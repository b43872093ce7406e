/** `bellwether outcomes` with the files that people have. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDuck } from '../../src/ledger/duck.ts'
import { literal } from '../../src/ledger/sql-text.ts'
import { bellwether, type Ended } from '../server.ts'
import { ask, type RunningApp, withApp } from '../serving/app.ts'

interface Scene {
  readonly app: RunningApp
  readonly folder: string
  /** Of customer-0, customer-1… */
  readonly ids: readonly string[]
  tell(file: string, ...args: readonly string[]): Promise<Ended>
}

const CUSTOMERS = 5

const onScene = (run: (scene: Scene) => Promise<void>): Promise<void> =>
  withApp({}, async app => {
    const folder = mkdtempSync(join(tmpdir(), 'bellwether-outcomes-'))
    try {
      await app.register('churn')
      const ids: string[] = []
      for (let customer = 0; customer < CUSTOMERS; customer++) {
        const headers = { 'bellwether-subject': `customer-${customer}` }
        const { body } = await ask(`${app.url}/predict`, { age: 42, tenure: customer }, headers)
        ids.push(body['id'] as string)
      }
      const tell = (file: string, ...args: readonly string[]): Promise<Ended> =>
        bellwether(['outcomes', '--input', join(folder, file), '--server', app.url, ...args])
      await run({ app, folder, ids, tell })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

async function writeParquet(path: string, sql: string): Promise<void> {
  const duck = await openDuck({ memory: '256MB', threads: 1 })
  try {
    await duck.use(connection => connection.run(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet)`))
  } finally {
    duck.close()
  }
}

async function valuesIn({ app, ids }: Scene): Promise<unknown[]> {
  const records = await app.records()
  return ids.map(id => {
    const outcome = records.findLast(record => record.kind === 'outcome' && record.predictionId === id)
    return outcome?.kind === 'outcome' ? outcome.value : undefined
  })
}

describe('bellwether outcomes', () => {
  it('takes Parquet by subject, with its own types, and again without effect', () =>
    onScene(async scene => {
      const { folder, tell } = scene
      const rows =
        "SELECT 'customer-' || n AS subject, n % 2 = 0 AS value, (to_timestamp(epoch(now()) + 60))::TIMESTAMPTZ AS happened_at, " +
        `12.5 AS amount, 'EUR' AS currency, 'a note, "quoted"' || chr(10) || 'of two lines' AS note FROM range(${CUSTOMERS + 1}) t(n)`
      await writeParquet(join(folder, 'left.parquet'), rows)
      const first = await tell('left.parquet', '--model', 'churn', '--json')
      assert.equal(first.status, 65, first.stderr)
      const { recorded, rejected, ignored } = JSON.parse(first.stdout) as Record<string, unknown>
      assert.deepEqual([recorded, rejected, ignored], [CUSTOMERS, 1, ['note']])
      assert.deepEqual(await valuesIn(scene), [true, false, true, false, true])
      const reasons = readFileSync(join(folder, 'left.parquet.rejected.csv'), 'utf8')
      assert.match(reasons, /^7,"subject has no prediction of churn from before this happened",customer-5,/m)
      const again = await tell('left.parquet', '--model', 'churn')
      assert.match(again.stdout, /Read 6 rows in .*: 0 outcomes recorded, 0 corrected, 5 known already/)
    }))

  it('takes CSV with semicolons and quotes, and keeps refused rows as they are', () =>
    onScene(async scene => {
      const { app, folder, ids, tell } = scene
      const lines = [
        '\ufeffPrediction ID;Value;Correction',
        `"${ids[0]}"; 1 ;`,
        `${ids[1]!.toUpperCase()};0;`,
        '',
        `${ids[2]};"0;1`,
        `${ids[0]};0;`,
        `${ids[0]};0;true`,
      ]
      writeFileSync(join(folder, 'left.csv'), `${lines.join('\r\n')}\r\n`)
      const told = await tell('left.csv', '--rejected', join(folder, 'bad.csv'))
      assert.equal(told.status, 65, told.stderr)
      assert.match(told.stdout, /Read 5 rows in .*: 2 outcomes recorded, 1 corrected, 0 known already/)
      assert.deepEqual(await valuesIn(scene), [false, false, undefined, undefined, undefined])
      const first = (await app.records()).find(record => record.kind === 'outcome' && record.predictionId === ids[0])
      assert.deepEqual(readFileSync(join(folder, 'bad.csv'), 'utf8').trimEnd().split('\n'), [
        'line;reason;Prediction ID;Value;Correction',
        `5;"has a quote that is not closed, or text beside one";${ids[2]};"0;1`,
        `6;"value contradicts the outcome ${first?.id}; with ""correction"": true it takes its place";${ids[0]};0;`,
      ])
    }))

  it('says what it cannot do, and takes nothing', () =>
    onScene(async scene => {
      const { folder, app, tell } = scene
      writeFileSync(join(folder, 'empty.csv'), '')
      writeFileSync(join(folder, 'other.csv'), 'a,b\n1,2\n')
      writeFileSync(join(folder, 'fake.parquet'), 'not parquet')
      for (const [file, status, said] of [
        ['nowhere.csv', 66, /there is no such file/],
        ['left.xlsx', 64, /must end in \.csv or \.parquet/],
        ['empty.csv', 65, /it is empty/],
        ['other.csv', 65, /there is no column value, prediction_id or subject; found a, b/],
        ['fake.parquet', 65, /Cannot read .*fake\.parquet/],
      ] as const) {
        const { status: found, stderr } = await tell(file)
        assert.equal(found, status, `${file}: ${stderr}`)
        assert.match(stderr, said)
        assert.ok(!existsSync(join(folder, `${file}.rejected.csv`)))
      }
      assert.equal((await app.records()).filter(({ kind }) => kind === 'outcome').length, 0)
    }))
})
