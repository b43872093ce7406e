/**
 * Processor time of a request by thread, of the server and of a bare echo: `npm run bench:threads -- [--seconds 8]`. Both are
 * pinned to one core, the load to another. What the kernel charges is less disturbed by other work than rates are.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import type { LoadResult } from './load.ts'
import {
  bodiesFile,
  type Measured,
  machine,
  pinned,
  registerExample,
  remove,
  startEcho,
  startServer,
  temporaryFolder,
  threadSeconds,
} from './processes.ts'

const run = promisify(execFile)
const WARM_UP_SECONDS = 3
const TOLD_US_MIN = 0.1

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' } } })

async function load(url: string, bodies: string, seconds: number): Promise<LoadResult> {
  const generator = new URL('load.ts', import.meta.url).pathname
  const told = ['--url', url, '--bodies', bodies, '--seconds', String(seconds), '--connections', '64']
  const [program, args] = pinned(1, [process.execPath, generator, ...told])
  return JSON.parse((await run(program, args)).stdout) as LoadResult
}

async function measure(name: string, { url, pid }: Measured, path: string, bodies: string): Promise<void> {
  await load(url + path, bodies, WARM_UP_SECONDS)
  const before = new Map(threadSeconds(pid).map(thread => [thread.name, thread]))
  const { requests } = await load(url + path, bodies, Number(values.seconds))
  const lines = threadSeconds(pid).flatMap(({ name: thread, user, system }) => {
    const was = before.get(thread) ?? { user: 0, system: 0 }
    const micros = (seconds: number): number => (seconds * 1e6) / requests
    const [own, kernel] = [micros(user - was.user), micros(system - was.system)]
    return own + kernel < TOLD_US_MIN ? [] : [`| ${name}, ${thread} | ${own.toFixed(1)} | ${kernel.toFixed(1)} |`]
  })
  process.stdout.write(`${lines.join('\n')}\n`)
}

const folder = temporaryFolder()
const running: Measured[] = []
try {
  const data = join(folder, 'data')
  registerExample(data)
  const bodies = bodiesFile(folder, 997)
  process.stdout.write('| thread | own code, µs a request | kernel, µs |\n|---|---|---|\n')
  running.push(await startEcho(0))
  await measure('echo', running[0]!, '/', bodies)
  running.push(await startServer(data, 0))
  await measure('Bellwether', running[1]!, '/predict', bodies)
  process.stdout.write(`${machine()}\n`)
} finally {
  await Promise.all(running.map(server => server.stop()))
  remove(folder)
}
