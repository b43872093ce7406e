import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { golden } from '../golden.suite.ts'
import { groupKFold, leaveOneGroupOut, stratifiedGroupKFold } from './group-folds.ts'
import { kFold, stratifiedKFold } from './k-fold.ts'
import type { Split } from './split.ts'
import { purgedKFold, timeSeriesSplit } from './time-folds.ts'

interface Fold {
  readonly test: number[]
  readonly train_n: number
  readonly train_sum: number
}

type Case = { readonly n: number; readonly k: number; readonly y: number[]; readonly groups: number[] } & Readonly<
  Record<string, Fold[]>
>

function shown(splits: readonly Split[]): Fold[] {
  return splits.map(({ train, test: held }) => ({
    test: Array.from(held),
    train_n: train.length,
    train_sum: train.reduce((sum, row) => sum + row, 0),
  }))
}

describe('row by row as scikit-learn', () => {
  for (const given of golden<{ splits: Case[] }>('validation').splits) {
    const { n, k, y, groups } = given
    test(`${n} rows, ${k} folds`, () => {
      assert.deepEqual(shown(kFold(n, k)), given['kfold'])
      assert.deepEqual(shown(stratifiedKFold(y, k)), given['stratified'])
      for (const seed of [0, 42, 4294967295]) {
        assert.deepEqual(shown(kFold(n, k, { seed })), given[`kfold_${seed}`])
        assert.deepEqual(shown(stratifiedKFold(y, k, { seed })), given[`stratified_${seed}`])
        assert.deepEqual(shown(groupKFold(groups, k, { seed })), given[`group_${seed}`])
        assert.deepEqual(shown(stratifiedGroupKFold(y, groups, k, { seed })), given[`stratified_group_${seed}`])
      }
      assert.deepEqual(shown(groupKFold(groups, k)), given['group'])
      assert.deepEqual(shown(stratifiedGroupKFold(y, groups, k)), given['stratified_group'])
      assert.deepEqual(shown(leaveOneGroupOut(groups)), given['leave_one_group_out'])
      assert.deepEqual(shown(timeSeriesSplit(n, k)), given['time_series'])
      const options = { gap: 1, trainRowsMax: 5, testRows: 2 }
      assert.deepEqual(shown(timeSeriesSplit(n, k, options)), given['time_series_gap'])
    })
  }

  test('the vectors that came with the task', () => {
    const { y, group, splits } = golden<{
      y: number[]
      group: number[]
      splits: Record<string, { test: number[]; train_n: number }[]>
    }>('cv_splits')
    const tests = (found: readonly Split[]): number[][] => found.map(split => Array.from(split.test))
    const wanted = (name: string): number[][] => splits[name]!.map(split => split.test)
    assert.deepEqual(tests(kFold(60, 5)), wanted('kfold5'))
    assert.deepEqual(tests(stratifiedKFold(y, 4)), wanted('stratified4'))
    assert.deepEqual(tests(stratifiedKFold(y, 4, { seed: 0 })), wanted('stratified4_shuffle_seed0'))
    assert.deepEqual(tests(groupKFold(group, 4)), wanted('group4'))
    assert.deepEqual(tests(stratifiedGroupKFold(y, group, 3)), wanted('stratified_group3'))
    assert.deepEqual(tests(leaveOneGroupOut(group)), wanted('logo'))
    const ends = (found: readonly Split[]): unknown =>
      found.map(({ train, test: held }) => ({ train: [train[0], train.at(-1)], test: [held[0], held.at(-1)] }))
    assert.deepEqual(ends(timeSeriesSplit(60, 5)), splits['timeseries5'])
    const options = { gap: 2, trainRowsMax: 20, testRows: 5 }
    assert.deepEqual(ends(timeSeriesSplit(60, 4, options)), splits['timeseries4_gap2_max20_test5'])
  })
})

test('purged folds: no row of the training knows of the test, nor comes too soon after it', () => {
  const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 20 })), {
    minLength: 4,
    maxLength: 60,
  })
  fc.assert(
    fc.property(spans, fc.integer({ min: 2, max: 4 }), fc.integer({ min: 0, max: 10 }), (rows, folds, embargo) => {
      const from = rows.map(([at]) => at)
      const until = rows.map(([at, lasts]) => at + lasts)
      const splits = purgedKFold({ from, until }, folds, embargo)
      const tested = splits.flatMap(split => Array.from(split.test)).sort((a, b) => a - b)
      assert.deepEqual(
        tested,
        rows.map((_, row) => row),
      )
      for (const { train, test: held } of splits) {
        const start = Math.min(...Array.from(held, row => from[row]!))
        const end = Math.max(...Array.from(held, row => until[row]!))
        const kept = new Set(train)
        for (const row of rows.keys()) {
          const isApart = until[row]! < start || from[row]! > end + embargo
          assert.equal(kept.has(row), isApart && !held.includes(row))
        }
      }
    }),
    { numRuns: 50 },
  )
})

test('what cannot be split is refused', () => {
  assert.throws(() => kFold(3, 4), /3 rows, wanted at least 4/)
  assert.throws(() => kFold(3, 1), /wanted 1 folds, at least 2/)
  assert.throws(() => stratifiedKFold([0, 0, 1], 3), /2 rows in the largest class, wanted at least 3/)
  assert.throws(() => groupKFold([1, 1, 2], 3), /2 groups, wanted at least 3/)
  assert.throws(() => groupKFold([1, Number.NaN, 2], 2), /a group or class is NaN/)
  assert.throws(() => leaveOneGroupOut([1, 1]), /there is 1 group/)
  assert.throws(() => stratifiedGroupKFold([1, 1], [1], 2), /2 labels, but 1 groups/)
  assert.throws(() => stratifiedGroupKFold([1, 1, 1], [1, 1, 2], 3), /2 groups, wanted at least 3/)
  assert.throws(() => timeSeriesSplit(10, 4, { gap: 3, testRows: 2 }), /10 rows leave nothing to train on/)
  assert.throws(() => timeSeriesSplit(10, 4, { gap: -1 }), /gap is -1/)
  assert.throws(() => purgedKFold({ from: [1, 2], until: [1, 0] }, 2), /row 1 is from 2 until 0/)
  assert.throws(() => kFold(3, 2, { seed: 1.5 }), /the seed is 1.5/)
})
