/** Explanations over HTTP, on the whole application: what is answered, what is kept, what is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { ask, type RunningApp, withApp } from '../serving/app.ts'
import { logit, predictionsOf, ROW, registerChurn, SENSITIVE, sumOf } from './churn.ts'

interface Told {
  readonly id: string
  readonly method: string
  readonly scale: string
  readonly explanation: { readonly bias: number; readonly contributions: Readonly<Record<string, number>> }
  readonly margin?: number
  readonly effects?: Readonly<Record<string, number>>
  readonly standardErrors?: Readonly<Record<string, number>>
  readonly outputs: Readonly<Record<string, number>>
  readonly reasons: readonly { readonly feature: string; readonly text: string; readonly value?: unknown }[]
  readonly interactions?: readonly { readonly features: readonly string[]; readonly contribution: number }[]
  readonly withheld?: unknown
  readonly features?: unknown
  readonly kept?: boolean
}

const asked = async (app: RunningApp, path: string, body: object = ROW): Promise<Told> => {
  const { status, body: told } = await ask(app.url + path, body)
  assert.equal(status, 200, JSON.stringify(told))
  return told as unknown as Told
}

const onChurn = (yaml: string, run: (app: RunningApp) => Promise<void>): Promise<void> =>
  withApp({}, async app => {
    assert.equal((await registerChurn(app, yaml)).status, 201)
    await run(app)
  })

/** Against the probability served, which is a float32. */
const assertAdds = ({ explanation, outputs }: Pick<Told, 'explanation' | 'outputs'>): void => {
  const margin = explanation.bias + sumOf(explanation.contributions)
  const served = logit(outputs['churn_probability']!)
  assert.ok(Math.abs(margin - served) < 1e-5, `${margin} is not ${served}`)
}

describe('an explained call', () => {
  it('answers with contributions that add up, effects, reasons, and leaves one record that keeps them', () =>
    onChurn('explain: on-request', async app => {
      for (const path of ['/explain', '/models/churn/explain', '/models/churn/versions/champion/explain']) {
        const told = await asked(app, path)
        assertAdds(told)
        assert.deepEqual([told.method, told.scale], ['tree-shap', 'log-odds'])
        assert.equal(told.reasons.length, 3)
        assert.equal(told.reasons[0]?.text, 'Num products (2) lowers churn probability')
        const baseline = 1 / (1 + Math.exp(-told.explanation.bias))
        assert.ok(Math.abs(sumOf(told.effects!) - (told.outputs['churn_probability']! - baseline)) < 1e-6)
      }
      const records = await predictionsOf(app)
      assert.deepEqual(
        records.map(({ door, explanation }) => [door, explanation?.method]),
        Array(3).fill(['explain', undefined]),
      )
      for (const record of records) assertAdds(record as unknown as Told)
      await ask(`${app.url}/predict`, ROW)
      const last = (await predictionsOf(app)).at(-1)
      assert.equal(last?.explanation, undefined, 'kept though nobody asked')
    }))

  it('takes a batch, and tells interactions whose sums are the contributions', () =>
    onChurn('', async app => {
      const told = await asked(app, '/explain?interactions=true&top=1', [ROW, { ...ROW, age: 60 }])
      const { explanations } = told as unknown as { explanations: readonly Told[] }
      assert.equal(explanations.length, 2)
      assert.notEqual(explanations[0]!.id, explanations[1]!.id)
      for (const one of explanations) {
        assertAdds(one)
        assert.equal(one.reasons.length, 1)
        const all = sumOf(one.interactions!.map(({ contribution }) => contribution))
        assert.ok(Math.abs(all - sumOf(one.explanation.contributions)) < 1e-5)
      }
      const kept = (await predictionsOf(app)).map(({ id, row }) => [id, row])
      assert.deepEqual(kept, [
        [explanations[0]!.id, undefined],
        [explanations[1]!.id, 1],
      ])
    }))

  it('estimates by other methods, says its error, and the record names the method', () =>
    onChurn('', async app => {
      for (const method of ['kernel-shap', 'interventional-tree-shap', 'lime']) {
        const told = await asked(app, `/explain?method=${method}&background=20`)
        assert.equal(told.method, method)
        assert.equal(told.standardErrors !== undefined, method !== 'interventional-tree-shap')
        if (method === 'lime') assert.equal(told.margin, undefined)
        else assertAdds(told)
        assert.equal((await predictionsOf(app)).at(-1)?.explanation?.method, method)
      }
      const [shap, kernel] = [
        await asked(app, '/explain?method=interventional-tree-shap&background=20'),
        await asked(app, '/explain?method=kernel-shap&background=20'),
      ]
      for (const [name, value] of Object.entries(shap.explanation.contributions)) {
        assert.ok(Math.abs(value - kernel.explanation.contributions[name]!) < 1e-4, name)
      }
    }))

  it('is refused where it cannot be, and leaves a refusal', () =>
    onChurn('', async app => {
      const rows = Array(21).fill(ROW)
      const cases: readonly [string, object, number, RegExp][] = [
        ['/explain?method=magic', ROW, 422, /method is "magic", wanted auto/],
        ['/explain?top=0', ROW, 422, /top is "0", wanted 1 to 1000/],
        ['/explain?color=red', ROW, 422, /color is not known/],
        ['/explain', { ...ROW, age: 'old' }, 422, /age/],
        ['/models/nobody/explain', ROW, 404, /nobody/],
        ['/explain?method=kernel-shap', rows, 413, /21 rows, kernel-shap takes at most 20/],
        ['/explain?method=lime&interactions=true', ROW, 422, /Cannot tell interactions/],
      ]
      for (const [path, body, status, detail] of cases) {
        const answer = await ask(app.url + path, body)
        assert.deepEqual([path, answer.status], [path, status], JSON.stringify(answer.body))
        assert.match(String(answer.body['detail']), detail)
      }
      const refused = (await app.records()).filter(({ kind }) => kind === 'refusal') as unknown as { count: number }[]
      assert.equal(sumOf(refused.map(({ count }) => count)), cases.length)
      assert.deepEqual(await predictionsOf(app), [])
    }))
})

