import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type ClientRequest, client, type Transport } from '../client.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import { openTerminal } from '../platform/terminal.ts'
import type { Signature } from '../registry/signature.ts'
import { servingCommands } from './commands.ts'
import { predictRows, type Sender } from './predict-file.ts'
import { csvLine, openRows, preparerOf } from './predict-rows.ts'

const none = { nullable: true, sensitive: false, protected: false } as const
const SIGNATURE: Signature = {
  inputs: [
    { name: 'age', type: 'integer', ...none },
    { name: 'active', type: 'boolean', ...none },
    { name: 'city', type: 'string', categories: ['Oslo', 'Bergen'], ...none },
  ],
  outputs: [{ name: 'risk', type: 'number' }],
}

/** A server of one model that takes ages from 0; it answers a batch with a fault as ours does. */
function serving(sent: ClientRequest[] = [], namesRows = true): Transport {
  return async request => {
    if (request.method === 'GET')
      return Response.json(
        request.path.includes('versions') ? { signature: SIGNATURE } : { versions: ['1.0.0'], aliases: {} },
      )
    sent.push(request)
    const rows = JSON.parse(String(request.body)) as { age: number | null }[]
    const errors = rows.flatMap(({ age }, i) =>
      age !== null && age < 0 ? [{ field: namesRows ? `[${i}].age` : 'age', problem: 'is below 0' }] : [],
    )
    if (errors.length > 0)
      return Response.json({ code: 'invalid', detail: 'Cannot read the features', errors }, { status: 422 })
    return Response.json({
      predictions: rows.map(({ age }) => ({ id: `id-${age}`, model: 'm', version: '1.0.0', outputs: { risk: age } })),
    })
  }
}

const senderOf = (transport: Transport, waited: number[] = []): Sender => ({
  client: client(transport),
  path: '/models/m/predict',
  wait: async ms => waited.push(ms),
})

describe('predictRows()', () => {
  test('answers every good row in order and sets every bad one aside, whether or not the server names rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -3, max: 9 }), { maxLength: 20 }),
        fc.boolean(),
        async (ages, namesRows) => {
          const results = await predictRows(
            senderOf(serving([], namesRows)),
            ages.map(age => JSON.stringify({ age })),
          )
          assert.deepEqual(
            results.map(result => ('prediction' in result ? result.prediction.outputs['risk'] : 'refused')),
            ages.map(age => (age < 0 ? 'refused' : age)),
          )
        },
      ),
    )
  })

  test('asks a busy server again, a few times, each after a longer wait, and gives up on what is not the fault of rows', async () => {
    const waited: number[] = []
    const good = serving()
    const busy: Transport = async request =>
      waited.length < 3
        ? Response.json({ code: 'overloaded', detail: 'x' }, { status: 503, headers: { 'retry-after': '1' } })
        : good(request)
    assert.equal((await predictRows(senderOf(busy, waited), ['{"age":1}'])).length, 1)
    assert.deepEqual(waited, [1000, 1000, 1000])
    const never: Transport = async () => Response.json({ code: 'rate_limited', detail: 'x' }, { status: 429 })
    const patience: number[] = []
    await assert.rejects(predictRows(senderOf(never, patience), ['{"age":1}']), { code: 'rate_limited' })
    assert.deepEqual(patience, [250, 500, 1000, 2000, 4000])
    const gone: Transport = async () => Response.json({ code: 'forbidden', detail: 'x' }, { status: 403 })
    await assert.rejects(predictRows(senderOf(gone), ['{"age":1}']), { code: 'forbidden' })
  })
})

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-predict-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

async function preparedOf(path: string): Promise<unknown[]> {
  const source = await openRows(path)
  const prepare = preparerOf(source, SIGNATURE)
  const all: unknown[] = []
  for await (const row of source.rows) {
    const prepared = prepare(row)
    all.push('json' in prepared ? JSON.parse(prepared.json) : prepared.fault)
  }
  return all
}

describe('rows of a file', () => {
  test('become JSON by the types of the features; other columns are not sent', async t => {
    const csv = '\ufeffname,age,active,city\r\n"Ann, B.",42,TRUE,Oslo\r\nBob,,0,007\nCid,4x,1\n'
    const folder = folderOf(t, { 'a.csv': csv })
    assert.deepEqual(await preparedOf(join(folder, 'a.csv')), [
      { age: 42, active: true, city: 'Oslo' },
      { age: null, active: 0, city: '007' },
      'has 3 cells, wanted 4 as in the header',
    ])
  })

  test('of JSON Lines are sent as they are, and what is no object is set aside', async t => {
    const folder = folderOf(t, { 'a.jsonl': '{"age":1,"more":2}\n\n[1]\n{"age":\n' })
    assert.deepEqual(await preparedOf(join(folder, 'a.jsonl')), [
      { age: 1, more: 2 },
      'is no JSON object',
      'is not JSON',
    ])
  })

  test('without a column for a feature are refused, naming both sides', async t => {
    const folder = folderOf(t, { 'a.csv': 'age,town\n1,Oslo\n', 'empty.csv': '' })
    await assert.rejects(preparedOf(join(folder, 'a.csv')), {
      message: /wants columns active, city; the file has age, town/,
    })
    await assert.rejects(preparedOf(join(folder, 'empty.csv')), { message: /it is empty/ })
    await assert.rejects(preparedOf(join(folder, 'none.csv')), { code: 'not_found' })
    await assert.rejects(preparedOf(join(folder, 'none.jsonl')), { code: 'not_found' })
    await assert.rejects(preparedOf(join(folder, 'a.txt')), { code: 'usage' })
  })

  test('csvLine() is read back as it was written', async t => {
    const folder = folderOf(t, {})
    const cell = fc.string({ unit: 'binary' }).filter(text => text === text.trim() && text !== '')
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 4 }), async cells => {
        writeFileSync(join(folder, 'a.csv'), csvLine(['x']) + csvLine(cells))
        const source = await openRows(join(folder, 'a.csv'))
        for await (const row of source.rows) assert.deepEqual(row.cells, cells)
      }),
      { numRuns: 50 },
    )
  })
})

