import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Circuit, circuit } from './circuit.ts'

function timed(): { readonly circuit: Circuit; pass(ms: number): void } {
  let now = 0
  return {
    circuit: circuit({ failuresMax: 3, firstMs: 100, mostMs: 350, timer: () => now }),
    pass(ms) {
      now += ms
    },
  }
}

function fail({ circuit: found }: { readonly circuit: Circuit }): void {
  assert.ok(found.admit())
  found.failed()
}

test('opens after failures in a row, lets one try after a while, and waits longer where that fails', () => {
  const world = timed()
  const { circuit: found, pass } = world
  fail(world)
  fail(world)
  assert.ok(found.admit())
  found.succeeded()
  for (let at = 0; at < 3; at++) fail(world)
  assert.equal(found.state(), 'open')
  for (const wait of [100, 200, 350, 350]) {
    pass(wait - 1)
    assert.equal(found.admit(), false)
    pass(1)
    assert.equal(found.state(), 'half-open')
    assert.ok(found.admit())
    assert.equal(found.admit(), false, 'one at a time')
    found.failed()
  }
  pass(350)
  assert.ok(found.admit())
  found.succeeded()
  assert.equal(found.state(), 'closed')
  for (let at = 0; at < 3; at++) fail(world)
  pass(100)
  assert.ok(found.admit(), 'waits are short again')
})

test('a trial that came to nothing leaves the way to the next', () => {
  const world = timed()
  for (let at = 0; at < 3; at++) fail(world)
  world.pass(100)
  assert.ok(world.circuit.admit())
  world.circuit.undecided()
  assert.ok(world.circuit.admit())
})

test('calls that were let through before it opened neither close nor lengthen it', () => {
  const world = timed()
  for (let at = 0; at < 5; at++) assert.ok(world.circuit.admit())
  for (let at = 0; at < 5; at++) world.circuit.failed()
  world.pass(100)
  assert.ok(world.circuit.admit())
})

test('whatever comes: it is never shut for longer than its most', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('succeeded', 'failed', 'undecided', 'pass'), { maxLength: 60 }), steps => {
      const { circuit: found, pass } = timed()
      for (const step of steps) {
        if (step === 'pass') pass(50)
        else if (found.admit()) found[step]()
      }
      pass(350)
      assert.ok(found.admit())
    }),
  )
})
