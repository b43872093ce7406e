import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import type { Serving } from '../serving/predict.ts'
import { defaultModelCheck, readiness } from './readiness.ts'

describe('readiness()', () => {
  it('tells each check, and is ready when all are', async () => {
    const good = { name: 'journal', check: () => {} }
    const bad = {
      name: 'model',
      check: async () => {
        throw new Problem('corrupt', 'Cannot load the model: damaged')
      },
    }
    assert.deepEqual(await readiness([good]), { ready: true, checks: [{ name: 'journal', ok: true }] })
    assert.deepEqual(await readiness([good, bad]), {
      ready: false,
      checks: [
        { name: 'journal', ok: true },
        { name: 'model', ok: false, detail: 'Cannot load the model: damaged' },
      ],
    })
  })
})

describe('defaultModelCheck()', () => {
  const check = (names: readonly string[], configured?: string): Promise<void> | void =>
    defaultModelCheck({
      catalogue: { names: () => names, has: (model: string) => names.includes(model) },
      releases: {
        choose: (model: string) =>
          names.includes(model) ? { model, version: '1.0.0', release: 'all', arm: 'champion' } : undefined,
      },
      models: {
        get: async (model: string) => {
          if (model === 'broken') throw new Problem('corrupt', 'damaged')
          return { predictor: {} }
        },
      },
      ...(configured === undefined ? {} : { defaultModel: configured }),
    } as unknown as Serving).check()

  it('loads the model that /predict means, if there is one', async () => {
    await check([])
    await check(['good'])
    await check(['broken', 'other'])
    await check(['broken', 'good'], 'good')
    await assert.rejects(async () => check(['broken']), { code: 'corrupt' })
    await assert.rejects(async () => check(['good'], 'missing'), { code: 'not_found' })
  })
})
