/** What the journey does when a step fails: each invocation leaves one record, or its caller is told that it could not. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Problem } from '../errors.ts'
import type { Durability } from '../ledger/record.ts'
import type { Refusal } from '../ledger/refusals.ts'
import { manualClock } from '../platform/clock.ts'
import { uuid7 } from '../platform/ids.ts'
import { manualTimers } from '../platform/timers.ts'
import { liveCatalogue } from '../registry/catalogue.ts'
import type { LoadedVersion } from '../registry/registry.ts'
import type { Feature } from '../registry/signature.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { InvocationRequest } from '../route.ts'
import { championReleases } from './choose.ts'
import type { Journey } from './journey.ts'
import { openModels } from './models.ts'
import { predict, type Serving } from './predict.ts'
import { rest } from './rest.ts'

const feature = (name: string): Feature => ({
  name,
  type: 'number',
  nullable: false,
  sensitive: name === 'secret',
  protected: false,
})
const version = (model: string, features: readonly string[], durability: Durability = 'process') =>
  ({
    model,
    version: '1.0.0',
    durability,
    uses: { permitted: [], prohibited: [], required: false },
    signature: { inputs: features.map(feature), outputs: [{ name: 'answer', type: 'number' }] },
  }) as unknown as ModelVersion
const VERSIONS = [
  version('identity', ['x']),
  version('lasting', ['x'], 'power'),
  version('hidden', ['secret', 'x']),
  version('elsewhere', ['x']),
]

/** Answers its last feature; NaN for a negative one. */
function loadedVersion(model: string): LoadedVersion {
  const found = VERSIONS.find(each => each.model === model)!
  const features = found.signature.inputs.map(({ name }) => name)
  const answer = (rows: Float64Array, count: number, out: Float64Array): void => {
    for (let row = 0; row < count; row++) {
      const last = rows[(row + 1) * features.length - 1]!
      out[row] = last < 0 ? Number.NaN : last
    }
  }
  const predictor = { features, named: true, outputCount: 1, bytes: 1, predict: answer }
  if (model !== 'elsewhere') return { version: found, predictor } as unknown as LoadedVersion
  const awaited = async (rows: Float64Array, count: number, out: Float64Array): Promise<void> => {
    await new Promise(resolve => setImmediate(resolve))
    if (rows[0] === 13) throw new Problem('unavailable', 'Cannot ask: nobody is there')
    answer(rows, count, out)
  }
  return {
    version: found,
    predictor: { ...predictor, predict: awaited, close: async () => {} },
  } as unknown as LoadedVersion
}

const appended: { records: readonly string[]; durability: Durability | undefined }[] = []
const refused: Refusal[] = []
const watched: Journey[] = []
let full: Problem | undefined
let watcher: (journey: Journey) => void

const catalogue = liveCatalogue()
catalogue.apply({ revision: 1, versions: VERSIONS, aliases: [], standings: [] })
const clock = manualClock(1_000)
const serving: Serving = {
  catalogue,
  models: openModels({ load: async model => loadedVersion(model), clock, timers: manualTimers(), bytesMax: 1e9 }),
  releases: championReleases(catalogue),
  pseudonyms: { subject: id => `s${id.length}`, unit: id => `u${id.length}` },
  seals: { open: async subject => (plaintext, id) => `${subject}:${id.length}:${plaintext.length}` },
  permitUse: () => undefined,
  ledger: {
    async append(records, durability) {
      if (full !== undefined) throw full
      appended.push({ records, durability })
    },
  },
  refusals: {
    async record(refusal) {
      if (full !== undefined) throw full
      refused.push(refusal)
    },
  },
  observers: [journey => watcher(journey)],
  clock,
  timer: () => 5,
  ids: uuid7(clock),
  batchRowsMax: 1_000,
}

function request(model: string, text: string, more: Partial<InvocationRequest> = {}): InvocationRequest {
  return {
    requestId: 'r1',
    source: '127.0.0.1',
    params: { name: model },
    headers: {},
    admit: () => ({ id: 'key:1', name: 'one', roles: [] }),
    bytes: () => Buffer.from(text),
    ...more,
  }
}

beforeEach(() => {
  for (const list of [appended, refused, watched]) list.length = 0
  full = undefined
  watcher = journey => void watched.push({ ...journey })
})

