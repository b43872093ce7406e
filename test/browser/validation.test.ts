/** The page of a version tells whether it was validated, and what was found. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bellwether, temporaryFolder, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/churn', import.meta.url))

test('a version shows its verdict', { skip: skipUnless('chromium') }, async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const text = readFileSync(join(EXAMPLE, 'model.yaml'), 'utf8')
  const yaml = text.replaceAll(
    /^(artifact|reference|evaluation): (.*)$/gm,
    (_, key, path) => `${key}: ${join(EXAMPLE, path)}`,
  )
  const file = join(folder, 'model.yaml')
  writeFileSync(file, `${yaml}\nvalidation: {metrics: {auc_roc: {minimum: 0.79}}, slices: {columns: [gender]}}\n`)
  await withServer({}, async ({ url }) => {
    await bellwether(['register', file, '--server', url])
    const shows = async (wanted: readonly RegExp[]): Promise<void> => {
      await withPage(
        async ({ page, errors }) => {
          await page.goto(`${url}/models/churn`, { waitUntil: 'networkidle' })
          const panel = page.locator('section.panel', { has: page.locator('h2', { hasText: 'Validation' }) })
          const said = await panel.innerText()
          for (const pattern of wanted) assert.match(said, pattern)
          assert.deepEqual(errors, [])
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390)
        },
        { viewport: { width: 390, height: 800 } },
      )
    }
    await shows([/It was not validated/, /bellwether validate churn@1\.0\.0/])
    assert.equal((await bellwether(['validate', 'churn@1.0.0', '--server', url])).status, 1)
    await shows([/Failed: \d+ checks passed, 1 failed/, /the lower end must be at least 0\.79/, /gender: female/])
    const told = await bellwether(['model', 'show', 'churn@1.0.0', '--server', url])
    assert.match(told.stdout, / {2}validated {2}FAILED at 20/)
  })
})
