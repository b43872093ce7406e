import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { folderOf, jobOf, riskOf } from '../../src/serving/batch/batch-world.suite.ts'
import { scoreFile } from '../../src/serving/batch/score-file.ts'
import type { Answers } from '../../src/serving/batch/scored-rows.ts'

interface Person {
  readonly id: string
  readonly age: number | null
  readonly active: boolean
  readonly city: string | null
  readonly balance: number
}

function people(count: number): Person[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i % 7 === 0 ? `a "quoted", ${i}` : `p${i}`,
    age: i % 11 === 0 ? null : (i * 37) % 90,
    active: i % 2 === 0,
    city: i % 13 === 0 ? null : i % 3 === 0 ? 'Bergen' : 'Oslo',
    balance: i / 8,
  }))
}

/** One row in fifty is wrong: an age below 0. */
const isWrong = (i: number): boolean => i % 50 === 49
const ageOf = ({ age }: Person, i: number): number | null => (isWrong(i) ? -5 : age)

function csvOf(all: readonly Person[]): string {
  const quoted = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const lines = all.map(
    (person, i) =>
      `${quoted(person.id)},${ageOf(person, i) ?? ''},${person.active},${person.city ?? ''},${person.balance}`,
  )
  return `id,age,active,city,balance\n${lines.join('\n')}\n`
}

const jsonOf = (all: readonly Person[]): string =>
  all.map((person, i) => `${JSON.stringify({ ...person, age: ageOf(person, i) })}\n`).join('')

function parquetOf(all: readonly Person[]): Uint8Array {
  const columnData = [
    { name: 'id', data: all.map(({ id }) => id), type: 'STRING' },
    {
      name: 'age',
      data: all.map(ageOf).map(age => (age === null ? null : BigInt(age))),
      type: 'INT64',
      nullable: true,
    },
    { name: 'active', data: all.map(({ active }) => active), type: 'BOOLEAN' },
    { name: 'city', data: all.map(({ city }) => city), type: 'STRING', nullable: true },
    { name: 'balance', data: all.map(({ balance }) => balance), type: 'DOUBLE' },
  ] as const
  const columns = columnData.map(column => ({ ...column, data: [...column.data] }))
  return new Uint8Array(parquetWriteBuffer({ columnData: columns, rowGroupSize: 300 }))
}

/** Read by somebody else. */
async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

const INPUTS: Readonly<Record<string, (all: readonly Person[]) => string | Uint8Array>> = {
  'in.csv': csvOf,
  'in.csv.gz': all => gzipSync(csvOf(all)),
  'in.jsonl': jsonOf,
  'in.jsonl.gz': all => gzipSync(jsonOf(all)),
  'in.parquet': parquetOf,
}

