/**
 * The pictures of the README, taken of the demo: `node scripts/pictures.ts`. Needs Chromium. Those of the guides are taken by
 * their test: `PICTURES=write node --test test/guides/guides.test.ts`.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { freePort } from '../bench/processes.ts'
import { withPage } from '../test/browser/browser.ts'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const READY = 'It stays up until Ctrl-C'
const PICTURES = [
  { page: '/models/churn', file: '../docs/pictures/model.png', scheme: 'light' },
  { page: '/models/churn/drift/balance', file: '../docs/pictures/feature.png', scheme: 'dark' },
] as const

const port = await freePort()
const demo = spawn(process.execPath, [file('../examples/churn/demo.ts'), '--port', String(port)], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  await new Promise<void>((resolve, reject) => {
    let said = ''
    demo.once('exit', status => reject(new Error(`The demo ended with ${status}: ${said}`)))
    demo.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes(READY)) resolve()
    })
  })
  for (const picture of PICTURES) {
    await withPage(
      async ({ page }) => {
        await page.goto(`http://127.0.0.1:${port}${picture.page}`, { waitUntil: 'networkidle' })
        await page.screenshot({ path: file(picture.file), fullPage: true })
      },
      { viewport: { width: 1280, height: 700 }, colorScheme: picture.scheme },
    )
  }
} finally {
  demo.removeAllListeners('exit')
  demo.kill('SIGTERM')
}
