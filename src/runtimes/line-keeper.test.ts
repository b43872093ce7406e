import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineKeeper } from './line-keeper.ts'

test('lines are passed on as they end, cut where they are long', () => {
  const told: string[] = []
  const keeper = lineKeeper({ timer: () => 0 }, line => told.push(line))
  keeper.take('one\ntw')
  assert.deepEqual(told, ['one'])
  assert.equal(keeper.last(), 'tw')
  keeper.take('o\n\n')
  keeper.take('x'.repeat(5000))
  keeper.take(`${'x'.repeat(5000)}\n`)
  assert.deepEqual(told, ['one', 'two', 'x'.repeat(1000)])
  assert.equal(keeper.last(), 'x'.repeat(1000))
})

test('more than fifty a second are counted instead', () => {
  const told: string[] = []
  let now = 0
  const keeper = lineKeeper({ timer: () => now }, line => told.push(line))
  keeper.take('a\n'.repeat(80))
  assert.equal(told.length, 50)
  now = 1000
  keeper.take('b\n')
  assert.deepEqual(told.slice(50), ['(30 lines left out)', 'b'])
})