describe('scoreFile()', () => {
  const all = people(1_000)
  const good = all.filter((_, i) => !isWrong(i))

  for (const input of Object.keys(INPUTS)) {
    for (const output of ['out.csv', 'out.csv.gz', 'out.jsonl', 'out.jsonl.gz', 'out.parquet']) {
      test(`${input} to ${output}: every row in order, wrong ones aside`, async t => {
        const folder = folderOf(t, { [input]: INPUTS[input]!(all) })
        const { predicted, rejected, outputSha256, inputSha256 } = await scoreFile(jobOf(folder, input, output))
        assert.deepEqual([predicted, rejected], [980, 20])
        const [path, rejectedPath] = [join(folder, output), join(folder, `${output}.rejected`)]
        assert.equal(outputSha256, createHash('sha256').update(readFileSync(path)).digest('hex'))
        assert.equal(
          inputSha256,
          createHash('sha256')
            .update(readFileSync(join(folder, input)))
            .digest('hex'),
        )
        assert.deepEqual(
          await answersIn(path),
          good.map(({ age, city }) => riskOf(age, city)),
        )
        assert.deepEqual(readdirSync(folder).sort(), [input, output, `${output}.rejected`].sort())
        const faults = readFileSync(rejectedPath, 'utf8')
        assert.equal(faults.match(/age is -5, an integer of at least 0 or null was wanted/g)?.length, 20)
        const first = input.startsWith('in.csv') ? '51,' : '{"line":50,'
        assert.ok(faults.split('\n')[input.startsWith('in.csv') ? 1 : 0]!.startsWith(first), faults.slice(0, 200))
      })
    }
  }

  test('Parquet has the columns that one expects, with gaps, extra columns and the model', async t => {
    const folder = folderOf(t, { 'in.csv': csvOf(all) })
    await scoreFile(jobOf(folder, 'in.csv', 'out.parquet'))
    const path = join(folder, 'out.parquet')
    const described = await query(`describe select * from '${path}'`)
    assert.deepEqual(
      described.map(({ column_name, column_type }) => `${column_name} ${column_type}`),
      ['age DOUBLE', 'active BOOLEAN', 'city VARCHAR', 'balance DOUBLE', 'id VARCHAR', 'risk DOUBLE'],
    )
    const rows = await query(`select id, age, active, city, balance from '${path}'`)
    assert.deepEqual(
      rows,
      good.map(person => ({ ...person })),
    )
    const facts = await query(`select decode(key) k, decode(value) v from parquet_kv_metadata('${path}') order by k`)
    assert.deepEqual(
      facts.map(({ k, v }) => `${k}=${v}`),
      ['artifact=a', 'model=small', 'version=1.0.0'],
    )
  })

  test('somebody else may answer, and says which records', async t => {
    const folder = folderOf(t, { 'in.jsonl': jsonOf(all.slice(0, 60)) })
    const record = async (rows: readonly string[]): Promise<Answers> => {
      const asked = rows.map(row => JSON.parse(row) as Person)
      return {
        outputs: [asked.map(({ age, city }) => riskOf(age, city))],
        recorded: { ids: asked.map((_, i) => `id-${i}`), versions: asked.map(() => '1.0.0') },
        faults: new Map([[3, 'is not liked']]),
      }
    }
    const { model: _, ...job } = jobOf(folder, 'in.jsonl', 'out.csv', { record })
    const { predicted, rejected } = await scoreFile(job)
    assert.deepEqual([predicted, rejected], [58, 2])
    const lines = readFileSync(join(folder, 'out.csv'), 'utf8').split('\n')
    assert.equal(lines[0], 'age,active,city,balance,risk,prediction_id,model_version')
    assert.equal(lines[2], '37,false,Oslo,0.125,0,id-1,1.0.0')
    assert.match(readFileSync(join(folder, 'out.csv.rejected'), 'utf8'), /"line":4,"reason":"is not liked"/)
  })
})

async function answersIn(path: string): Promise<number[]> {
  if (path.endsWith('.parquet')) return (await query(`select risk from '${path}'`)).map(({ risk }) => Number(risk))
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  const lines = text.trimEnd().split('\n')
  if (path.includes('.csv')) return lines.slice(1).map(line => Number(line.slice(line.lastIndexOf(',') + 1)))
  return lines.map(line => (JSON.parse(line) as { prediction: { risk: number } }).prediction.risk)
}

/** Of all rows in their order: enough to tell files apart. */
function sumsOf(path: string): Promise<Record<string, unknown>[]> {
  const row = "concat_ws('|', file_row_number, id, age, active, city, balance, risk)"
  return query(`select count(*) n, sum(hash(${row})) h from read_parquet('${path}', file_row_number = true)`)
}

