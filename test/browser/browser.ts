/** The system's Chromium, without a window, talking to nobody but us. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { chromiumProgram } from '../services.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What a page did that a person would not see. */
export interface Watched {
  readonly page: Page
  /** Errors of scripts, of the console, and of the page's own security policy. */
  readonly errors: readonly string[]
  /** Addresses that it asked for something. */
  readonly asked: readonly string[]
}

export async function withPage(
  use: (watched: Watched) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const browser: Browser = await chromium.launch({ executablePath: chromiumProgram()!, args: FLAGS })
  try {
    const page = await browser.newPage(options)
    const errors: string[] = []
    const asked: string[] = []
    page.on('console', message => {
      if (message.type() === 'error') errors.push(message.text())
    })
    page.on('pageerror', error => errors.push(error.message))
    page.on('request', request => asked.push(request.url()))
    await use({ page, errors, asked })
  } finally {
    await browser.close()
  }
}