describe('predict()', () => {
  it('answers after its record was appended, and tells who watches', async () => {
    const { text } = await predict(serving, rest, request('identity', '{"x":3}'))
    const { id, outputs } = JSON.parse(text!) as { id: string; outputs: unknown }
    assert.deepEqual(outputs, { answer: 3 })
    assert.deepEqual(
      appended.map(({ durability }) => durability),
      ['process'],
    )
    const record = JSON.parse(appended[0]!.records[0]!) as { id: string; at: number }
    assert.deepEqual([record.id, record.at], [id, 1_000])
    assert.deepEqual([watched.length, watched[0]!.problem, refused.length], [1, undefined, 0])
  })

  it('asks for the durability that the model wants, and for one append a batch', async () => {
    await predict(serving, rest, request('lasting', '[{"x":1},{"x":2}]'))
    assert.deepEqual(
      appended.map(({ records, durability }) => [records.length, durability]),
      [[2, 'power']],
    )
  })

  it('waits for a model that somebody else computes, and refuses where that fails', async () => {
    const { text } = await predict(serving, rest, request('elsewhere', '[{"x":3},{"x":4}]'))
    const { predictions } = JSON.parse(text!) as { predictions: { outputs: { answer: number } }[] }
    assert.deepEqual(
      predictions.map(({ outputs }) => outputs.answer),
      [3, 4],
    )
    await assert.rejects(predict(serving, rest, request('elsewhere', '{"x":13}')), { code: 'unavailable' })
    assert.deepEqual([appended.length, refused.length], [1, 1])
    assert.equal(refused[0]!.model, 'elsewhere')
  })

  it('answers a large batch in slices, each row its own, and lets others in between', async () => {
    const rows = Array.from({ length: 1_000 }, (_, x) => ({ x }))
    const batch = predict(serving, rest, request('identity', JSON.stringify(rows)))
    await new Promise(resolve => setImmediate(resolve))
    await predict(serving, rest, request('identity', '{"x":7}'))
    assert.equal(appended.length, 1, 'the single row is answered before the batch')
    const { predictions } = JSON.parse((await batch).text!) as { predictions: { outputs: { answer: number } }[] }
    assert.deepEqual(
      predictions.map(({ outputs }) => outputs.answer),
      rows.map(({ x }) => x),
    )
    const records = appended[1]!.records.map(text => JSON.parse(text) as { features: unknown })
    assert.deepEqual(
      records.map(({ features }) => features),
      rows,
    )
  })

  it('puts sensitive features nowhere but under the seal', async () => {
    const headers = { 'bellwether-subject': 'alice' }
    await predict(serving, rest, request('hidden', '{"secret":987654,"x":2}', { headers }))
    const record = JSON.parse(appended[0]!.records[0]!) as Record<string, unknown>
    assert.deepEqual(record['features'], { x: 2 })
    assert.equal(record['sealed'], `s5:36:${'{"secret":987654}'.length}`)
    assert.ok(!appended[0]!.records[0]!.includes('987654'))
  })

  it('refuses with storage_full where nothing can be written, and tells who watches once', async () => {
    full = new Problem('storage_full', 'Cannot write: the disk is full')
    await assert.rejects(predict(serving, rest, request('identity', '{"x":3}')), full)
    await assert.rejects(
      predict(serving, rest, request('identity', '{"y":3}')),
      full,
      'also where another refusal was due',
    )
    assert.deepEqual(
      watched.map(({ problem }) => problem?.code),
      ['storage_full', 'storage_full'],
    )
    full = undefined
    await predict(serving, rest, request('identity', '{"x":3}'))
    assert.equal(appended.length, 1)
  })

  it('records a refusal with what is known, and never a word that the signature does not know', async () => {
    await assert.rejects(predict(serving, rest, request('identity', '[{"x":"?","password":1},{"x":1}]')), {
      code: 'invalid',
    })
    const common = { at: 1_000, source: '127.0.0.1', door: 'rest', requestId: 'r1' }
    const known = { ...common, actor: 'key:1', model: 'identity', version: '1.0.0' }
    assert.deepEqual(refused[0], { ...known, code: 'invalid', status: 422, fields: ['x'] })
    await assert.rejects(predict(serving, rest, request('nobody', '{}')), { code: 'not_found' })
    assert.deepEqual(refused[1], { ...common, actor: 'key:1', code: 'not_found', status: 404 })
    const admit = () => {
      throw new Problem('unauthenticated', 'Cannot tell who calls')
    }
    await assert.rejects(predict(serving, rest, request('identity', '{}', { admit })), { code: 'unauthenticated' })
    assert.deepEqual(refused[2], {
      ...common,
      actor: 'unknown',
      model: 'identity',
      code: 'unauthenticated',
      status: 401,
    })
    assert.equal(watched.length, 3)
  })

  it('is refused as failed where the model answers no number', async () => {
    await assert.rejects(predict(serving, rest, request('identity', '{"x":-1}')), {
      code: 'failed',
      message: /answered NaN for answer/,
    })
    assert.deepEqual([appended.length, refused.map(({ code }) => code)], [0, ['failed']])
  })

  it('leaves one record also where something fails after it was written', async () => {
    watcher = () => {
      throw new Error('a watcher with a bug')
    }
    await assert.rejects(predict(serving, rest, request('identity', '{"x":3}')), { code: 'failed' })
    assert.deepEqual([appended.length, refused.length], [1, 0])
  })

  it('keeps callers apart whose rows share a buffer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, x) => predict(serving, rest, request('identity', `{"x":${x}}`))),
    )
    assert.deepEqual(
      answers.map(({ text }) => (JSON.parse(text!) as { outputs: { answer: number } }).outputs.answer),
      Array.from({ length: 50 }, (_, x) => x),
    )
    assert.deepEqual(
      appended.map(({ records }) => (JSON.parse(records[0]!) as { features: { x: number } }).features.x),
      Array.from({ length: 50 }, (_, x) => x),
    )
  })
})
