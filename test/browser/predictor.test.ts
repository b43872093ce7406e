/** `bellwether/predictor` in a browser: bundled as for any page, it answers what it answers here, to the last bit. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { forestPredictor, loadArtifact, predictorOf } from '../../src/predictor.ts'
import { tinyModel } from '../journeys/model.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'

const ENTRIES = ['predictor', 'math'].map(name => fileURLToPath(new URL(`../../src/${name}.ts`, import.meta.url)))
const ROWS = [20, 1, 47, 2, 47, 9, Number.NaN, 3, 40, Number.NaN]

async function bundle(entry: string): Promise<string> {
  const options = { bundle: true, format: 'iife', globalName: 'bellwether', platform: 'browser', write: false } as const
  const { outputFiles, warnings } = await build({ ...options, entryPoints: [entry], logLevel: 'silent' })
  assert.deepEqual(warnings, [])
  return outputFiles[0]!.text
}

test('what is pure bundles for a browser without anything of Node', async () => {
  for (const entry of ENTRIES) assert.ok((await bundle(entry)).length > 500, entry)
})

/** A page that may run scripts, but compile no WebAssembly. */
const WITHOUT_WASM = `<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline'">`

for (const [title, head] of [
  ['a browser predicts the same bits, by the same kernel', ''],
  ['a page whose policy forbids WebAssembly predicts the same bits, without a kernel', WITHOUT_WASM],
] as const) {
  test(title, { skip: skipUnless('chromium') }, async () => {
    const count = ROWS.length / 2
    const here = new Float64Array(count)
    const model = loadArtifact(Buffer.from(tinyModel()))
    const predictor = predictorOf(model)
    predictor.predict(Float64Array.from(ROWS), count, here)
    assert.ok(model.kind === 'forest')
    const bytes = head === '' ? predictor.bytes : forestPredictor(model).bytes
    await withPage(async ({ page, errors }) => {
      await page.setContent(`<!doctype html><head>${head}</head>`)
      await page.addScriptTag({ content: await bundle(ENTRIES[0]!) })
      const program = `(() => {
        const { predictorOf, loadArtifact } = bellwether
        const out = new Float64Array(${count})
        const bytes = new TextEncoder().encode(${JSON.stringify(tinyModel())})
        const rows = Float64Array.from([${ROWS.join(',')}])
        const predictor = predictorOf(loadArtifact(bytes))
        predictor.predict(rows, ${count}, out)
        return { answers: [...out], bytes: predictor.bytes }
      })()`
      assert.deepEqual(await page.evaluate(program), { answers: [...here], bytes })
      assert.deepEqual(errors, [])
    })
  })
}
