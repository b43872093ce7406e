/** The dashboard as people use it: they go somewhere, find something, verify it, and watch what changes. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { bellwether, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'
import { customers, predict, registerChurn } from './churn.ts'

const skip = skipUnless('chromium')
/** A gauge of what a page shows in a place, once it shows it. */
const WAIT = { timeout: 15_000 }

function heading(page: Page): Promise<string> {
  return page.locator('h1').innerText()
}

describe('the dashboard', { skip }, () => {
  test('leads from the overview to a model, to a column, and back; every view has its address', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      await predict(server, customers().slice(0, 500))
      await withPage(async ({ page, errors }) => {
        await page.goto(server.url)
        assert.match(await page.title(), /^Overview/)
        await page.getByRole('link', { name: 'churn', exact: true }).click()
        await page.waitForURL('**/models/churn')
        await page.getByRole('link', { name: 'balance', exact: true }).first().click()
        await page.waitForURL('**/models/churn/drift/balance?version=1.0.0')
        await page.getByText('Readings').waitFor()
        assert.equal(await heading(page), 'balance')
        await page.reload()
        await page.getByText('Readings').waitFor()
        await page.goBack()
        await page.getByText('What it answers').waitFor()
        await page.getByRole('link', { name: '7d, the last 7 days' }).click()
        await page.waitForURL('**/models/churn?range=7d')
        await page.goto(`${server.url}/models/none`)
        await page.getByText('There is no model called none').waitFor()
        assert.equal(errors.length, 1, 'only the 404 that was asked for')
      })
    })
  })

  test('shows what moved an answer, and what moves them all', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      const [id] = await predict(server, customers().slice(0, 40))
      await withPage(async ({ page, errors }) => {
        await page.goto(`${server.url}/predictions/${id}`)
        await page.getByText(/tree-shap, in log-odds, (kept with the prediction|computed now)/).waitFor()
        assert.equal(await page.locator('.chart .step').count(), 7)
        assert.equal(await page.locator('.reasons li').count(), 3)
        // Whatever the machine's speed chose at registration: what is asked at /explain is kept.
        for (const customer of customers().slice(0, 5)) {
          const body = JSON.stringify(customer)
          const headers = { 'content-type': 'application/json', 'bellwether-purpose': 'retention-offer' }
          await fetch(`${server.url}/models/churn/explain`, { method: 'POST', headers, body })
        }
        await page.goto(`${server.url}/models/churn`)
        await page.getByRole('link', { name: 'What moves its answers' }).click()
        await page.waitForURL('**/models/churn/explanations?version=1.0.0')
        await page.locator('.swarm circle').first().waitFor()
        assert.equal(await page.locator('.swarm').count(), 7)
        await page.getByRole('link', { name: 'age', exact: true }).click()
        await page.waitForURL('**feature=age')
        // Dots may lie on each other: the last one lies on top.
        await page.locator('.dots circle').last().hover()
        assert.match(await page.locator('#tip').innerText(), /^age is \d+: [+−]/)
        assert.deepEqual(errors, [])
      })
    })
  })

  test('an address is data for programs and a page for people', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      const ask = async (accept: string): Promise<Response> =>
        fetch(`${server.url}/models/churn`, { headers: { accept } })
      const page = await ask('text/html,application/xhtml+xml')
      assert.match(page.headers.get('content-type')!, /^text\/html/)
      assert.equal(page.headers.get('vary'), 'accept')
      await page.text()
      for (const accept of ['*/*', 'application/json']) {
        const data = await ask(accept)
        assert.equal(((await data.json()) as { name: string }).name, 'churn')
      }
    })
  })

  test('finds a prediction by its id and by its subject, and verifies it', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      const [id] = await predict(server, customers().slice(0, 3), 'customer-7')
      await withPage(async ({ page, errors }) => {
        await page.goto(server.url)
        const find = page.getByRole('searchbox')
        await find.fill(id!)
        await find.press('Enter')
        await page.waitForURL(`**/predictions/${id}`)
        await page.getByRole('button', { name: 'Verify in this browser' }).click()
        await page.getByText('The head is signed with the ledger’s key').waitFor()
        assert.equal(await page.locator('.step-mark.right').count(), 3)
        assert.equal(await page.locator('.step-mark.wrong').count(), 0)
        await find.fill('customer-7')
        await find.press('Enter')
        await page.waitForURL('**/predictions?subject=*')
        assert.ok(!page.url().includes('customer-7'), 'an id of a person stands in no address')
        await page.getByText('Only subject').waitFor()
        await find.fill('nobody')
        await find.press('Enter')
        await page.getByText('No prediction is known of the subject “nobody”').waitFor()
        assert.deepEqual(errors, [])
      })
    })
  })

  test('verifies the whole ledger, and remembers the head', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      await predict(server, customers().slice(0, 50))
      await withPage(async ({ page, errors }) => {
        await page.goto(`${server.url}/audit`)
        const verify = page.getByRole('button', { name: 'Verify every record' })
        await verify.click()
        await page.getByText('Verified: nothing was edited').waitFor()
        await predict(server, customers().slice(0, 5))
        await verify.click()
        await page.getByText('The head that this browser kept is still there').waitFor()
        await page.getByText('Verified: nothing was edited').waitFor()
        assert.equal(await page.locator('.step-mark.wrong').count(), 0)
        const download = page.waitForEvent('download')
        await page.getByRole('button', { name: 'Records' }).click()
        assert.equal((await download).suggestedFilename(), 'records.jsonl')
        assert.deepEqual(errors, [])
      })
    })
  })

  test('explains itself to the mouse and to the keyboard', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      await predict(server, customers().slice(0, 120))
      await withPage(async ({ page, errors }) => {
        await page.goto(`${server.url}/models/churn`)
        const tip = page.locator('#tip')
        await page.locator('.current rect').first().waitFor()
        await page.locator('.slot').last().hover()
        await tip.waitFor()
        assert.match(await tip.innerText(), /now, .* in the reference$/)
        await page.getByRole('button', { name: 'Drift' }).focus()
        await page.getByText('How far what is served has moved').waitFor()
        await page.keyboard.press('Escape')
        await tip.waitFor({ state: 'hidden' })
        await page.reload()
        await page.locator('.current rect').first().waitFor()
        await page.keyboard.press('Tab')
        assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the page')
        await page.keyboard.press('Enter')
        assert.equal(await page.evaluate('document.activeElement.id'), 'main')
        await page.goto(`${server.url}/models/churn`)
        await page.getByRole('link', { name: 'age', exact: true }).press('Enter')
        await page.waitForURL('**/drift/age?version=1.0.0')
        await page.waitForFunction('document.activeElement.tagName === "H1"')
        assert.deepEqual(errors, [])
      })
    })
  })

  test('does not verify a ledger in which one figure was changed', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      await predict(server, customers().slice(0, 20))
      await withPage(async ({ page }) => {
        await page.route('**/audit/records?*', async route => {
          const text = await (await route.fetch()).text()
          await route.fulfill({ body: text.replace('"tenure":', '"tenure":1') })
        })
        await page.goto(`${server.url}/audit`)
        await page.getByRole('button', { name: 'Verify every record' }).click()
        await page.getByText('Not verified: this ledger is not what was signed').waitFor()
        assert.equal(await page.locator('.step-mark.wrong').count(), 1)
      })
    })
  })

  test('without a model it says how to bring one', async () => {
    await withServer({}, async server => {
      await withPage(async ({ page }) => {
        await page.goto(server.url)
        await page.getByText('No model is registered yet').waitFor()
        await page.goto(`${server.url}/predictions`)
        await page.getByText('There is none yet').waitFor()
      })
    })
  })
})

