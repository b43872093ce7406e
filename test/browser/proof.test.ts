/** The page of a version shows what was signed of it, who approved, who still calls it, and gives away its card. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bellwether, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'

const MODEL = fileURLToPath(new URL('../../examples/churn/model.yaml', import.meta.url))
const ROW = { age: 27, tenure: 6, balance: 0, num_products: 1, has_cr_card: false, is_active_member: true }

test('a version shows its proof', { skip: skipUnless('chromium') }, async () => {
  await withServer({ env: { BELLWETHER_VERSIONS_APPROVALS: '1' } }, async ({ url }) => {
    await bellwether(['register', MODEL, '--server', url])
    const answered = await fetch(`${url}/models/churn/versions/1.0.0/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...ROW, estimated_salary: 62_610 }),
    })
    assert.equal(answered.status, 200, await answered.text())
    const told = ['--reason', 'a better one comes', '--server', url]
    const deprecated = await bellwether(['deprecate', 'churn@1.0.0', ...told])
    assert.equal(deprecated.status, 0, deprecated.stderr)
    for (const width of [1_440, 390]) {
      await withPage(
        async ({ page, errors }) => {
          await page.goto(`${url}/models/churn?version=1.0.0`, { waitUntil: 'networkidle' })
          const panel = (title: string) =>
            page.locator('section.panel', { has: page.locator('h2', { hasText: title }) })
          const evidence = await panel('Evidence').innerText()
          assert.match(evidence, /signature[\s\S]*provenance/)
          assert.equal(await panel('Evidence').locator('svg[aria-label="Not believed"]').count(), 0)
          assert.match(
            await panel('Approvals').innerText(),
            /Approved: 0 of 1 needed\. *bellwether approve churn@1\.0\.0/,
          )
          assert.match(await panel('Standing').innerText(), /Deprecated since .*: a better one comes[\s\S]*local\s+1/)
          const [file] = await Promise.all([
            page.waitForEvent('download'),
            panel('Evidence').getByRole('link', { name: 'PDF' }).click(),
          ])
          assert.equal(readFileSync(await file.path(), 'latin1').slice(0, 5), '%PDF-')
          assert.deepEqual(errors, [])
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
        },
        { viewport: { width, height: 900 } },
      )
    }
  })
})