describe('an interrupted scoring', () => {
  const ROWS = 180_000

  async function interrupted(
    t: TestContext,
    output: string,
  ): Promise<{ folder: string; whole: Buffer; wholeRejected: string }> {
    const folder = folderOf(t, { 'in.csv': csvOf(people(ROWS)) })
    await scoreFile(jobOf(folder, 'in.csv', `whole-${output}`))
    const whole = readFileSync(join(folder, `whole-${output}`))
    const wholeRejected = readFileSync(join(folder, `whole-${output}.rejected`), 'utf8')
    const controller = new AbortController()
    const stopping = jobOf(folder, 'in.csv', output, {
      threads: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    await assert.rejects(scoreFile(stopping), { name: 'AbortError' })
    assert.ok(!existsSync(join(folder, output)))
    return { folder, whole, wholeRejected }
  }

  for (const output of ['out.csv', 'out.parquet']) {
    test(`${output} goes on where it stood and ends as if nothing had been, whatever lies behind the last word`, async t => {
      const { folder, whole, wholeRejected } = await interrupted(t, output)
      const partial = join(folder, `${output}.partial`)
      writeFileSync(partial, 'torn', { flag: 'a' })
      writeFileSync(join(folder, `${output}.progress`), '{"offset":1,', { flag: 'a' })
      await assert.rejects(scoreFile(jobOf(folder, 'in.csv', output)), {
        code: 'conflict',
        message: /stands at \d+ rows .*--resume goes on, --restart begins again/,
      })
      const { predicted, rejected, resumedAt } = await scoreFile(jobOf(folder, 'in.csv', output, { how: 'resume' }))
      assert.ok(resumedAt > 0 && resumedAt < ROWS, `went on at ${resumedAt}`)
      assert.equal(predicted + rejected, ROWS)
      // Blocks may end elsewhere, and with them the groups of Parquet; rows are the same.
      if (output === 'out.csv') assert.ok(readFileSync(join(folder, output)).equals(whole))
      else assert.deepEqual(await sumsOf(join(folder, output)), await sumsOf(join(folder, `whole-${output}`)))
      assert.equal(readFileSync(join(folder, `${output}.rejected`), 'utf8'), wholeRejected)
      assert.deepEqual(
        readdirSync(folder).filter(name => /partial|progress/.test(name)),
        [],
      )
    })
  }

  test('does not go on with another input, or with an output that was cut; but may begin again', async t => {
    const { folder, whole } = await interrupted(t, 'out.csv')
    const partial = join(folder, 'out.csv.partial')
    const { size } = statSync(partial)
    truncateSync(partial, size - 10)
    await assert.rejects(scoreFile(jobOf(folder, 'in.csv', 'out.csv', { how: 'resume' })), { code: 'corrupt' })
    writeFileSync(join(folder, 'in.csv'), '\n', { flag: 'a' })
    await assert.rejects(scoreFile(jobOf(folder, 'in.csv', 'out.csv', { how: 'resume' })), {
      code: 'conflict',
      message: /inputBytes was \d+ when it was begun, and is \d+ now/,
    })
    await scoreFile(jobOf(folder, 'in.csv', 'out.csv', { how: 'restart' }))
    assert.ok(readFileSync(join(folder, 'out.csv')).equals(whole))
  })
})

describe('a scoring that cannot be', () => {
  test('says why, and leaves nothing behind', async t => {
    const csv = 'age,active,city,balance\n1,1,Oslo,2\n'
    const folder = folderOf(t, {
      'a.csv': csv,
      'few.csv': 'age,town\n1,Oslo\n',
      'empty.csv': '',
      'twice.csv': 'age,age\n1,2\n',
      'risk.csv': 'age,active,city,balance,risk\n1,1,Oslo,2,3\n',
      'no.parquet': 'PAR1 but nothing more',
    })
    const names = readdirSync(folder).sort()
    for (const [input, output, code, message] of [
      ['few.csv', 'o.csv', 'invalid', /wants columns active, city, balance; the file has age, town/],
      ['empty.csv', 'o.csv', 'invalid', /it is empty, wanted a header and rows/],
      ['twice.csv', 'o.csv', 'invalid', /two columns are named "age"/],
      ['risk.csv', 'o.csv', 'conflict', /the input has a column risk already/],
      ['no.parquet', 'o.csv', 'invalid', /it is no whole Parquet file/],
      ['none.csv', 'o.csv', 'not_found', /there is no such file/],
      ['none.parquet', 'o.csv', 'not_found', /there is no such file/],
      ['a.txt', 'o.csv', 'usage', /its name must end in/],
      ['a.csv', 'o.parquet.gz', 'usage', /leave out \.gz/],
      ['a.csv', 'no/such/o.csv', 'unavailable', /no such file or directory/],
    ] as const) {
      await assert.rejects(scoreFile(jobOf(folder, input, output)), { code, message }, `${input} to ${output}`)
      assert.deepEqual(readdirSync(folder).sort(), names, `${input} to ${output}`)
    }
  })
})
