import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Crowded, Gate, type GateLimits } from './gate.ts'

const LIMITS: GateLimits = { concurrencyMax: 2, queueMax: 3, queueMsMax: 100 }

function gateAt(limits: Partial<GateLimits> = {}) {
  const time = { now: 0 }
  const gate = new Gate({ ...LIMITS, ...limits }, () => time.now)
  const met: (string | undefined)[] = []
  const arrive = (name: string, bytes = 1): void => {
    if (gate.enter()) met.push(name)
    else gate.wait(bytes, (turnedAway?: Crowded) => met.push(turnedAway === undefined ? name : `${name} ${turnedAway}`))
  }
  return { gate, time, met, arrive }
}

describe('Gate', () => {
  it('begins so much at once, lets some wait in order, and turns the rest away', async () => {
    const { gate, met, arrive } = gateAt()
    for (const name of 'abcdef') arrive(name)
    assert.deepEqual(met, ['a', 'b', 'f full'])
    assert.equal(gate.isFull, true)
    gate.leave()
    await turn()
    await turn()
    assert.deepEqual(met, ['a', 'b', 'f full', 'c'])
    gate.leave()
    gate.leave()
    await turn()
    await turn()
    assert.deepEqual(met.slice(4), ['d', 'e'])
    assert.deepEqual([gate.running, gate.waiting], [2, 0])
  })

  it('turns away who has waited too long, though nothing ends', async () => {
    const { time, met, arrive } = gateAt({ queueMsMax: 20 })
    for (const name of 'abcd') arrive(name)
    time.now = 21
    while (met.length < 4) await turn()
    assert.deepEqual(met, ['a', 'b', 'c late', 'd late'])
  })

  it('begins work for some milliseconds of a turn, and goes on in the next', async () => {
    const { gate, time, met, arrive } = gateAt({ concurrencyMax: 100, queueMax: 100 })
    for (const name of 'abcdefgh') {
      arrive(name)
      time.now += 2
    }
    assert.deepEqual(met, ['a', 'b', 'c'])
    while (gate.waiting > 0) await turn()
    assert.deepEqual(met, [...'abcdefgh'])
    await turn()
    arrive('i')
    assert.equal(met.at(-1), 'i', 'a new turn begins anew')
  })

  it('serves the last first once too many come, and tells the others soon, until nobody waits', async () => {
    const { gate, time, met, arrive } = gateAt({ concurrencyMax: 1, queueMax: 9, queueMsMax: 100 })
    for (const name of 'abc') arrive(name)
    time.now = 80
    for (const name of 'de') arrive(name)
    gate.leave()
    while (met.length < 4) await turn()
    assert.deepEqual(met, ['a', 'b late', 'c late', 'e'])
    time.now = 89
    gate.leave()
    while (met.length < 5) await turn()
    for (const name of 'fg') arrive(name)
    time.now = 120
    gate.leave()
    while (met.length < 6) await turn()
    assert.deepEqual(met.slice(4), ['d', 'f'], 'in order again')
  })

  it('keeps no more in memory than it may, and without a queue nobody waits', () => {
    const { met, arrive } = gateAt()
    for (const name of 'ab') arrive(name)
    arrive('huge', 1 << 30)
    assert.deepEqual(met, ['a', 'b', 'huge full'])
    const strict = gateAt({ queueMax: 0 })
    for (const name of 'abc') {
      strict.arrive(name)
      strict.time.now += 10
    }
    assert.deepEqual(strict.met, ['a', 'b', 'c full'])
  })
})
