/** The page that describes the API, as a person meets it: read, and tried where it stands. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tinyAnswer, tinyModel } from '../journeys/model.ts'
import { bellwether, temporaryFolder, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'

test('/docs shows every operation, answers a prediction, and asks nobody else', {
  skip: skipUnless('chromium'),
}, async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await withServer({}, async server => {
    writeFileSync(join(folder, 'model.json'), tinyModel())
    const model = [join(folder, 'model.json'), '--name', 'tiny', '--version', '1.0.0']
    assert.equal((await bellwether(['register', ...model, '--server', server.url])).status, 0)
    await withPage(async ({ page, errors, asked }) => {
      await page.goto(`${server.url}/docs`)
      await page.locator('.opblock').first().waitFor()
      const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: Record<string, object> }
      const operations = Object.values(document.paths).flatMap(methods => Object.keys(methods)).length
      assert.equal(await page.locator('.opblock').count(), operations)

      const predict = page.locator('.opblock-post', { has: page.locator('[data-path="/models/tiny/predict"]') }).first()
      await predict.locator('.opblock-summary-control').click()
      await predict.locator('textarea').first().fill('{"age":47,"tenure":2}')
      await predict.getByRole('button', { name: 'Execute' }).click()
      const answer = predict.locator('.live-responses-table .response-col_description .highlight-code').first()
      await answer.waitFor()
      const shown = await answer.innerText()
      const { outputs } = JSON.parse(shown.slice(shown.indexOf('{'))) as { outputs: { tiny_probability: number } }
      assert.ok(Math.abs(outputs.tiny_probability - tinyAnswer(47, 2)) < 1e-6, shown)

      assert.deepEqual(errors, [])
      const elsewhere = asked.filter(
        url => !url.startsWith(server.url) && !url.startsWith('data:') && !url.startsWith('blob:'),
      )
      assert.deepEqual(elsewhere, [])
    })
  })
})
