import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../../src/ledger/canonical.ts'
import { matches, type RecordFilter } from '../../src/ledger/filter.ts'
import type { LedgerQuery } from '../../src/ledger/ledger.ts'
import {
  DAY_MS,
  idOf,
  type LedgerWorld,
  ledgerWorld,
  predictionText,
  START_AT,
} from '../../src/ledger/ledger-world.suite.ts'
import { leafHash, verifyInclusion } from '../../src/ledger/merkle.ts'
import type { OpenedLedger } from '../../src/ledger/open-ledger.ts'

let world: LedgerWorld
beforeEach(async () => {
  world = await ledgerWorld()
})
afterEach(() => world.close())

async function collect(ledger: OpenedLedger): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of ledger.lines()) lines.push(...batch)
  return lines
}

/** Appends so many, a day after the other. */
async function fill(
  ledger: OpenedLedger,
  count: number,
  make: (index: number) => object = () => ({}),
): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, index) => predictionText(world, index, make(index)))
  await ledger.append(texts)
  return texts
}

describe('a ledger', () => {
  it('is empty at first, and has a head all the same', async () => {
    const ledger = await world.open()
    assert.equal((await ledger.head()).size, 0)
    assert.deepEqual(await ledger.query({ limit: 10 }), { records: [] })
    assert.deepEqual(await collect(ledger), [])
    assert.equal(await ledger.find(world.ids.next()), undefined)
    assert.equal(await ledger.find('nothing'), undefined)
    await assert.rejects(ledger.prove(world.ids.next()), { code: 'not_found' })
    await ledger.seal()
    await ledger.close()
  })

  it('gives back every record in order, sealed or not, also after it was opened again', async () => {
    const texts: string[] = []
    for (let round = 0; round < 3; round++) {
      const ledger = await world.open()
      texts.push(...(await fill(ledger, 100)))
      await ledger.seal()
      texts.push(...(await fill(ledger, 50)))
      assert.equal(ledger.size, texts.length)
      assert.deepEqual(await collect(ledger), texts)
      await ledger.close()
    }
    assert.deepEqual(world.logged, [])
    assert.deepEqual(await readdir(join(world.folder, 'segments')), ['00000000.json', '00000001.json', '00000002.json'])
  })

  it('finds and proves records wherever they are', async () => {
    const ledger = await world.open()
    const texts = await fill(ledger, 40)
    await ledger.seal()
    texts.push(...(await fill(ledger, 30)))
    for (const [index, text] of texts.entries()) {
      if (index % 7 !== 0) continue
      assert.equal(await ledger.findText(idOf(text)), text)
      const proof = await ledger.prove(idOf(text))
      assert.deepEqual([proof.record, proof.index, proof.head.size], [text, index, 70])
      const path = proof.path.map(hash => Buffer.from(hash, 'hex'))
      assert.ok(verifyInclusion(leafHash(text), index, 70, path, Buffer.from(proof.head.root, 'hex')))
    }
  })

  it('does not take an id inside another record for the record', async () => {
    const ledger = await world.open()
    const id = world.ids.next()
    await ledger.append([predictionText(world, 0, { features: { id } })])
    assert.equal(await ledger.find(id), undefined)
    await ledger.append([
      predictionText(world, 0, { id, arm: 'right' }),
      predictionText(world, 0, { features: { id } }),
    ])
    assert.equal((await ledger.find(id))?.id, id)
  })

  it('tells outcomes of a prediction, sealed ones before later ones', async () => {
    const ledger = await world.open()
    const prediction = predictionText(world, 0)
    const outcome = (value: number): string =>
      canonical({
        kind: 'outcome',
        id: world.ids.next(),
        at: START_AT,
        actor: 'a',
        predictionId: idOf(prediction),
        value,
      })
    await ledger.append([prediction, outcome(1), predictionText(world, 1)])
    await ledger.seal()
    await ledger.append([outcome(2), outcome(3)])
    const values = (await ledger.outcomesOf(idOf(prediction))).map(record => record.kind === 'outcome' && record.value)
    assert.deepEqual(values, [1, 2, 3])
  })

  it('refuses a limit and a page that are none', async () => {
    const ledger = await world.open()
    for (const limit of [0, -1, 1.5, 10_001]) await assert.rejects(ledger.query({ limit }), { code: 'invalid' })
    for (const after of ['', 'x', '-1', '99999999999999999']) {
      await assert.rejects(ledger.query({ limit: 1, after }), { code: 'invalid' })
    }
  })

  it('makes lost hashes again from what is sealed, and signs on', async () => {
    const ledger = await world.open()
    const texts = await fill(ledger, 3000)
    await ledger.seal()
    texts.push(...(await fill(ledger, 20)))
    const before = await ledger.head()
    await ledger.close()
    await rm(join(world.folder, 'tree'), { recursive: true })
    const again = await world.open()
    texts.push(...(await fill(again, 5)))
    const proof = await again.prove(idOf(texts[1234]!))
    const path = proof.path.map(hash => Buffer.from(hash, 'hex'))
    assert.ok(verifyInclusion(leafHash(texts[1234]!), 1234, 3025, path, Buffer.from(proof.head.root, 'hex')))
    assert.deepEqual((await again.head()).size, before.size + 5)
    assert.deepEqual(world.logged, [])
  })

  it('gives up a seal when it is closed, and seals after the next start', async () => {
    const ledger = await world.open({ segmentBytesMax: 20_000 })
    const texts = await fill(ledger, 100)
    await ledger.close()
    const again = await world.open()
    assert.deepEqual(await collect(again), texts)
    await again.seal()
    assert.deepEqual(await collect(again), texts)
    assert.deepEqual((await readdir(join(world.folder, 'journal'))).filter(name => name.endsWith('.jsonl')).length, 1)
  })
})