async function runPredict(
  options: CommandContext['options'],
  transport: Transport,
): Promise<{ status: number | undefined; stdout: string }> {
  const written = { stdout: '' }
  const stdout = {
    write: (text: string) => {
      written.stdout += text
    },
  }
  const terminal = openTerminal({ stdout, stderr: { write: () => {} } }, { json: true, env: {} })
  const command = servingCommands.find(({ path }) => path === 'predict') as Command
  const context = {
    args: { model: 'm' },
    options,
    terminal,
    api: async () => client(transport),
    signal: new AbortController().signal,
  }
  const status = await command.run(context as unknown as CommandContext)
  return { status, ...written }
}

describe('bellwether predict', () => {
  test('writes answers beside the rows, refused rows into a file of their own, and says so in its status', async t => {
    const folder = folderOf(t, { 'a.csv': 'id,age,active,city\n"1,a",5,1,Oslo\n2,-1,1,Oslo\n3,x\n4,7,0,Bergen\n' })
    const output = join(folder, 'out.csv')
    const { status, stdout } = await runPredict({ input: join(folder, 'a.csv'), output, batch: 2 }, serving())
    assert.equal(status, 65)
    assert.deepEqual(
      { ...JSON.parse(stdout), seconds: 0, output: '', rejectedFile: '' },
      { model: 'm', predicted: 2, rejected: 2, seconds: 0, output: '', rejectedFile: '' },
    )
    assert.equal(
      readFileSync(output, 'utf8'),
      'id,age,active,city,risk,prediction_id,model_version\n"1,a",5,1,Oslo,5,id-5,1.0.0\n4,7,0,Bergen,7,id-7,1.0.0\n',
    )
    assert.equal(
      readFileSync(`${output}.rejected.csv`, 'utf8'),
      'line,reason,id,age,active,city\n3,age is below 0,2,-1,1,Oslo\n4,"has 2 cells, wanted 4 as in the header",3,x\n',
    )
  })

  test('keeps a half-made output apart', async t => {
    const folder = folderOf(t, { 'a.jsonl': '{"age":1}\n{"age":2}\n{"age":3}\n' })
    let batches = 0
    const good = serving()
    const failing: Transport = async request => {
      if (request.method === 'POST' && ++batches === 2)
        return Response.json({ code: 'storage_full', detail: 'full' }, { status: 503 })
      return good(request)
    }
    const options = { input: join(folder, 'a.jsonl'), output: join(folder, 'out.jsonl'), batch: 2 }
    await assert.rejects(runPredict(options, failing), { code: 'storage_full' })
    assert.deepEqual(readdirSync(folder).sort(), ['a.jsonl', 'out.jsonl.partial'])
    assert.equal(readFileSync(join(folder, 'out.jsonl.partial'), 'utf8').split('\n').length, 3)
    assert.equal((await runPredict(options, good)).status, undefined)
    assert.deepEqual(readdirSync(folder).sort(), ['a.jsonl', 'out.jsonl'])
  })

  test('refuses what it cannot write', async t => {
    const folder = folderOf(t, { 'a.csv': 'age,active,city,risk\n1,1,Oslo,0\n' })
    const input = join(folder, 'a.csv')
    await assert.rejects(runPredict({ input, output: join(folder, 'o.jsonl'), batch: 2 }, serving()), { code: 'usage' })
    await assert.rejects(runPredict({ input, output: join(folder, 'o.csv'), batch: 2 }, serving()), {
      code: 'conflict',
    })
    await assert.rejects(runPredict({ input, output: join(folder, 'o.csv'), batch: 0 }, serving()), { code: 'usage' })
    const away = join(folder, 'no', 'such', 'o.jsonl')
    writeFileSync(join(folder, 'b.jsonl'), '{"age":1}\n')
    await assert.rejects(runPredict({ input: join(folder, 'b.jsonl'), output: away, batch: 2 }, serving()), {
      code: 'storage_full',
    })
  })
})
