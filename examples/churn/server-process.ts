/** The real program as processes of its own: one server for the length of the demo, and commands that talk to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Problem } from '../../src/errors.ts'
import { runningServer } from '../../src/platform/folder.ts'

const BIN = fileURLToPath(new URL('../../bin/bellwether.js', import.meta.url))
const START_MS_MAX = 30_000
const STOP_MS_MAX = 15_000
const PORT_DEFAULT = 8080
/** Of the windows of time in which the server counts. */
export const WINDOW_MS = 1000

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  readonly startedInMs: number
  /** Resolves when it has ended, for whatever reason. */
  readonly gone: Promise<void>
  /** What it said to people. */
  said(): string
  /** Lets it finish what it accepted; after a while it is killed. */
  stop(): Promise<void>
}

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `bellwether …` in a folder to its end. */
export function bellwether(folder: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const ran = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ran.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ran.stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ status: code ?? -1, ...ran }))
  })
}

/**
 * Starts the server on a data folder, its log in `log`. The channel to it is its leash: when this process ends, however it
 * does, the channel closes and the server stops.
 *
 * @param port the one asked for; without it 8080, or a free one where that is taken.
 */
export async function startServer(data: string, log: string, port: number | undefined): Promise<ServerProcess> {
  const startedAt = performance.now()
  const chosen = port ?? ((await isFree(PORT_DEFAULT)) ? PORT_DEFAULT : 0)
  const args = [BIN, 'start', '--data', data, '--port', String(chosen)]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', openSync(log, 'a'), 'pipe', 'ipc'],
    // What takes weeks elsewhere takes seconds here.
    env: { ...process.env, BELLWETHER_MONITORING_WINDOW_MS: String(WINDOW_MS) },
  })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const url = await addressOf(data, child, () => said)
  return {
    url,
    pid: child.pid!,
    startedInMs: performance.now() - startedAt,
    gone,
    said: () => said,
    async stop(): Promise<void> {
      if (child.connected) child.disconnect()
      const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await gone
      clearTimeout(deadline)
    },
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

async function addressOf(data: string, child: ChildProcess, said: () => string): Promise<string> {
  const deadline = performance.now() + START_MS_MAX
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const server = runningServer(data)
    if (server?.pid === child.pid) return server!.url
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  throw new Problem('unavailable', `Cannot start the server: ${said().trim() || 'it said nothing'}`)
}