describe('a dashboard that stays open', { skip }, () => {
  test('shows what is new without losing what somebody types', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      await withPage(async ({ page }) => {
        await page.goto(server.url)
        await page.getByText('No traffic').waitFor()
        const find = page.getByRole('searchbox')
        await find.fill('half a wor')
        await predict(server, customers().slice(0, 40))
        await page.getByText('40 last hour').waitFor(WAIT)
        assert.equal(await find.inputValue(), 'half a wor')
        assert.equal(await page.evaluate('document.activeElement.type'), 'search')
      })
    })
  })

  test('says when it has lost the server, keeps what it showed, and comes back by itself', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      await withPage(async ({ page }) => {
        await page.goto(server.url)
        const name = page.getByRole('link', { name: 'churn', exact: true })
        await name.waitFor()
        await page.context().setOffline(true)
        await page.getByText('Connection lost').waitFor(WAIT)
        assert.ok(await name.isVisible())
        await page.context().setOffline(false)
        await page.getByText('Live', { exact: true }).waitFor(WAIT)
        assert.equal(await page.getByText('Connection lost').count(), 0)
      })
    })
  })

  test('asks for a key where there are some, keeps it for the tab, and shows what the key may see', async () => {
    await withServer({}, async server => {
      await registerChurn(server)
      const keys: string[] = []
      for (const role of ['admin', 'viewer']) {
        const own = keys[0] === undefined ? [] : ['--key', keys[0]]
        const made = await bellwether([
          'key',
          'create',
          '--name',
          role,
          '--role',
          role,
          '--json',
          '--server',
          server.url,
          ...own,
        ])
        keys.push((JSON.parse(made.stdout) as { secret: string }).secret)
      }
      await withPage(async ({ page, asked }) => {
        await page.goto(`${server.url}/models/churn`)
        const key = page.getByLabel('API key')
        await key.waitFor()
        assert.ok(!asked.some(url => url.endsWith('/overview')), 'nothing is asked without a key')
        await key.fill('bw_000000000000_wrong')
        await key.press('Enter')
        await page.locator('.reason.alarm').waitFor()
        await key.fill(keys[1]!)
        await key.press('Enter')
        await page.getByText('About this version').waitFor()
        await page.reload()
        await page.getByText('About this version').waitFor()
        assert.equal(await page.evaluate('JSON.stringify({ ...localStorage })'), '{}')
        await page.goto(`${server.url}/audit`)
        await page.getByText('Cannot show the head').waitFor()
        await page.getByRole('button', { name: 'Forget my key' }).click()
        await key.waitFor()
      })
    })
  })
})
