/**
 * The guides, run as a reader would: files are written as they stand there, commands are run in order in one folder, and what the
 * guide shows of their output has to be in it. A block that `needs` Python modules or R packages that are not there is left out,
 * with what depends on it. With `PICTURES=write`, its pictures of the dashboard are taken anew on the way.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../bench/processes.ts'
import { withPage } from '../browser/browser.ts'
import { temporaryFolder } from '../server.ts'
import { PYTHON, skipUnless } from '../services.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const GUIDES = join(ROOT, 'docs/guides')
const takesPictures = process.env['PICTURES'] === 'write'
/** The port of the guides, which may be taken here. */
const PORT = /\b8080\b/g
const READY_MS_MAX = 30_000

interface Block {
  /** `picture` for a picture: then `note` is the page, and `text` the file. */
  readonly language: string
  /** What stands behind the language: `background`, `file=NAME`, `needs=MODULE,R:PACKAGE`. */
  readonly note: string
  readonly text: string
}

function blocksOf(markdown: string): readonly Block[] {
  const fenced = /^```(\w+)(?: ([^\n]*))?\n([\s\S]*?)^```$/
  const pictured = /^<!-- picture of (\S+) -->\n!\[[^\]]*\]\(([^)]+)\)$/
  const found = markdown.matchAll(new RegExp(`${fenced.source}|${pictured.source}`, 'gm'))
  return [...found].map(([, language, note = '', text, page, file]) =>
    page === undefined ? { language: language!, note, text: text! } : { language: 'picture', note: page, text: file! },
  )
}

interface Reader {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly port: number
  readonly background: ChildProcess[]
}

async function reader(t: TestContext): Promise<Reader> {
  const folder = temporaryFolder()
  const programs = join(folder, 'programs')
  mkdirSync(programs)
  symlinkSync(join(ROOT, 'bin/bellwether.js'), join(programs, 'bellwether'))
  const port = await freePort()
  const path = [programs, dirname(process.execPath), dirname(PYTHON), process.env['PATH']].join(delimiter)
  const background: ChildProcess[] = []
  const work = join(folder, 'work')
  mkdirSync(work)
  t.after(async () => {
    for (const child of background) {
      const gone = new Promise(resolve => child.once('exit', resolve))
      process.kill(-child.pid!, 'SIGTERM')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  })
  const env = { ...process.env, PATH: path, BELLWETHER_SERVER_PORT: String(port), NO_COLOR: '1' }
  return { folder: work, env, port, background }
}

/** Returns what the command said. */
async function run({ folder, env, port, background }: Reader, { text, note }: Block): Promise<string> {
  const script = text.replace(PORT, String(port))
  const isBackground = note === 'background'
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env, detached: isBackground })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
  }
  if (isBackground) {
    background.push(child)
    await answering(port, () => said)
    return said
  }
  const status = await new Promise(resolve => child.once('close', resolve))
  assert.equal(status, 0, `${script}\n${said}`)
  return said
}

async function answering(port: number, said: () => string): Promise<void> {
  const deadline = Date.now() + READY_MS_MAX
  while (Date.now() < deadline) {
    if ((await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok === true) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  assert.fail(`The server does not answer: ${said()}`)
}

/** As a reader with a laptop sees the page. */
async function picture({ port }: Reader, { note, text }: Block): Promise<void> {
  await withPage(
    async ({ page }) => {
      await page.goto(`http://127.0.0.1:${port}${note}`, { waitUntil: 'networkidle' })
      await page.screenshot({ path: join(GUIDES, text), fullPage: true })
    },
    { viewport: { width: 1200, height: 500 }, colorScheme: 'light' },
  )
}

/** What a block needs and is not there, by asking Python and R. */
function lacks({ note }: Block, { env }: Reader): string | undefined {
  const needed = /^needs=(\S+)$/.exec(note)?.[1]?.split(',') ?? []
  return needed.find(one => {
    const [program, args] = one.startsWith('R:')
      ? ['Rscript', ['-e', `library(${one.slice(2)})`]]
      : ['python', ['-c', `import ${one}`]]
    return spawnSync(program as string, args as string[], { env, stdio: 'ignore' }).status !== 0
  })
}

for (const name of readdirSync(GUIDES).filter(name => name.endsWith('.md'))) {
  test(`docs/guides/${name}`, { skip: skipUnless('python') }, async t => {
    const guide = await reader(t)
    let said: string | undefined = ''
    for (const block of blocksOf(readFileSync(join(GUIDES, name), 'utf8'))) {
      const file = /^file=(\S+)$/.exec(block.note)?.[1]
      if (file !== undefined) writeFileSync(join(guide.folder, file), block.text)
      else if (block.language === 'sh') {
        const missing = lacks(block, guide)
        if (missing !== undefined) t.diagnostic(`left out, for want of ${missing}: ${block.text.split('\n')[0]}`)
        said = missing === undefined ? await run(guide, block) : undefined
      } else if (block.language === 'picture') {
        if (takesPictures) await picture(guide, block)
      } else if (block.language === 'text') {
        for (const line of block.text.trimEnd().split('\n')) {
          if (said !== undefined)
            assert.ok(said.includes(line.trim()), `${name} shows «${line.trim()}», the command said:\n${said}`)
        }
      }
    }
  })
}
