/** The overview with 200 models of 50 features each, in a browser that has never seen it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'
import { MODELS, makeManyModels, nameOf } from './many-models.ts'

/** A machine that runs other tests at the same time may take longer than the second that a person is promised. */
const DRAWN_MS_MAX = 3_000

test('200 models are drawn at once, and can be filtered', { skip: skipUnless('chromium') }, async () => {
  await withServer({}, async server => {
    await makeManyModels(server.url)
    await withPage(async ({ page, errors }) => {
      await page.goto(server.url)
      await page.locator(`.models tbody tr:nth-child(${MODELS})`).waitFor()
      const drawnMs = Number(await page.evaluate('performance.now()'))
      assert.ok(drawnMs < DRAWN_MS_MAX, `${drawnMs} ms`)
      await page.getByRole('searchbox', { name: 'Show models whose name contains' }).fill(nameOf(17))
      await page.locator('.models tbody tr:nth-child(2)').waitFor({ state: 'detached' })
      assert.match(await page.locator('.models tbody').innerText(), /model-017/)
      assert.deepEqual(errors, [])
    })
  })
})
