/** What is found of predictions and their outcomes, over segments and journal, against looking through all records. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { canonical } from '../../src/ledger/canonical.ts'
import { type LedgerWorld, ledgerWorld, predictionText, START_AT } from '../../src/ledger/ledger-world.suite.ts'
import type { OpenedLedger } from '../../src/ledger/open-ledger.ts'
import type { QualityQuestion } from '../../src/ledger/quality-question.ts'
import type { OutcomeRecord, PredictionRecord } from '../../src/ledger/record.ts'
import { binaryMetrics } from '../../src/math/metrics/binary.ts'
import { confusion } from '../../src/math/metrics/confusion.ts'
import { regressionMetrics } from '../../src/math/metrics/regression.ts'

const HOUR_MS = 3_600_000
const PREDICTIONS = 240
const SUBJECTS = 20
const VERSIONS = ['1.0.0', '2.0.0'] as const
const BINARY = { task: 'binary', output: 'churn_probability', threshold: 0.5, isLogOdds: false } as const

describe('lookups over segments and journal', () => {
  let world: LedgerWorld
  let ledger: OpenedLedger
  const predictions: PredictionRecord[] = []
  const outcomes: OutcomeRecord[] = []

  /** Three parts: sealed, sealed, and still in the journal; outcomes come in any of them, some for the second time. */
  before(async () => {
    world = await ledgerWorld()
    ledger = await world.open()
    for (let part = 0; part < 3; part++) {
      await append(part)
      if (part < 2) await ledger.seal()
    }
  })
  after(() => world.close())

  async function append(part: number): Promise<void> {
    for (let index = 0; index < PREDICTIONS / 3; index++) {
      world.clock.advance(index % 3 === 0 ? 5 * 60_000 : 0)
      const subject = { subject: `pseudonym${(index * 7) % SUBJECTS}` }
      const version = VERSIONS[index % 5 === 0 ? 1 : 0]
      const model = index % 11 === 10 ? 'other' : 'churn'
      const text = predictionText(world, index + part * 100, { version, model, ...subject })
      predictions.push(JSON.parse(text) as PredictionRecord)
      await ledger.append([text])
    }
    const late = predictions.filter((_, index) => (index * 13 + part) % 4 === 0)
    for (const [index, { id, model, subject }] of late.entries()) {
      const common = { kind: 'outcome', id: world.ids.next(), at: world.clock.now(), actor: 'key:2', model } as const
      const more = index % 3 === 0 ? { amount: { amount: index, currency: 'EUR' }, happenedAt: START_AT + index } : {}
      const text = canonical({ ...common, predictionId: id, subject, value: index % 2 === part % 2, ...more })
      outcomes.push(JSON.parse(text) as OutcomeRecord)
      await ledger.append([text])
    }
  }

  const newestOutcome = (id: string): OutcomeRecord | undefined => outcomes.findLast(one => one.predictionId === id)

  it('finds predictions by id, with the newest outcome of each', async () => {
    const ids = predictions.map(({ id }) => id)
    const strangers = [world.ids.next(), outcomes[0]!.id, 'x', '']
    const found = await ledger.lookUp({ predictionIds: [...ids, ...strangers], subjects: [] })
    assert.deepEqual([...found.predictions.keys()].sort(), [...ids].sort())
    for (const { id, at, model, version, subject } of predictions) {
      assert.deepEqual(found.predictions.get(id), { id, at, model, version, subject })
      assert.deepEqual(found.outcomes.get(id), factOf(newestOutcome(id)))
    }
    assert.equal([...found.outcomes.keys()].filter(id => !ids.includes(id)).length, 0)
  })

  it('finds the newest prediction of a subject at or before a moment', async () => {
    const moments = fc.record({
      model: fc.constantFrom('churn', 'other', 'none'),
      subject: fc.integer({ min: 0, max: SUBJECTS }).map(number => `pseudonym${number}`),
      until: fc.oneof(
        fc.integer({ min: START_AT - HOUR_MS, max: START_AT + 12 * HOUR_MS }),
        fc.constantFrom(...predictions.map(({ at }) => at)),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(moments, { minLength: 1, maxLength: 30 }), async subjects => {
        const { ofSubjects, outcomes: known } = await ledger.lookUp({ predictionIds: [], subjects })
        for (const [place, asked] of subjects.entries()) {
          const wanted = predictions.findLast(
            ({ model, subject, at }) => model === asked.model && subject === asked.subject && at <= asked.until,
          )
          assert.equal(ofSubjects[place]?.id, wanted?.id)
          if (wanted !== undefined) assert.deepEqual(known.get(wanted.id), factOf(newestOutcome(wanted.id)))
        }
      }),
      { numRuns: 15 },
    )
  })

  const question = (more: Partial<QualityQuestion>): Omit<QualityQuestion, 'snapshot'> => {
    const until = world.clock.now() + 1
    const range = { since: START_AT, until, stepMs: until - START_AT }
    return { model: 'churn', version: '1.0.0', ...range, judging: BINARY, ...more }
  }

  const pairsOf = (version: string, from: number, to: number) => {
    const there = predictions.filter(one => one.model === 'churn' && one.version === version)
    const within = there.filter(({ at }) => at >= from && at < to)
    const known = within.flatMap(one => {
      const outcome = newestOutcome(one.id)
      return outcome === undefined ? [] : [[Number(outcome.value), one.outputs['churn_probability'] as number] as const]
    })
    return {
      predictions: within.length,
      labels: known.map(([label]) => label),
      scores: known.map(([, score]) => score),
    }
  }

  it('judges windows as a direct computation over the same rows does', async () => {
    for (const version of VERSIONS) {
      for (const stepMs of [HOUR_MS, 24 * HOUR_MS]) {
        const windows = await ledger.judgeWindows(question({ version, stepMs }))
        for (const { from, to, predictions: count, outcomes: known, metrics, confusion: found } of windows) {
          const { predictions: wanted, labels, scores } = pairsOf(version, from, to)
          assert.deepEqual([count, known], [wanted, labels.length])
          if (known === 0) assert.deepEqual([metrics, found], [{}, undefined])
          else {
            assert.deepEqual(metrics, defined(binaryMetrics(labels, scores, 0.5)))
            assert.deepEqual(found, confusion(labels, scores, 0.5))
          }
        }
        assert.equal(
          windows.reduce((sum, { predictions: count }) => sum + count, 0),
          pairsOf(version, 0, Infinity).predictions,
        )
      }
    }
  })

  it('judges only the newest, where so many are asked for', async () => {
    const [window] = await ledger.judgeWindows(question({ latest: 20 }))
    const { predictions: all, labels, scores } = pairsOf('1.0.0', 0, Infinity)
    assert.deepEqual([window?.predictions, window?.outcomes], [all, labels.length])
    const n = window!.metrics['accuracy']!.n
    assert.ok(n >= 20 && n < 24, `${n}: those of one moment are kept together`)
    assert.deepEqual(window?.metrics, defined(binaryMetrics(labels.slice(-n), scores.slice(-n), 0.5)))
  })

  it('takes outcomes as numbers, or only counts them', async () => {
    const { labels, scores } = pairsOf('1.0.0', 0, Infinity)
    const asNumbers = { task: 'regression', output: 'churn_probability' } as const
    const [window] = await ledger.judgeWindows(question({ judging: asNumbers }))
    // The order of the rows is that of the files: the same sums, rounded differently.
    for (const [name, wanted] of Object.entries(defined(regressionMetrics(labels, scores)))) {
      assert.ok(Math.abs(window!.metrics[name]!.value - wanted.value) < 1e-12, name)
    }
    const [counted] = await ledger.judgeWindows(question({ judging: { task: 'unjudged' } }))
    assert.deepEqual([counted?.outcomes, counted?.metrics], [labels.length, {}])
  })
})

function factOf(record: OutcomeRecord | undefined): unknown {
  if (record === undefined) return undefined
  const { id, value, happenedAt, amount } = record
  return { id, value, ...(happenedAt !== undefined && { happenedAt }), ...(amount !== undefined && { amount }) }
}

function defined<T>(metrics: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(Object.entries(metrics).filter(([, found]) => found !== undefined)) as Record<string, T>
}