describe('a query', () => {
  const QUERIES: fc.Arbitrary<LedgerQuery> = fc
    .record(
      {
        kind: fc.constantFrom('prediction', 'refusal', 'outcome', 'change'),
        model: fc.constantFrom('churn', 'credit', 'nothing'),
        version: fc.constantFrom('1.0.0', '1.1.0'),
        since: fc.integer({ min: -1, max: 4 }).map(days => START_AT + days * (DAY_MS / 2)),
        until: fc.integer({ min: -1, max: 5 }).map(days => START_AT + days * (DAY_MS / 2)),
        subject: fc.constantFrom('alice', 'bob\u2028"', 'nobody'),
        actor: fc.constantFrom('key:1', "key:'2"),
        order: fc.constantFrom('oldest', 'newest'),
        limit: fc.constantFrom(1, 3, 40, 1000),
      },
      { requiredKeys: ['limit'], noNullPrototype: true },
    )
    .map(query => query as LedgerQuery)

  const KINDS = ['prediction', 'refusal', 'outcome', 'change'] as const

  const mixed = (index: number): object => ({
    kind: KINDS[index % 4],
    at: START_AT + ((index * 7919) % 200) * (DAY_MS / 80),
    ...(index % 5 === 0 ? { model: 'credit' } : {}),
    ...(index % 3 === 0 ? { version: '1.1.0' } : {}),
    ...(index % 6 === 0 ? { subject: index % 4 === 0 ? 'alice' : 'bob\u2028"' } : {}),
    actor: index % 2 === 0 ? 'key:1' : "key:'2",
  })

  const pages = async (ledger: OpenedLedger, query: LedgerQuery): Promise<string[]> => {
    const found: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await ledger.search(after === undefined ? query : { ...query, after })
      assert.ok(page.found.length <= query.limit)
      found.push(...page.found.map(({ text }) => text))
      if (page.next === undefined) return found
      after = page.next
    }
  }

  it('finds what a look at every record finds, in the order of the log, page by page', async () => {
    const ledger = await world.open()
    const texts: string[] = []
    for (let segment = 0; segment < 4; segment++) {
      texts.push(...(await fill(ledger, 60, index => mixed(index + segment))))
      if (segment < 3) await ledger.seal()
    }
    await fc.assert(
      fc.asyncProperty(QUERIES, async query => {
        const { order, limit, after, ...filter } = query
        const expected = texts.filter(text => matches(JSON.parse(text), filter as RecordFilter))
        if (order !== 'oldest') expected.reverse()
        assert.deepEqual(await pages(ledger, query), expected)
      }),
      { numRuns: 40 },
    )
  })

  it('reads one day and one model without the others, and says so', async () => {
    const ledger = await world.open()
    for (let day = 0; day < 4; day++) {
      world.clock.set(START_AT + day * DAY_MS)
      await fill(ledger, 20, index => ({ model: index % 2 === 0 ? 'churn' : 'credit' }))
      await ledger.seal()
    }
    const since = START_AT + DAY_MS
    const query = { kind: 'prediction', model: 'churn', since, until: since + DAY_MS, limit: 100 } as const
    const { found, plan } = await ledger.search(query, true)
    assert.equal(found.length, 10)
    assert.deepEqual(plan!.filesRead, ['kind=prediction/model=churn/date=2026-11-23/00000001-1.0.0.parquet'])
    assert.deepEqual([plan!.filesInLedger, plan!.filesConsidered, plan!.journalFilesRead.length], [8, 1, 0])
    assert.match(plan!.queries[0]!.plan, /Total Files Read: 1/)
    const newest = await ledger.search({ limit: 3 }, true)
    assert.deepEqual(newest.plan!.filesRead.length, 2, 'the newest page reads the newest segment only')
    const byId = await ledger.search({ limit: 3, subject: 'x', until: START_AT }, true)
    assert.deepEqual(byId.plan!.filesRead, [])
  })

  it('sees each record exactly once while segments are sealed under it', async () => {
    const ledger = await world.open({ segmentBytesMax: 60_000 })
    const texts: string[] = []
    const reads = 8
    let isReading = true
    const write = async (): Promise<void> => {
      while (isReading && texts.length < 4000) texts.push(...(await fill(ledger, 10)))
    }
    const read = async (): Promise<void> => {
      for (let round = 0; round < reads; round++) {
        const before = texts.length
        const order = round % 2 === 0 ? 'oldest' : 'newest'
        const { found } = await ledger.search({ order, limit: 10_000 })
        const positions = found.map(({ position }) => position)
        if (order === 'newest') positions.reverse()
        assert.ok(positions.length >= before, `${positions.length} of ${before}`)
        assert.deepEqual(positions, Array.from(positions.keys()), 'neither a gap nor a duplicate')
        const lines = await collect(ledger)
        assert.deepEqual(lines, texts.slice(0, lines.length))
      }
      isReading = false
    }
    await Promise.all([read(), write()])
    await ledger.seal()
    assert.deepEqual(await collect(ledger), texts)
    assert.deepEqual(world.logged, [])
    assert.ok(existsSync(join(world.folder, 'segments', '00000001.json')))
  })
})
