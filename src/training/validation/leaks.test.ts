import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyOf, momentOf } from '../../data/cell-numbers.ts'
import { readCsv } from '../../data/csv.ts'
import { type Random, seededRandom } from '../../math/random.ts'
import type { Feature, FeatureType } from '../../registry/signature.ts'
import { type LeakData, leakChecks } from './leaks.ts'
import type { JudgedTask } from './measures.ts'
import type { Prepared } from './prepare.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY = 86_400_000

function feature(name: string, type: FeatureType = 'number'): Feature {
  return { name, type, nullable: true, sensitive: false, protected: false }
}

type Row = Readonly<Record<string, number | string | undefined>>

/** Rows as a CSV file is read; the column `y` is the target, `group` and `time` are as the gate reads them. */
async function prepared(rows: readonly Row[], inputs: readonly Feature[]): Promise<Prepared & { truth: Float64Array }> {
  const header = Object.keys(rows[0]!)
  const lines = rows.map(row => header.map(name => row[name] ?? '').join(','))
  const bytes = new TextEncoder().encode([header.join(','), ...lines].join('\n'))
  const numbers = new Map([
    ['group', keyOf],
    ['time', momentOf],
  ])
  const source = (async function* () {
    yield bytes
  })()
  const table = await readCsv(source, { what: 'the rows', numbers })
  const values = (name: string): Float64Array => {
    const column = table.columns.get(name)!
    if (column.kind === 'text') throw new Error(`${name} has too many texts`)
    return column.kind === 'string'
      ? Float64Array.from(column.codes, code => (code < 0 ? Number.NaN : code))
      : column.values
  }
  return { rows: rows.length, table, truth: values('y'), features: inputs.map(({ name }) => values(name)) }
}

function made(rows: number, seed: number, row: (random: Random, at: number) => Row): Row[] {
  const random = seededRandom(seed)
  return Array.from({ length: rows }, (_, at) => row(random, at))
}

interface Given {
  readonly inputs: readonly Feature[]
  readonly train: readonly Row[]
  readonly held: readonly Row[]
  readonly task?: JudgedTask
}

async function failures(
  { inputs, train, held, task = 'binary' }: Given,
  declared: Parameters<typeof leakChecks>[1] = {},
): Promise<string[]> {
  const data: LeakData = {
    inputs,
    task,
    now: NOW,
    reference: await prepared(train, inputs),
    evaluation: await prepared(held, inputs),
  }
  return leakChecks(data, declared)
    .filter(({ status }) => status === 'failed')
    .map(({ name }) => name)
}

const x = feature('x')
const honest = (random: Random): Row => {
  const value = random()
  return { x: value, y: random() < value ? 1 : 0 }
}

function both(
  inputs: readonly Feature[],
  row: (random: Random, at: number) => Row,
  task: JudgedTask = 'binary',
): Given {
  return { inputs, train: made(400, 1, row), held: made(400, 2, row), task }
}

describe('what is honest passes', () => {
  test('a number that tells something', async () => {
    assert.deepEqual(await failures(both([x], honest)), [])
  })
  test('an amount that is different in each row, whole numbers included', async () => {
    const row = (random: Random): Row => ({ ...honest(random), amount: Math.floor(random() * 1e7) })
    assert.deepEqual(await failures(both([x, feature('amount', 'integer')], row)), [])
  })
  test('values so coarse that rows must have twins', async () => {
    const row = (random: Random): Row => ({ x: Math.floor(random() * 3), y: random() < 0.3 ? 1 : 0 })
    assert.deepEqual(await failures(both([feature('x', 'integer')], row)), [])
  })
  test('a moment of the past', async () => {
    const row = (random: Random): Row => ({ ...honest(random), since: Math.floor((NOW - random() * 1e11) / 1000) })
    assert.deepEqual(await failures(both([x, feature('since', 'integer')], row)), [])
  })
})

describe('copies of the target', () => {
  const copies: readonly (readonly [string, (y: number, random: Random) => number | string])[] = [
    ['itself', y => y],
    ['turned over', y => 1 - y],
    ['scaled', y => 3.5 * y - 2],
    ['in words', y => (y === 1 ? 'left' : 'stayed')],
    ['in bands', (y, random) => y * 10 + random()],
    ['outside a band', (y, random) => (y === 1 ? (random() < 0.5 ? 0 : 2) : 1)],
    ['in gaps', (y, random) => (y === 1 ? '' : random())],
  ]
  for (const [what, copy] of copies) {
    test(what, async () => {
      const type = what === 'in words' ? 'string' : 'number'
      const row = (random: Random): Row => {
        const plain = honest(random)
        return { ...plain, copy: copy(plain['y'] as number, random) }
      }
      assert.deepEqual(await failures(both([x, feature('copy', type)], row)), ['leaks.targetCopy.copy'])
    })
  }
  test('of a value, in another unit', async () => {
    const row = (random: Random): Row => {
      const y = random() * 100
      return { x: random(), y, copy: 32 + 1.8 * y }
    }
    assert.deepEqual(await failures(both([x, feature('copy')], row, 'regression')), ['leaks.targetCopy.copy'])
  })
  test('with a little noise it is too good', async () => {
    const row = (random: Random): Row => {
      const plain = honest(random)
      return { ...plain, hint: (plain['y'] as number) + (random() < 0.03 ? 1 : 0) + random() * 0.9 }
    }
    assert.deepEqual(await failures(both([x, feature('hint')], row)), ['leaks.singleFeature.hint'])
  })
  test('several classes', async () => {
    const row = (random: Random): Row => {
      const y = Math.floor(random() * 3)
      return { x: random(), y, copy: ['a', 'b', 'c'][y] }
    }
    const inputs = [x, feature('copy', 'string')]
    assert.deepEqual(await failures(both(inputs, row, 'multiclass')), ['leaks.targetCopy.copy'])
  })
})

