/** A bundle answers as the server does: in this Node, in a browser, and behind the events of serverless platforms. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { features, sample } from '../../examples/churn/bank.ts'
import type { ChangeRecord } from '../../src/ledger/record.ts'
import type { EdgeExplanation, EdgeModel, EdgePrediction } from '../../src/serving/edge/edge-model.ts'
import { withPage } from '../browser/browser.ts'
import { bellwether, type RunningServer, startServer, temporaryFolder } from '../server.ts'
import { skipUnless } from '../services.ts'

const MODEL = new URL('../../examples/churn/model.json', import.meta.url).pathname
const BYTES_MAX = 200_000
const ROWS = sample('edge', 500).map(customer => features(customer) as Record<string, unknown>)

let server: RunningServer
const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)

async function bundled(target: string, name: string): Promise<string> {
  const ended = await bellwether([
    'bundle',
    'churn@1.0.0',
    '--target',
    target,
    '-o',
    file(name),
    '--server',
    server.url,
  ])
  assert.equal(ended.status, 0, ended.stderr)
  return file(name)
}

async function served(path: string, body: unknown): Promise<EdgePrediction[]> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.equal(response.status, 200)
  const { predictions, explanations } = (await response.json()) as Record<string, EdgePrediction[]>
  return (predictions ?? explanations)!
}

const outputsOf = (predictions: readonly EdgePrediction[]): unknown[] => predictions.map(({ outputs }) => outputs)

describe('an edge bundle', () => {
  before(async () => {
    server = await startServer()
    const register = ['register', MODEL, '--name', 'churn', '--version', '1.0.0', '--server', server.url]
    assert.equal((await bellwether(register)).status, 0)
  })
  after(async () => {
    await server.kill('SIGTERM')
    for (const path of [folder, server.data]) rmSync(path, { recursive: true, force: true })
  })

  test('is small, says what it is, and is the same whenever it is made', async () => {
    const path = await bundled('esm', 'churn.mjs')
    assert.ok(statSync(path).size < BYTES_MAX, `${statSync(path).size} bytes`)
    const { about } = (await import(pathToFileURL(path).href)) as EdgeModel
    assert.equal(about.version, '1.0.0')
    assert.equal(about.artifactSha256, createHash('sha256').update(readFileSync(MODEL)).digest('hex'))
    assert.equal(readFileSync(await bundled('esm', 'again.mjs'), 'utf8'), readFileSync(path, 'utf8'))
    assert.doesNotMatch(readFileSync(path, 'utf8'), /\b(?:import|require)\s*\(/)
  })

  test('predicts and explains in Node, bit for bit, and refuses what the server refuses', async () => {
    const { predict, explain } = (await import(pathToFileURL(await bundled('esm', 'node.mjs')).href)) as EdgeModel
    const { predictions } = predict(ROWS)
    assert.deepEqual(outputsOf(predictions), outputsOf(await served('/models/churn/predict', ROWS)))
    assert.deepEqual(predict(ROWS[0]!), predictions[0])
    const explained = explain(ROWS).explanations
    const wanted = (await served('/models/churn/explain', ROWS)) as EdgeExplanation[]
    assert.deepEqual(
      explained.map(({ explanation }) => explanation),
      wanted.map(({ explanation }) => explanation),
    )
    const response = await fetch(`${server.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"age":"old"}',
    })
    const { errors } = (await response.json()) as { errors: unknown }
    assert.throws(
      () => predict({ age: 'old' }),
      (error: { fields: unknown }) => {
        assert.deepEqual(error.fields, errors)
        return true
      },
    )
  })

  test('runs on an older Node, too', { skip: oldNode() === undefined && 'there is no other Node here' }, async () => {
    const path = await bundled('esm', 'old.mjs')
    const script = `import(${JSON.stringify(pathToFileURL(path).href)}).then(m => console.log(JSON.stringify(m.predict(${JSON.stringify(ROWS)}))))`
    const { predictions } = JSON.parse(execFileSync(oldNode()!, ['-e', script], { encoding: 'utf8' }))
    assert.deepEqual(outputsOf(predictions), outputsOf(await served('/models/churn/predict', ROWS)))
  })

  test('answers in a browser', { skip: skipUnless('chromium') }, async () => {
    const script = readFileSync(await bundled('browser', 'churn.js'), 'utf8')
    await withPage(async ({ page }) => {
      await page.addScriptTag({ content: script })
      const found = (await page.evaluate(`bellwether.predict(${JSON.stringify(ROWS)})`)) as {
        predictions: EdgePrediction[]
      }
      assert.deepEqual(outputsOf(found.predictions), outputsOf(await served('/models/churn/predict', ROWS)))
    })
  })

  test('answers the events of AWS Lambda', async () => {
    const { handler } = await import(pathToFileURL(await bundled('lambda', 'lambda.mjs')).href)
    const [wanted] = await served('/models/churn/predict', [ROWS[0]])
    const body = JSON.stringify(ROWS[0])
    const newer = {
      version: '2.0',
      rawPath: '/predict',
      requestContext: { http: { method: 'POST', path: '/predict' } },
    }
    for (const event of [
      { httpMethod: 'POST', path: '/predict', body, isBase64Encoded: false },
      { ...newer, body: Buffer.from(body).toString('base64'), isBase64Encoded: true },
    ]) {
      const answer = await handler(event)
      assert.equal(answer.statusCode, 200)
      assert.match(answer.headers['content-type'], /^application\/json/)
      assert.deepEqual(JSON.parse(answer.body).outputs, wanted!.outputs)
    }
    assert.deepEqual((await handler(ROWS[0])).outputs, wanted!.outputs)
    const explained = await handler({ ...newer, rawPath: '/explain', body })
    assert.equal(JSON.parse(explained.body).method, 'tree-shap')
    for (const [event, status, code] of [
      [{ ...newer, body: '{"age":' }, 400, 'malformed'],
      [{ ...newer, body: '{}' }, 422, 'invalid'],
      [{ httpMethod: 'DELETE', path: '/', body: null }, 405, 'method_not_allowed'],
    ] as const) {
      const answer = await handler(event)
      assert.equal(answer.statusCode, status)
      assert.match(answer.headers['content-type'], /^application\/problem\+json/)
      assert.equal(JSON.parse(answer.body).code, code)
    }
    assert.equal(JSON.parse((await handler({ httpMethod: 'GET', path: '/' })).body).model, 'churn')
  })

  test('answers both programming models of Azure Functions', async () => {
    const { handler, default: main } = await import(pathToFileURL(await bundled('azure', 'azure.mjs')).href)
    const [wanted] = await served('/models/churn/predict', [ROWS[0]])
    const newer = new Request('https://example.org/api/churn/predict?code=x', {
      method: 'POST',
      body: JSON.stringify(ROWS[0]),
    })
    const answer = await handler(newer, { log: () => {} })
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.body).outputs, wanted!.outputs)
    const context: { res?: { status: number; body: string } } = {}
    await main(context, { method: 'POST', url: 'https://example.org/api/churn/explain', body: ROWS[0] })
    assert.equal(context.res!.status, 200)
    assert.deepEqual(JSON.parse(context.res!.body).outputs, wanted!.outputs)
    await main(context, { method: 'POST', url: 'https://example.org/api/churn', rawBody: 'x' })
    assert.equal(context.res!.status, 400)
  })

  test('that a version was given away is recorded', async () => {
    const ended = await bellwether(['bundle', 'churn', '-o', file('told.mjs'), '--json', '--server', server.url])
    const { record, bundleSha256 } = JSON.parse(ended.stdout)
    assert.equal(
      bundleSha256,
      createHash('sha256')
        .update(readFileSync(file('told.mjs')))
        .digest('hex'),
    )
    const queried = await bellwether(['ledger', 'query', '--kind', 'change', '--json', '--data', server.data])
    const { records } = JSON.parse(queried.stdout) as { records: ChangeRecord[] }
    const found = records.find(({ id }) => id === record)!
    const taken = records.filter(({ action }) => action === 'artifact:downloaded')
    assert.ok(taken.length > 0, 'who takes an artifact leaves a record, whether anything is made of it or not')
    assert.equal(taken[0]!.target, 'churn@1.0.0')
    assert.deepEqual(
      [found.action, found.target, found.detail],
      ['version:bundled', 'churn@1.0.0', { target: 'esm', bundleSha256 }],
    )
    writeFileSync(file('x'), '')
    for (const args of [
      ['--target', 'wasm', '-o', file('x')],
      ['--target', 'browser', '--global', 'a b', '-o', file('x')],
    ]) {
      assert.equal((await bellwether(['bundle', 'churn', ...args, '--server', server.url])).status, 64)
    }
  })
})

function oldNode(): string | undefined {
  for (const path of ['/usr/bin/node', '/usr/local/bin/node']) {
    try {
      const version = execFileSync(path, ['--version'], { encoding: 'utf8' })
      if (version.startsWith('v20') || version.startsWith('v22')) return path
    } catch {
      // Not there.
    }
  }
  return undefined
}