describe('explain: always', () => {
  it('keeps contributions with each record, and answers with them when asked', () =>
    onChurn('explain: always', async app => {
      const plain = await asked(app, '/predict')
      assert.equal(plain.explanation, undefined)
      const told = await asked(app, '/predict?explain=true')
      const byHeader = await ask(`${app.url}/models/churn/predict`, [ROW, ROW], { 'bellwether-explain': 'true' })
      const rows = byHeader.body['predictions'] as Told[]
      for (const one of [told, ...rows]) assertAdds(one)
      const records = await predictionsOf(app)
      assert.equal(records.length, 4)
      for (const record of records) {
        assertAdds(record as unknown as Told)
        assert.deepEqual(record.explanation, told.explanation)
      }
    }))

  it('is chosen by what an explanation costs, and said', () =>
    withApp({}, async app => {
      const { notes } = await registerChurn(app, '')
      assert.ok(
        notes.some(note => /explained (with its record|on request), which takes [\d.]+ µs/.test(note)),
        `${notes}`,
      )
      const wrong = await registerChurn(app, 'explain: sometimes', '2.0.0')
      assert.match(wrong.detail, /explain is "sometimes", wanted one of always, on-request/)
      const unknown = await registerChurn(app, 'reasons: {shoes: {raises: Big}}', '2.0.0')
      assert.match(unknown.detail, /reasons.shoes is no feature of the model/)
    }))

  it('is refused of a model without an exact way, which is estimated on request, if there is data', () =>
    withApp({}, async app => {
      const artifact = tinyModel().replace(/"sum_hessian":\[[^\]]*\],/, '')
      const register = async (yaml: string): Promise<Response> => {
        const body = new FormData()
        body.append('model', `name: tiny\nversion: 1.0.0\nartifact: model.json\n${yaml}`)
        body.append('artifact', new File([artifact], 'model.json'))
        return await app.transport({ method: 'POST', path: '/models/register', body })
      }
      assert.match(await (await register('explain: always')).text(), /no exact explanation; choose on-request/)
      assert.equal((await register('')).status, 201)
      const row = { age: 42, tenure: 3 }
      const answer = await ask(`${app.url}/models/tiny/predict?explain=true`, row)
      assert.equal(answer.status, 422)
      assert.match(String(answer.body['detail']), /POST \/models\/tiny\/explain estimates one/)
      const without = await ask(`${app.url}/models/tiny/explain`, row)
      assert.match(String(without.body['detail']), /registered without reference data/)
    }))
})

