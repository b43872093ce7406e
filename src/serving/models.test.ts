import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import { manualClock } from '../platform/clock.ts'
import { manualTimers } from '../platform/timers.ts'
import type { LoadedVersion } from '../registry/registry.ts'
import type { LoadedModel } from './lane.ts'
import { type Models, type ModelsParts, openModels } from './models.ts'

const MODEL_BYTES = 100

/** A true, small model: answers the sum of its features. */
function sum(model: string, version: string): LoadedVersion {
  const features = ['a', 'b']
  const feature = { type: 'number', nullable: false, sensitive: false, protected: false } as const
  const signature = { inputs: features.map(name => ({ name, ...feature })), outputs: [{ name: 'sum', type: 'number' }] }
  const predict = (rows: Float64Array, count: number, out: Float64Array): void => {
    for (let row = 0; row < count; row++) out[row] = rows[row * 2]! + rows[row * 2 + 1]!
  }
  const predictor = { features, named: true, outputCount: 1, bytes: MODEL_BYTES, predict }
  return { version: { model, version, signature }, predictor } as unknown as LoadedVersion
}

interface Loader {
  readonly models: Models
  readonly loads: string[]
  /** Ends the load that waits; with an error if given. */
  end(error?: Error): Promise<void>
  readonly clock: ReturnType<typeof manualClock>
}

function loader(bytesMax: number): Loader {
  const loads: string[] = []
  const waiting: { ok: () => void; fail: (error: Error) => void }[] = []
  const clock = manualClock(0)
  const load = (model: string, version: string): Promise<LoadedVersion> => {
    loads.push(`${model}@${version}`)
    return new Promise((resolve, reject) => waiting.push({ ok: () => resolve(sum(model, version)), fail: reject }))
  }
  const end = async (error?: Error): Promise<void> => {
    const next = waiting.shift()!
    if (error === undefined) next.ok()
    else next.fail(error)
    await new Promise(resolve => setImmediate(resolve))
  }
  return { models: openModels({ load, clock, timers: manualTimers(), bytesMax }), loads, end, clock }
}

function world(): Pick<ModelsParts, 'clock' | 'timers'> {
  return { clock: manualClock(0), timers: manualTimers() }
}

async function loaded({ models, end }: Loader, model: string): Promise<LoadedModel> {
  const found = models.get(model, '1.0.0')
  if (found instanceof Promise) await end()
  return found
}

