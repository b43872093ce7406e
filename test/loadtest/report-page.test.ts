/** The report of a load test as a person opens it: a file, on a desk and on a phone, by day and by night. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { withPage } from '../browser/browser.ts'
import { skipUnless } from '../services.ts'

const REPORT = new URL('../../src/loadtest/pictures/report.html', import.meta.url)
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

describe('the report of a load test', { skip: skipUnless('chromium') }, () => {
  for (const [width, colorScheme] of [
    [1440, 'light'],
    [390, 'dark'],
  ] as const) {
    test(`stands ${width} pixels wide (${colorScheme}), asks nobody, and axe finds nothing`, async () => {
      await withPage(
        async ({ page, errors, asked }) => {
          await page.goto(REPORT.href)
          assert.deepEqual(asked, [REPORT.href])
          assert.deepEqual(errors, [])
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
          const charts = await page.locator('svg:visible').all()
          assert.equal(charts.length, 3)
          for (const chart of charts) {
            const box = await chart.locator('text').first().boundingBox()
            assert.ok(box!.height >= 9, `letters of ${box!.height} pixels`)
          }
          // By the browser's own tools, past the page's policy.
          const tools = await page.context().newCDPSession(page)
          const evaluate = async (expression: string): Promise<unknown> => {
            const { result } = await tools.send('Runtime.evaluate', {
              expression,
              awaitPromise: true,
              returnByValue: true,
            })
            return result.value
          }
          await evaluate(readFileSync(AXE, 'utf8'))
          const found = await evaluate(
            'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])))',
          )
          assert.equal(found, '[]')
        },
        { viewport: { width, height: 900 }, colorScheme },
      )
    })
  }
})
