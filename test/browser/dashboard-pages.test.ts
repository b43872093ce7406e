/** Every page of the dashboard, on a screen and on a telephone, by day and by night: whole, quiet, and usable by everybody. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { bellwether, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'
import { customers, predict, registerChurn, strangers, tellOutcomes } from './churn.ts'
import { makeSweep } from './logged-runs.ts'

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

interface Visit {
  readonly path: string
  /** Text that stands on the page once it is whole. */
  readonly text: string
  /** Button to press before the page is looked at, and the text that comes of it. */
  readonly press?: readonly [button: string, text: string]
}

/** Opens a page, waits until it is whole, and returns what is wrong with it. */
async function visit(page: Page, url: string, { path, text, press }: Visit): Promise<string[]> {
  await page.goto(url + path)
  await page.getByText(text).first().waitFor()
  await page.locator('.loading').first().waitFor({ state: 'detached' })
  if (press !== undefined) {
    await page.getByRole('button', { name: press[0] }).click()
    await page.getByText(press[1]).waitFor()
  }
  const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
  return [...(await violations(page)), ...(isWide === true ? ['it scrolls sideways'] : [])]
}

/** In both widths and both themes. */
async function assertStands(url: string, visits: readonly Visit[], isQuiet: boolean): Promise<void> {
  for (const viewport of SIZES) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await withPage(
        async ({ page, errors, asked }) => {
          for (const one of visits) {
            assert.deepEqual(await visit(page, url, one), [], `${one.path} at ${viewport.width}, ${colorScheme}`)
          }
          if (isQuiet) assert.deepEqual(errors, [])
          const elsewhere = asked.filter(address => !address.startsWith(url) && !address.startsWith('data:'))
          assert.deepEqual(elsewhere, [])
        },
        { viewport, colorScheme },
      )
    }
  }
}

describe('every page stands in every width and theme, and axe finds nothing', { skip: skipUnless('chromium') }, () => {
  test('with drift, outcomes and proofs', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      const ids = await predict(server, customers().slice(0, 300), 'customer-7')
      await predict(server, strangers().slice(0, 520))
      await tellOutcomes(server, ids)
      const visits: Visit[] = [
        { path: '/', text: 'balance has drifted' },
        { path: '/models/churn', text: 'with 95\u202f% confidence' },
        { path: '/models/churn/drift/balance', text: 'Those in bold decide' },
        { path: '/models/churn/explanations', text: 'By value' },
        { path: '/predictions', text: 'Took' },
        {
          path: `/predictions/${ids[0]}`,
          text: 'told by local',
          press: ['Verify in this browser', 'The head is signed'],
        },
        { path: '/changes', text: 'registered model' },
        { path: '/audit', text: 'Newest head', press: ['Verify every record', 'Verified: nothing was edited'] },
      ]
      await assertStands(server.url, visits, true)
    })
  })

  test('with runs', async () => {
    await withServer({}, async server => {
      const { experiment, parent, runs } = await makeSweep(server, 10)
      const visits: Visit[] = [
        { path: '/runs', text: 'churn/xgboost sweep' },
        { path: `/runs/experiments/${experiment}`, text: 'trial-3' },
        { path: `/runs/${runs[0]}?smooth=0.6&scale=log&file=report.html`, text: 'A page of the run' },
        { path: `/runs/${parent}`, text: 'Nested runs' },
        { path: `/runs/compare?runs=${runs.join(',')}&rows=all`, text: 'One against another' },
      ]
      await assertStands(server.url, visits, true)
    })
  })

  test('with nothing to show', async () => {
    await withServer({}, async server => {
      const visits = [
        { path: '/', text: 'No model is registered yet' },
        { path: '/predictions', text: 'There is none yet' },
        { path: '/changes', text: 'Nobody has changed anything yet' },
        { path: '/runs', text: 'Nothing was logged yet' },
        { path: '/runs/experiments/9', text: 'There is no such experiment' },
        { path: '/runs/0a', text: 'There is no such run' },
        { path: '/runs/compare', text: 'No run was chosen' },
        { path: '/models/none', text: 'There is no model called none' },
        { path: '/models/none/explanations', text: 'There is nothing to show' },
        { path: '/predictions/01a205a3-f68f-7002-813d-f035156755d5', text: 'There is no prediction with this id' },
      ]
      await assertStands(server.url, visits, false)
      const made = await bellwether(['key', 'create', '--name', 'first', '--role', 'admin', '--server', server.url])
      assert.equal(made.status, 0, made.stderr)
      await assertStands(server.url, [{ path: '/', text: 'This server asks for a key' }], true)
    })
  })
})
