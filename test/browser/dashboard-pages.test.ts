/** Every page of the dashboard, on a screen and on a telephone, by day and by night: whole, quiet, and usable by everybody. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'
import { customers, predict, registerChurn } from './churn.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
]

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds wrong. It is put into the page by the browser's own tools, past the page's policy. */
async function violations(page: Page): Promise<string[]> {
  const client = await page.context().newCDPSession(page)
  await client.send('Runtime.evaluate', { expression: readFileSync(AXE, 'utf8') })
  const { result } = await client.send('Runtime.evaluate', {
    expression:
      'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations))',
    awaitPromise: true,
    returnByValue: true,
  })
  const found = JSON.parse(String(result.value)) as Violation[]
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`))
}

test('every page stands in every width and theme, and axe finds nothing', {
  skip: skipUnless('chromium'),
}, async () => {
  await withServer({}, async server => {
    await registerChurn(server)
    const ids = await predict(server, customers().slice(0, 520), 'customer-7')
    const paths = [
      ['/', 'churn'],
      ['/models/churn', 'What it answers'],
      ['/models/churn/drift/age', 'Readings'],
      ['/predictions', 'The newest'],
      [`/predictions/${ids[0]}`, 'What was asked'],
      ['/changes', 'registered model'],
      ['/audit', 'Newest head'],
    ] as const
    for (const viewport of SIZES) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await withPage(
          async ({ page, errors, asked }) => {
            for (const [path, text] of paths) {
              const at = `${path} at ${viewport.width}, ${colorScheme}`
              await page.goto(server.url + path)
              await page.getByText(text).first().waitFor()
              await page.locator('.loading').first().waitFor({ state: 'detached' })
              assert.deepEqual(await violations(page), [], at)
              const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
              assert.equal(isWide, false, `${at} scrolls sideways`)
            }
            assert.deepEqual(errors, [])
            assert.deepEqual(
              asked.filter(url => !url.startsWith(server.url) && !url.startsWith('data:')),
              [],
            )
          },
          { viewport, colorScheme },
        )
      }
    }
  })
})
