/** Model cards in every format, read by those they are for. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { Card } from '../../src/governance/card/card.ts'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { SIGNING_PYTHON, skipUnless } from '../services.ts'
import { type RunningApp, withApp } from '../serving/app.ts'

const CHURN = fileURLToPath(new URL('../../examples/churn/', import.meta.url))
const CARD = '/models/churn/versions/champion/card'

async function registered(app: RunningApp, change: (manifest: string) => string = text => text): Promise<void> {
  const manifest = change(readFileSync(join(CHURN, 'model.yaml'), 'utf8'))
  const form = new FormData()
  form.set('model', manifest)
  for (const [role, file] of [
    ['artifact', 'model.json'],
    ['reference', 'train.csv'],
    ['evaluation', 'evaluation.csv'],
  ] as const) {
    if (new RegExp(`^${role}: `, 'm').test(manifest)) form.set(role, new Blob([readFileSync(join(CHURN, file))]), file)
  }
  const response = await fetch(`${app.url}/models/register`, { method: 'POST', body: form })
  assert.equal(response.status, 201, await response.text())
}

test('a card says what was stated, measured, signed and seen', async () => {
  await withApp({}, async app => {
    await registered(app)
    const card = (await (await fetch(app.url + CARD)).json()) as Card
    assert.equal(card.model_name, 'churn')
    assert.equal(card.owner, 'retention-analytics')
    assert.ok(card.measured_metrics.includes('auc_roc'))
    for (const metric of ['accuracy', 'f1_score', 'auc_roc']) assert.ok(card.metrics[metric]! > 0, metric)
    assert.equal(card.limitations.length, 3)
    const { measured, fairness } = card
    assert.equal(measured!.rows, 2000)
    assert.equal(measured!.metrics['auc_roc']!.value, Number(card.metrics['auc_roc']!.toPrecision(6)))
    assert.equal(
      measured!.confusion!.flat().reduce((sum, cell) => sum + cell, 0),
      2000,
    )
    assert.deepEqual(fairness.groups.map(({ column }) => column).sort(), ['age', 'country', 'gender'])
    const gender = fairness.groups.find(({ column }) => column === 'gender')!
    const rates = gender.groups.map(({ selectionRate }) => selectionRate)
    assert.ok(Math.abs(gender.demographicParity!.difference - Math.abs(rates[0]! - rates[1]!)) < 1e-5)
    assert.equal(
      fairness.demographic_parity,
      Math.max(...fairness.groups.map(group => group.demographicParity!.difference)),
    )
    assert.equal(measured!.importance!.length, 7)
    assert.deepEqual(card.evidence.map(({ about, believed }) => [about, believed]).slice(0, 3), [
      ['signature', true],
      ['provenance', true],
      ['measurement', true],
    ])
    const asYaml = (await (await fetch(`${app.url}${CARD}?format=yaml`)).text()) as string
    assert.deepEqual(parse(asYaml), JSON.parse(JSON.stringify(card)))
    assert.equal((await fetch(`${app.url}${CARD}?format=docx`)).status, 422)
    assert.equal((await fetch(`${app.url}/models/churn/versions/9.9.9/card`)).status, 404)
  })
})

test('a version without evaluation data has a card that says so', async () => {
  await withApp({}, async app => {
    await registered(app, text => text.replace(/^evaluation: .*$/m, ''))
    const card = (await (await fetch(app.url + CARD)).json()) as Card
    assert.equal(card.measured, null)
    assert.match(card.unmeasured!, /without evaluation data/)
    assert.deepEqual(card.measured_metrics, [])
    assert.equal(card.fairness.demographic_parity, null)
    assert.match(await (await fetch(`${app.url}${CARD}?format=md`)).text(), /\| Accuracy \| 0.828 \| {2}\| stated \|/)
  })
})

test('Hugging Face reads the Markdown', { skip: skipUnless('signing') }, async t => {
  const folder = temporaryFolder(t)
  await withApp({}, async app => {
    await registered(app)
    const path = join(folder, 'README.md')
    writeFileSync(path, await (await fetch(`${app.url}${CARD}?format=md`)).text())
    const helper = fileURLToPath(new URL('huggingface.py', import.meta.url))
    const read = JSON.parse(execFileSync(SIGNING_PYTHON, [helper, path], { encoding: 'utf8' })) as {
      name: string
      library: string
      results: { metric: string; value: number }[]
      text: string
    }
    assert.equal(read.name, 'churn')
    assert.equal(read.library, 'xgboost')
    assert.ok(read.results.some(({ metric, value }) => metric === 'auc_roc' && value > 0.79 && value < 0.8))
    const order = ['Model details', 'Intended use', 'Factors', 'Metrics', 'Evaluation data', 'Training data']
    const after = ['Quantitative analyses', 'Ethical considerations', 'Caveats and recommendations']
    const places = [...order, ...after].map(name => read.text.indexOf(`\n## ${name}`))
    assert.ok(
      places.every((place, at) => place > (places[at - 1] ?? -1)),
      `sections in the order of the paper: ${places}`,
    )
  })
})

test('the PDF has every section, embeds its fonts, and is the same for the same card', {
  skip: skipUnless('poppler'),
}, async t => {
  const folder = temporaryFolder(t)
  await withApp({}, async app => {
    await registered(app)
    const [one, two] = await Promise.all(
      [1, 2].map(async () => Buffer.from(await (await fetch(`${app.url}${CARD}?format=pdf`)).arrayBuffer())),
    )
    assert.ok(one!.equals(two!))
    const path = join(folder, 'card.pdf')
    writeFileSync(path, one!)
    const text = execFileSync('pdftotext', ['-layout', path, '-'], { encoding: 'utf8' })
    const wanted = [
      'Model details',
      'Intended use',
      'Factors',
      'Metrics',
      'Evaluation data',
      'Training data',
      'Lineage',
      'Quantitative analyses',
      'ROC curve, area 0.7958',
      'Precision and recall',
      'Calibration',
      'What moves the answers',
      'Ethical considerations',
      'By gender',
      'Production',
      'Caveats and recommendations',
      'Trained on customers of two countries',
      'Evidence',
    ]
    for (const words of wanted) assert.ok(text.includes(words), words)
    const fonts = execFileSync('pdffonts', [path], { encoding: 'utf8' }).trim().split('\n').slice(2)
    assert.ok(fonts.length >= 3)
    for (const font of fonts) assert.match(font, /SourceSans3.* yes yes yes /)
    const info = execFileSync('pdfinfo', [path], { encoding: 'utf8' })
    assert.match(info, /Page size: +595.28 x 841.89 pts \(A4\)/)
    assert.match(info, /Title: +Model card: churn 1.0.0/)
  })
})
