/** The page at /docs, in a real browser: it loads nothing from elsewhere, breaks no rule of its own policy, and asks the model. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumProgram, skipUnless } from '../services.ts'
import { STRICT, withApp } from '../serving/app.ts'

const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumProgram()!, args: QUIET })
}

/** What the page complains of, and where it goes beyond its own server. */
function complaints(page: Page, url: string): string[] {
  const heard: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') heard.push(message.text())
  })
  page.on('pageerror', error => heard.push(error.message))
  page.on('request', request => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) heard.push(request.url())
  })
  return heard
}

test('the documentation shows the model and asks it', { skip: skipUnless('chromium') }, async () => {
  await withApp({}, async app => {
    await app.register('tiny', '1.0.0', STRICT)
    const browser = await launch()
    try {
      const page = await browser.newPage()
      const heard = complaints(page, app.url)
      await page.goto(`${app.url}/docs`)
      await page.locator('.opblock-summary-path', { hasText: '/models/tiny/predict' }).first().click()
      await page.locator('.execute').first().click()
      const answer = page.locator('.live-responses-table').first()
      await answer.waitFor()
      assert.match(await answer.innerText(), /"tiny_probability"/)
      assert.deepEqual(heard, [])
    } finally {
      await browser.close()
    }
  })
})

test('where keys are needed the page asks for one', { skip: skipUnless('chromium') }, async () => {
  await withApp({}, async app => {
    await app.register('tiny')
    const body = JSON.stringify({ name: 'root', roles: ['admin'] })
    const headers = { 'content-type': 'application/json' }
    const made = await app.transport({ method: 'POST', path: '/keys', headers, body })
    const { secret } = (await made.json()) as { secret: string }
    const browser = await launch()
    try {
      const page = await browser.newPage()
      await page.goto(`${app.url}/docs`)
      await page.getByLabel('This server asks for a key').fill('bw_0123456789ab_wrong')
      await page.getByRole('button', { name: 'Open' }).click()
      await page.getByText('the key is not known').waitFor()
      await page.getByLabel('This server asks for a key').fill(secret)
      await page.getByRole('button', { name: 'Open' }).click()
      await page.locator('.opblock-summary-path', { hasText: '/models/tiny/predict' }).first().waitFor()
    } finally {
      await browser.close()
    }
  })
})
