/** A model of three classes: contributions to each, in answers, records and over all of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ask, withApp } from '../serving/app.ts'
import { predictionsOf, sumOf } from './churn.ts'

const ARTIFACT = new URL('../golden/models/xgb_multiclass.json', import.meta.url)
type Named = Readonly<Record<string, number>>

interface Told {
  readonly outputs: Named
  readonly scale: string
  readonly explanation: { readonly bias: Named; readonly contributions: Readonly<Record<string, Named>> }
  readonly margin: Named
  readonly effects: Readonly<Record<string, Named>>
  readonly reasons: readonly { readonly text: string }[]
}

test('each class has its bias and its contributions, which sum to its margin', async () => {
  await withApp({}, async app => {
    const body = new FormData()
    body.append('model', 'name: kinds\nversion: 1.0.0\nartifact: model.json\nexplain: always\n')
    body.append('artifact', new File([readFileSync(ARTIFACT)], 'model.json'))
    const registered = await app.transport({ method: 'POST', path: '/models/register', body })
    assert.equal(registered.status, 201, await registered.text())
    const row = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`f${index}`, (index - 3) / 2]))
    const answer = await ask(`${app.url}/explain`, row)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const told = answer.body as unknown as Told
    const classes = Object.keys(told.outputs)
    assert.equal(classes.length, 3)
    assert.equal(told.scale, 'class-log-odds')
    const margins = classes.map(name => told.explanation.bias[name]! + sumOf(told.explanation.contributions[name]!))
    const powers = margins.map(Math.exp)
    for (const [at, name] of classes.entries()) {
      assert.ok(Math.abs(powers[at]! / sumOf(powers) - told.outputs[name]!) < 1e-6)
      assert.ok(Math.abs(told.margin[name]! - margins[at]!) < 1e-9)
    }
    const moved = classes.map(name => sumOf(told.effects[name]!))
    assert.ok(Math.abs(sumOf(moved)) < 1e-6, 'probabilities move against each other')

    const [record] = await predictionsOf(app)
    const kept = record!.explanation as unknown as Told['explanation']
    for (const name of classes) {
      const sum = kept.bias[name]! + sumOf(kept.contributions[name]!)
      assert.ok(Math.abs(sum - told.margin[name]!) < 1e-5)
    }
    const [likeliest] = classes.toSorted((a, b) => told.outputs[b]! - told.outputs[a]!)
    assert.match(told.reasons[0]!.text, new RegExp(`(raises|lowers) ${likeliest!.replaceAll('_', ' ')}`))

    for (const output of classes) {
      const path = `${app.url}/models/kinds/explanations?output=${encodeURIComponent(output)}`
      const seen = (await (await fetch(path)).json()) as { rows: number; features: { feature: string; mean: number }[] }
      assert.equal(seen.rows, 1)
      for (const { feature, mean } of seen.features) assert.equal(mean, kept.contributions[output]![feature])
    }
    const where = encodeURIComponent(`feature.f0 = -1.5 and feature = f0 and contribution != 0`)
    const found = (await (await fetch(`${app.url}/ledger/records?where=${where}`)).json()) as { records: unknown[] }
    assert.equal(found.records.length, 1)
  })
})