describe('openModels()', () => {
  it('loads a version once for all who ask meanwhile, and has it at once from then on', async () => {
    const parts = loader(1e9)
    const [first, second] = [parts.models.get('a', '1.0.0'), parts.models.get('a', '1.0.0')]
    assert.ok(first instanceof Promise)
    await parts.end()
    assert.equal(await first, await second)
    assert.equal(parts.models.get('a', '1.0.0'), await first)
    assert.deepEqual(parts.loads, ['a@1.0.0'])
    assert.equal(parts.models.bytes(), MODEL_BYTES)
  })

  it('tells a failure again for a second, then tries again', async () => {
    const parts = loader(1e9)
    const broken = new Problem('corrupt', 'Cannot load: damaged')
    const failing = assert.rejects(Promise.resolve(parts.models.get('a', '1.0.0')), broken)
    await parts.end(broken)
    await failing
    await assert.rejects(Promise.resolve(parts.models.get('a', '1.0.0')), broken)
    assert.equal(parts.loads.length, 1)
    parts.clock.advance(1_000)
    const again = parts.models.get('a', '1.0.0')
    await parts.end()
    assert.equal((await again).version.model, 'a')
    assert.equal(parts.loads.length, 2)
  })

  it('lets go of the least recently used beyond its limit, and never of the one just loaded', async () => {
    const parts = loader(2 * MODEL_BYTES)
    const a = await loaded(parts, 'a')
    await loaded(parts, 'b')
    assert.equal(parts.models.get('a', '1.0.0'), a)
    await loaded(parts, 'c')
    assert.equal(parts.models.get('a', '1.0.0'), a, 'used after b')
    assert.ok(parts.models.get('b', '1.0.0') instanceof Promise)
    assert.equal(parts.models.bytes(), 2 * MODEL_BYTES)
    const small = loader(1)
    assert.equal((await loaded(small, 'a')).version.model, 'a')
    assert.equal(small.models.bytes(), MODEL_BYTES)
  })

  it('gives a lane the number it had when its version is loaded again', async () => {
    const parts = loader(1)
    const before = (await loaded(parts, 'a')).lane('all', 'champion')
    assert.equal((await loaded(parts, 'a')).lane('all', 'champion'), before, 'the same while it is loaded')
    const pinned = (await loaded(parts, 'a')).lane(null, null)
    await loaded(parts, 'b')
    const after = (await loaded(parts, 'a')).lane('all', 'champion')
    assert.notEqual(after, before)
    assert.equal(after.number, before.number)
    assert.notEqual(pinned.number, before.number)
  })

  it('refuses a version whose signature and artifact do not agree', async () => {
    const wrong = { ...sum('a', '1.0.0'), predictor: { ...sum('a', '1.0.0').predictor, outputCount: 2 } }
    const models = openModels({ load: async () => wrong, ...world(), bytesMax: 1e9 })
    await assert.rejects(Promise.resolve(models.get('a', '1.0.0')), { code: 'misconfigured' })
  })

  it('closes models that somebody else computes when it lets go of them, and takes no more once it is closed', async () => {
    const closed: string[] = []
    const timers = manualTimers()
    const load = async (model: string, version: string): Promise<LoadedVersion> => {
      const found = sum(model, version)
      return {
        ...found,
        predictor: { ...found.predictor, close: async () => void closed.push(model) },
      } as LoadedVersion
    }
    const models = openModels({ load, clock: manualClock(0), timers, bytesMax: MODEL_BYTES })
    await models.get('a', '1.0.0')
    await models.get('b', '1.0.0')
    timers.advance(4_999)
    assert.deepEqual(closed, [], 'somebody may have it in hand')
    timers.advance(1)
    assert.deepEqual(closed, ['a'])
    await models.get('d', '1.0.0')
    const coming = models.get('c', '1.0.0')
    await Promise.all([models.close(), assert.rejects(Promise.resolve(coming), { code: 'unavailable' })])
    assert.deepEqual(closed.sort(), ['a', 'b', 'c', 'd'])
    await assert.rejects(Promise.resolve(models.get('e', '1.0.0')), { code: 'unavailable' })
  })

  it('lets go of one whose signature and artifact do not agree', async () => {
    let closed = 0
    const wrong = sum('a', '1.0.0')
    const predictor = { ...wrong.predictor, outputCount: 2, close: async () => void closed++ }
    const load = async (): Promise<LoadedVersion> => ({ ...wrong, predictor }) as LoadedVersion
    const models = openModels({ load, ...world(), bytesMax: 1e9 })
    await assert.rejects(Promise.resolve(models.get('a', '1.0.0')), { code: 'misconfigured' })
    assert.equal(closed, 1)
  })

  it('puts away what nobody asked for long, if it would be back within half of its latency budget', async () => {
    const [clock, timers] = [manualClock(0), manualTimers()]
    const advance = (ms: number): void => {
      clock.advance(ms)
      timers.advance(ms)
    }
    const load = async (model: string, version: string): Promise<LoadedVersion> => {
      clock.advance(model === 'slow' ? 11 : 10)
      return sum(model, version)
    }
    const idle = { afterMs: 400, budgetMs: () => 20 }
    const models = openModels({ load, clock, timers, bytesMax: 1e9, idle })
    for (const model of ['idle', 'slow', 'asked']) await models.get(model, '1.0.0')
    const loaded = (): string[] => models.loaded().map(({ model }) => model)
    advance(100) // looked at for the first time: from here on nobody asked
    for (const _ of [1, 2, 3]) {
      advance(100)
      models.get('asked', '1.0.0')
    }
    assert.deepEqual(loaded(), ['idle', 'slow', 'asked'])
    advance(100)
    assert.deepEqual(loaded(), ['slow', 'asked'], 'slow would keep its next caller too long')
    assert.deepEqual(models.counts, { loads: 3, failures: 0, loadMs: 31, displaced: 0, idled: 1 })
    assert.ok(models.isLoaded('asked', '1.0.0') && !models.isLoaded('idle', '1.0.0'))
    const again = models.get('idle', '1.0.0')
    assert.ok(again instanceof Promise)
    assert.equal((await again).version.model, 'idle')
    await models.close()
    advance(10_000)
  })

  it('tells of each loaded model what it holds and how long it took', async () => {
    const clock = manualClock(5_000)
    const load = async (model: string, version: string): Promise<LoadedVersion> => {
      clock.advance(7)
      const { predictor, ...rest } = sum(model, version)
      return { ...rest, predictor: { ...predictor, bytes: model.length } } as LoadedVersion
    }
    const models = openModels({ load, clock, timers: manualTimers(), bytesMax: 1e9 })
    await models.get('a', '1.0.0')
    await models.get('larger', '2.0.0')
    const [first, second] = models.loaded()
    assert.deepEqual(
      [first?.model, first?.version, first?.bytes, first?.loadMs, first?.loadedAt, second?.model],
      ['larger', '2.0.0', 6, 7, 5_014, 'a'],
    )
    assert.equal(models.unload('larger', '2.0.0'), true)
    assert.equal(models.unload('larger', '2.0.0'), false)
    assert.equal(models.bytes(), 1)
  })
})