describe('GET /predictions/:id/explanation', () => {
  it('tells what is kept, and computes what is not', () =>
    onChurn('explain: on-request', async app => {
      await registerChurn(app, 'explain: always\nreasons: {num_products: {lowers: "{value} products bind"}}', '2.0.0')
      const told = async (version: string): Promise<Told> => {
        const { id } = await asked(app, `/models/churn/versions/${version}/predict`)
        const answer = await fetch(`${app.url}/predictions/${id}/explanation?top=1`)
        assert.equal(answer.status, 200)
        return (await answer.json()) as Told
      }
      const [computed, kept] = [await told('1.0.0'), await told('2.0.0')]
      assert.deepEqual([computed.kept, kept.kept], [false, true])
      for (const one of [computed, kept]) assertAdds(one)
      for (const [name, value] of Object.entries(kept.explanation.contributions)) {
        assert.ok(Math.abs(value - computed.explanation.contributions[name]!) < 1e-6, name)
      }
      assert.equal(kept.reasons[0]?.text, '2 products bind')
      assert.equal((await predictionsOf(app)).length, 2, 'reading left a record')
      const nothing = await fetch(`${app.url}/predictions/019aaaac-7601-70f2-8d7e-919e8cdb1208/explanation`)
      assert.equal(nothing.status, 404)
    }))

  it('never shows what is sensitive in clear, tells it to who may unseal', () =>
    onChurn(`explain: always\n${SENSITIVE}`, async app => {
      const answer = await ask(`${app.url}/predict?explain=true`, ROW, { 'bellwether-subject': 'customer-17' })
      assertAdds(answer.body as unknown as Told)
      const [record] = await predictionsOf(app)
      const { contributions, sealed } = record!.explanation!
      assert.deepEqual(Object.keys(contributions!).sort(), [
        'balance',
        'has_cr_card',
        'is_active_member',
        'num_products',
        'tenure',
      ])
      assert.match(String(sealed), /^[0-9a-f]{12}\.[\w-]+$/)
      const read = async (): Promise<Told> => {
        const answered = await app.transport({ method: 'GET', path: `/predictions/${record!.id}/explanation` })
        return (await answered.json()) as Told
      }
      const whole = await read()
      assert.equal(whole.withheld, undefined)
      assertAdds(whole)
      assert.deepEqual(
        whole.explanation.contributions,
        (answer.body['explanation'] as Told['explanation']).contributions,
      )
    }))
})

describe('GET /models/:name/explanations', () => {
  interface Seen {
    readonly rows: number
    readonly explain: string
    readonly features: readonly { readonly feature: string; readonly importance: number; readonly mean: number }[]
    readonly sealed: readonly string[]
    readonly sample: readonly { readonly id: string; readonly values: unknown[]; readonly contributions: number[] }[]
  }
  const seen = async (app: RunningApp, query = ''): Promise<Seen> =>
    (await (await fetch(`${app.url}/models/churn/explanations${query}`)).json()) as Seen

  it('sums up what records keep, without what is sealed and without estimates', () =>
    onChurn(`explain: always\n${SENSITIVE}`, async app => {
      const empty = await seen(app)
      assert.deepEqual([empty.rows, empty.sample], [0, []])
      const rows = [0, 1, 2, 3].map(number => ({ ...ROW, num_products: number + 1, tenure: number }))
      await asked(app, '/predict', rows)
      await asked(app, '/explain?method=lime')
      const { rows: count, explain, features, sealed, sample } = await seen(app)
      assert.deepEqual([count, explain, sealed], [4, 'always', ['age', 'estimated_salary']])
      const kept = (await predictionsOf(app)).slice(0, 4).map(({ explanation }) => explanation!.contributions!)
      for (const { feature, importance, mean } of features) {
        const all = kept.map(contributions => contributions[feature] as number)
        assert.ok(Math.abs(mean - sumOf(all) / 4) < 1e-12)
        assert.ok(Math.abs(importance - sumOf(all.map(Math.abs)) / 4) < 1e-12)
      }
      const sizes = features.map(({ importance }) => importance)
      assert.deepEqual(
        sizes,
        sizes.toSorted((a, b) => b - a),
      )
      const at = features.findIndex(({ feature }) => feature === 'tenure')
      assert.deepEqual(sample.map(({ values }) => values[at]).sort(), [0, 1, 2, 3])
      assert.equal((await seen(app, '?sample=2')).sample.length, 2)
      assert.equal((await seen(app, '?until=1000')).rows, 0)
      for (const [query, status] of [
        ['?version=9.9.9', 404],
        ['?output=nothing', 422],
        ['?sample=0', 422],
      ] as const) {
        assert.equal((await fetch(`${app.url}/models/churn/explanations${query}`)).status, status, query)
      }
    }))

  it('is found by what moved the answers', () =>
    onChurn('explain: always', async app => {
      await asked(app, '/predict', [ROW, { ...ROW, num_products: 1 }])
      const found = async (where: string): Promise<unknown[]> => {
        const answer = await fetch(`${app.url}/ledger/records?where=${encodeURIComponent(where)}`)
        const { records } = (await answer.json()) as { records: { features: { num_products: number } }[] }
        return records.map(({ features }) => features.num_products)
      }
      assert.deepEqual(await found('feature = num_products and contribution < -0.5'), [2])
      assert.deepEqual(await found('contribution.num_products > 0'), [1])
      assert.deepEqual(await found('feature.num_products = 2 and output.churn_probability < 0.5'), [2])
      assert.equal((await fetch(`${app.url}/ledger/records?where=nonsense`)).status, 422)
    }))
})