describe('ids', () => {
  const ids: readonly (readonly [string, FeatureType, (at: number, random: Random) => number | string])[] = [
    ['rising', 'integer', at => 1000 + 7 * at],
    ['close together, in any order', 'integer', at => ((at * 7) % 400) + 5000],
    ['long numbers', 'integer', (_, random) => Math.floor(random() * 1e12) + 1e12 * 5],
    ['texts', 'string', at => `c-${at}`],
  ]
  for (const [what, type, id] of ids) {
    test(what, async () => {
      const row = (random: Random, at: number): Row => ({ ...honest(random), id: id(at, random) })
      assert.deepEqual(await failures(both([x, feature('id', type)], row)), ['leaks.id.id'])
      assert.deepEqual(await failures(both([x, feature('id', type)], row), { accepted: ['id'] }), [])
      assert.deepEqual(await failures(both([x, feature('id', type)], row), { off: ['id'] }), [])
    })
  }
})

describe('time', () => {
  test('a moment later than now', async () => {
    const row = (random: Random, at: number): Row => ({ ...honest(random), until: NOW + (at % 9) * DAY + random() })
    assert.deepEqual(await failures(both([x, feature('until')], row)), ['leaks.future.until'])
  })
  test('a moment later than its row, in seconds against dates', async () => {
    const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
    const row =
      (from: number) =>
      (random: Random, at: number): Row => {
        const asked = from + (at % 50) * DAY
        return { ...honest(random), closed: Math.round((asked + (at === 3 ? 5 : -5) * DAY) / 1000), time: date(asked) }
      }
    const [first, later] = [NOW - 300 * DAY, NOW - 200 * DAY]
    const given = { inputs: [x, feature('closed')], train: made(400, 1, row(first)), held: made(400, 2, row(later)) }
    assert.deepEqual(await failures(given, { time: 'time' }), ['leaks.future.closed'])
  })
  test('evaluation rows must be later, with a gap', async () => {
    const row =
      (from: number) =>
      (random: Random, at: number): Row => ({ ...honest(random), time: from + (at % 10) })
    const given = { inputs: [x], train: made(200, 1, row(0)), held: made(200, 2, row(12)) }
    assert.deepEqual(await failures(given, { time: 'time' }), [])
    assert.deepEqual(await failures(given, { time: 'time', gap: 3 }), [])
    assert.deepEqual(await failures(given, { time: 'time', gap: 4 }), ['leaks.time'])
    assert.deepEqual(await failures({ ...given, held: made(200, 2, row(9)) }, { time: 'time' }), ['leaks.time'])
  })
})

describe('evaluation data that is not new', () => {
  test('the very file of the reference data', async () => {
    const inputs = [x]
    const coarse = made(100, 1, random => ({ x: 1, y: random() < 0.5 ? 1 : 0 }))
    const set = await prepared(coarse, inputs)
    const data: LeakData = { inputs, task: 'binary', now: NOW, reference: set, evaluation: set }
    const told = (isOneFile: boolean) => leakChecks({ ...data, isOneFile }).find(({ name }) => name === 'leaks.overlap')
    assert.equal(told(false)?.status, 'skipped')
    assert.equal(told(true)?.status, 'failed')
  })
  test('rows of the reference data', async () => {
    const { inputs, train, held } = both([x], honest)
    const mixed = [...held.slice(0, 380), ...train.slice(0, 20)]
    assert.deepEqual(await failures({ inputs, train, held: mixed }), ['leaks.overlap'])
    assert.deepEqual(await failures({ inputs, train, held: mixed }, { overlap: 0.06 }), [])
  })
  test('one customer in both', async () => {
    const row =
      (prefix: string) =>
      (random: Random, at: number): Row => ({ ...honest(random), group: `${prefix}${at % 90}` })
    const given = { inputs: [x], train: made(200, 1, row('a')), held: made(200, 2, row('b')) }
    assert.deepEqual(await failures(given, { group: 'group' }), [])
    const [first] = given.train
    const held = [{ ...given.held[0]!, group: first!['group'] }, ...given.held.slice(1)]
    assert.deepEqual(await failures({ ...given, held }, { group: 'group' }), ['leaks.groups'])
  })
})
