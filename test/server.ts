/** Starts the real program as a user does, as a process of its own, and stops it by its pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const CLI = new URL('../src/cli.ts', import.meta.url).pathname
const START_MS_MAX = 20_000
const STOP_MS_MAX = 20_000

export interface RunningServer {
  readonly url: string
  readonly pid: number
  /** The data folder. */
  readonly data: string
  /** What it wrote to standard error so far. */
  readonly stderr: () => string
  /** What it wrote to standard output so far: JSON lines. */
  readonly stdout: () => string
  /** Sends a signal and resolves with the exit code (or the signal's name) once the process is gone. */
  kill(signal: NodeJS.Signals): Promise<number | string>
}

interface StartOptions {
  /** Default: a new temporary folder. */
  readonly data?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'bellwether-test-'))
}

export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const data = options.data ?? temporaryFolder()
  const given = options.args ?? []
  const port = given.includes('--port') ? [] : ['--port', '0']
  const args = ['start', '--data', data, ...port, ...given]
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  const output = collect(child)
  const gone = new Promise<number | string>(resolve =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? '')),
  )
  const url = await Promise.race([urlOf(data, child), gone.then(code => Promise.reject(failed(code, output.stderr())))])
  return {
    url,
    pid: child.pid!,
    data,
    ...output,
    async kill(signal: NodeJS.Signals): Promise<number | string> {
      child.kill(signal)
      const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      const code = await gone
      clearTimeout(deadline)
      return code
    },
  }
}

/** Runs a test against a server of its own and removes its data folder. */
export async function withServer(options: StartOptions, use: (server: RunningServer) => Promise<void>): Promise<void> {
  const server = await startServer(options)
  try {
    await use(server)
  } finally {
    await server.kill('SIGTERM')
    if (options.data === undefined) rmSync(server.data, { recursive: true, force: true })
  }
}

/** Runs `bellwether …` to its end. */
export function bellwether(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const output = collect(child)
  return new Promise(resolve =>
    child.once('close', code => resolve({ status: code ?? -1, stdout: output.stdout(), stderr: output.stderr() })),
  )
}

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

function collect(child: ChildProcess): { stdout: () => string; stderr: () => string } {
  const texts = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text
  })
  return { stdout: () => texts.stdout, stderr: () => texts.stderr }
}

/** The server says where it is in `server.json`; a file of an earlier process names another pid. */
async function urlOf(data: string, child: ChildProcess): Promise<string> {
  const deadline = Date.now() + START_MS_MAX
  while (Date.now() < deadline) {
    try {
      const { pid, url } = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8')) as { pid: number; url: string }
      if (pid === child.pid) return url
    } catch {
      // Not there yet, or half written: the server is starting.
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  throw new Error(`Cannot start the server: no address after ${START_MS_MAX} ms`)
}

function failed(code: number | string, stderr: string): Error {
  return new Error(`Cannot start the server: it ended with ${code}:\n${stderr}`)
}
