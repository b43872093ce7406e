/** `docs/ledger.md` says what is so: its columns are the schema's, its SQL runs. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { canonical } from './canonical.ts'
import { type Duck, openDuck } from './duck.ts'
import { idOf, type LedgerWorld, ledgerWorld, predictionText, START_AT } from './ledger-world.suite.ts'
import { RECORD_KINDS } from './record.ts'
import { fixedColumns, SQL_TYPES } from './schema.ts'

const PAGE = new URL('../../docs/ledger.md', import.meta.url)

describe('docs/ledger.md', () => {
  let world: LedgerWorld
  let duck: Duck
  let page: string
  before(async () => {
    page = await readFile(PAGE, 'utf8')
    world = await ledgerWorld()
    duck = await openDuck({ memory: '256MB', threads: 1 })
    const ledger = await world.open()
    const common = (): object => ({ id: world.ids.next(), at: START_AT, actor: 'key:1' })
    const texts = Array.from({ length: 100 }, (_, index) => predictionText(world, index))
    const outcomes = texts.map((text, index) =>
      canonical({ ...common(), kind: 'outcome', predictionId: idOf(text), value: index % 4 === 0 }),
    )
    const moved = (index: number): string => {
      const explanation = { bias: -1, contributions: { balance: index / 10 } }
      const record = { ...(JSON.parse(texts[0]!) as object), ...common(), explanation }
      return canonical({ ...record, model: 'churn', features: { balance: index * 1000 } })
    }
    const explained = [0, 1, 2, 3].map(moved)
    const refusal = { door: 'http', code: 'invalid', status: 422, requestId: 'r', fields: ['age'], count: 7 }
    await ledger.append([...texts, ...explained, ...outcomes, canonical({ ...common(), kind: 'refusal', ...refusal })])
    await ledger.seal()
    await ledger.close()
  })
  after(async () => {
    duck.close()
    await world.close()
  })

  it('names all columns, with their types', () => {
    for (const kind of RECORD_KINDS) {
      for (const { name, type } of fixedColumns(kind)) {
        assert.match(page, new RegExp(`\\| \`${name}\` \\| ${SQL_TYPES[type]} \\|`), `${kind}: ${name}`)
      }
    }
    const documented = page.match(/^\| .*`[a-z_]+` \| (?:BIGINT|UUID|VARCHAR|DOUBLE|BOOLEAN|TIMESTAMP_MS) \|/gm)!
    const own = RECORD_KINDS.flatMap(kind => fixedColumns(kind).map(({ name }) => name))
    assert.equal(documented.length, new Set([...own, 'position', 'rest']).size)
  })

  it('has SQL that runs on a ledger, and finds what is there', async () => {
    const queries = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql!)
    assert.ok(queries.length >= 4)
    const results = await duck.use(async connection => {
      const all: unknown[][][] = []
      for (const sql of queries) {
        const reader = await connection.runAndReadAll(sql.replaceAll('.bellwether/ledger', world.folder))
        all.push(reader.getRowsJson() as unknown[][])
      }
      return all
    })
    const [byDay, oneDay, explained, outcomes, refusals] = results
    assert.deepEqual([byDay!.length, Number(byDay![0]![2])], [1, 104])
    assert.deepEqual(
      explained!.map(([, balance, contribution]) => [balance, contribution]),
      [
        [3000, 0.3],
        [2000, 0.2],
      ],
    )
    assert.equal(
      oneDay!.length,
      Array.from({ length: 100 }, (_, index) => 18 + (index % 60)).filter(age => age > 60).length,
    )
    assert.deepEqual([outcomes![0]![0], outcomes![0]![2]], ['1.0.0', 0.25])
    assert.deepEqual(refusals, [['invalid', 'key:1', '7']])
  })
})
