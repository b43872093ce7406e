/** Runs in the dashboard, as somebody looks for the best of a sweep: searched, put in order, opened, compared, watched. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { bellwether, withServer } from '../server.ts'
import { skipUnless } from '../services.ts'
import { withPage } from './browser.ts'
import { HOSTILE, logged, makeSweep } from './logged-runs.ts'

const skip = skipUnless('chromium')
const RUNS = 12
const names = (page: Page): Promise<string[]> => page.locator('.runs tbody .run-name .name').allInnerTexts()

test('runs are searched, put in order, given columns, and chosen', { skip }, async () => {
  await withServer({}, async server => {
    const { experiment } = await makeSweep(server, RUNS)
    await withPage(async ({ page }) => {
      await page.goto(`${server.url}/runs`)
      await page.getByRole('link', { name: 'churn/xgboost sweep' }).click()
      await page.getByRole('link', { name: 'trial-11', exact: true }).waitFor()
      assert.equal((await names(page)).length, RUNS + 1)
      await page.getByRole('link', { name: 'Hide nested runs' }).click()
      await page.getByRole('link', { name: 'trial-11', exact: true }).waitFor({ state: 'detached' })
      assert.deepEqual(await names(page), ['sweep'])
      await page.getByRole('link', { name: `${RUNS} nested` }).click()
      await page.getByRole('link', { name: 'sweep', exact: true }).first().waitFor()
      await page.getByRole('link', { name: 'valid/auc' }).click()
      await page.locator('th[aria-sort=descending]', { hasText: 'valid/auc' }).waitFor()
      assert.match(page.url(), /order=metrics/)
      await page.locator('.runs tbody tr:first-child', { hasText: 'trial-0' }).waitFor()
      await page.locator('.panel.stale').waitFor({ state: 'detached' })
      assert.deepEqual((await names(page)).slice(0, 3), ['trial-0', 'trial-1', 'trial-2'])

      const field = page.getByRole('searchbox', { name: /Only runs that are so/ })
      await field.fill('metrics.`valid/auc` >')
      await field.press('Enter')
      await page.locator('#filter-said', { hasText: 'Cannot read the filter' }).waitFor()
      assert.equal(await field.getAttribute('aria-invalid'), 'true')
      await field.fill("metrics.`valid/auc` > 0.8 AND params.booster = 'dart'")
      await field.press('Enter')
      await page.locator('.runs tbody tr:nth-child(2)', { hasText: 'trial-6' }).waitFor()
      await page.locator('.runs tbody tr:nth-child(3)').waitFor({ state: 'detached' })
      assert.deepEqual(await names(page), ['trial-0', 'trial-6'])

      await page.getByText('Columns', { exact: true }).click()
      await page.getByRole('checkbox', { name: 'team' }).check()
      await page.getByRole('cell', { name: 'retention' }).first().waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('checkbox', { name: 'team' }).waitFor({ state: 'hidden' })
      const address = page.url()
      assert.match(address, /columns=.*tags\.team/)

      await page.getByRole('checkbox', { name: 'Compare trial-0' }).press('Space')
      await page.getByRole('checkbox', { name: 'Compare trial-6' }).check()
      await page.getByRole('link', { name: 'Compare 2 runs' }).click()
      await page.getByRole('heading', { name: '2 runs compared' }).waitFor()

      // What was seen is in the address: whoever is sent it sees the same.
      await page.goto(address)
      await page.getByRole('cell', { name: 'retention' }).first().waitFor()
      assert.deepEqual(await names(page), ['trial-0', 'trial-6'])
      await page.goto(`${server.url}/runs/experiments/${experiment}?filter=params.lr%20IS%20NOT%20NULL`)
      await page.getByText('No run is so').waitFor()
    })
  })
})

test('a run is watched while it goes on', { skip }, async () => {
  await withServer({}, async server => {
    const { experiment, runs } = await makeSweep(server, 3)
    const run = runs.at(-1)!
    await withPage(async ({ page, errors }) => {
      await page.goto(`${server.url}/runs/${run}`)
      await page.getByText('Running').first().waitFor()
      const curve = page.locator('[data-series="trial-2"] .line').first()
      const before = await curve.getAttribute('d')
      const metrics = [{ key: 'train/loss', value: 3, step: 200, timestamp: Date.UTC(2026, 10, 20, 10) }]
      await logged(server, 'runs/log-batch', { run_id: run, metrics, params: [{ key: 'late', value: 'told' }] })
      await page.getByRole('rowheader', { name: 'late' }).waitFor()
      await page.locator(`[data-series="trial-2"] .line:not([d="${before}"])`).first().waitFor({ state: 'attached' })
      await logged(server, 'runs/update', { run_id: run, status: 'KILLED', end_time: Date.UTC(2026, 10, 20, 11) })
      await page.getByText('Killed').first().waitFor()
      await page.goto(`${server.url}/runs/experiments/${experiment}`)
      await page.getByRole('link', { name: 'trial-1', exact: true }).waitFor()
      await logged(server, 'runs/create', {
        experiment_id: experiment,
        run_name: 'newcomer',
        start_time: Date.UTC(2030, 0),
      })
      await page.getByRole('link', { name: 'newcomer', exact: true }).waitFor()
      assert.deepEqual(errors, [])
    })
  })
})

test('files of a run are looked at and taken away, and none of them is run', { skip }, async () => {
  await withServer({}, async server => {
    const made = await bellwether([
      'key',
      'create',
      '--name',
      'ana',
      '--role',
      'admin',
      '--json',
      '--server',
      server.url,
    ])
    assert.equal(made.status, 0, made.stderr)
    const { secret: key } = JSON.parse(made.stdout) as { secret: string }
    const { runs } = await makeSweep({ url: server.url, key }, 2)
    await withPage(async ({ page, errors }) => {
      await page.goto(`${server.url}/runs/${runs[0]}`)
      await page.getByLabel('API key').fill(key)
      await page.getByRole('button', { name: 'Open the dashboard' }).click()
      await page.getByRole('link', { name: 'report.html' }).click()
      await page.getByText('<h1>A page of the run</h1>').waitFor()
      const coming = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Download' }).click()
      assert.equal(readFileSync(await (await coming).path(), 'utf8'), HOSTILE)
      await page.getByRole('link', { name: 'plots/' }).click()
      for (const name of ['importance.png', 'drawing.svg']) {
        await page.getByRole('link', { name }).click()
        const picture = page.getByRole('img', { name, exact: true })
        await picture.waitFor()
        assert.equal(await page.evaluate('document.querySelector(".picture").decode().then(() => true)'), true)
      }
      await page.getByRole('link', { name: 'all', exact: true }).click()
      await page.getByRole('link', { name: 'model/' }).click()
      await page.getByRole('link', { name: 'model.ubj' }).click()
      await page.getByText('Neither text nor a picture').waitFor()
      await page.getByRole('link', { name: 'params.json' }).click()
      await page.getByText('"max_depth": 3').waitFor()
      assert.doesNotMatch(await page.title(), /taken over/)
      // A key is asked for before there is one: that is no fault.
      assert.deepEqual(
        errors.filter(error => !error.includes('401')),
        [],
      )
    })
  })
})

test('runs side by side show what differs and what came of it', { skip }, async () => {
  await withServer({}, async server => {
    const { runs } = await makeSweep(server, 6)
    await withPage(async ({ page, errors }) => {
      await page.goto(`${server.url}/runs/compare?runs=${runs.join(',')}`)
      const table = page.locator('.compared')
      await table.waitFor()
      assert.deepEqual((await table.locator('tbody th[scope=row]').allInnerTexts()).slice(0, 3), [
        'booster',
        'learning_rate',
        'max_depth',
      ])
      await page.getByRole('link', { name: 'Also what is the same' }).click()
      await table.getByRole('rowheader', { name: 'seed' }).waitFor()
      await page.getByRole('combobox', { name: 'Colours by' }).selectOption('valid/auc')
      await page.locator('svg[aria-label$="valid/auc"] polyline').first().waitFor()
      assert.equal(await page.locator('polyline.through').count(), runs.length)
      assert.equal(await page.locator('figure', { hasText: 'valid/auc' }).locator('.series').count(), runs.length)
      await page.getByLabel('Smooth').fill('0.5')
      await page.locator('.series.faint').first().waitFor({ state: 'attached' })
      assert.match(page.url(), /smooth=0\.5/)
      await page.getByRole('combobox', { name: 'Up' }).selectOption('metrics.valid/auc')
      await page.locator('svg[aria-label^="metrics.valid/auc by"]').waitFor()
      await page.getByLabel('Log scale').check()
      await page.getByRole('link', { name: 'clock', exact: true }).click()
      await page.locator('svg[aria-label="train/loss of 6 runs by clock"]').waitFor()
      assert.deepEqual(errors, [])
    })
  })
})
