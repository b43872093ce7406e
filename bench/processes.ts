/** Processes to be measured: pinned to a core where the machine can do that, and what the kernel knows of them. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { features, sample } from '../examples/churn/bank.ts'

export const ROOT: string = fileURLToPath(new URL('..', import.meta.url))
/** As `bin/bellwether.js` starts a server that no channel is to be kept for. */
export const SERVER_FLAGS: readonly string[] = [
  '--max-semi-space-size=4',
  '--min-semi-space-size=4',
  '--no-parallel-scavenge',
  '--external-memory-accounted-in-global-limit',
]
export const CLI: string = join(ROOT, 'bin/bellwether.js')
const START_MS_MAX = 20_000
/** Of `/proc/PID/stat`; Linux has 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

export interface Measured {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

export const hasProgram = (name: string): boolean => spawnSync('which', [name]).status === 0
const canPin = cpus().length > 1 && hasProgram('taskset')

/** A command line that runs on one core, where that can be had. */
export function pinned(core: number, command: readonly string[]): readonly [string, string[]] {
  const [program, ...args] = canPin ? ['taskset', '-c', String(core), ...command] : command
  return [program!, args]
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'bellwether-bench-'))
}

/** The program, pinned, with its log in a file as in production; it ends with us, however we end. */
export function startServer(data: string, core: number, args: readonly string[] = []): Promise<Measured> {
  return started(data, args, command => pinned(core, command))
}

/** The same, on whatever cores there are. */
export function startFree(data: string, args: readonly string[]): Promise<Measured> {
  return started(data, args, ([program, ...rest]) => [program!, rest])
}

async function started(
  data: string,
  args: readonly string[],
  place: (command: readonly string[]) => readonly [string, string[]],
): Promise<Measured> {
  const port = await freePort()
  const command = [process.execPath, ...SERVER_FLAGS, CLI, 'start', '--data', data, '--port', String(port), ...args]
  const log = openSync(join(data, '..', 'invocations.jsonl'), 'a')
  const [program, all] = place(command)
  const child = spawn(program, all, { stdio: ['ignore', log, 'pipe', 'ipc'] })
  const url = `http://127.0.0.1:${port}`
  await reachable(`${url}/healthz`, child)
  return measured(url, child)
}

export async function startEcho(core: number): Promise<Measured> {
  const [program, args] = pinned(core, [process.execPath, join(ROOT, 'bench/echo.ts')])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const url = await new Promise<string>(resolve =>
    child.stdout!.once('data', (text: Buffer) => resolve(text.toString().trim())),
  )
  return measured(url, child)
}

function measured(url: string, child: ChildProcess): Measured {
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  return {
    url,
    pid: child.pid!,
    async stop(): Promise<void> {
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** Resolves once the address answers well. Ends the process and throws what it said where it does not in time. */
export async function reachable(url: string, child: ChildProcess, waitMs: number = START_MS_MAX): Promise<void> {
  let told = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  const deadline = Date.now() + waitMs
  while (Date.now() < deadline && child.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok === true) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  throw new Error(`Cannot start the server: ${told}`)
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/**
 * Registers the example's model on the server or, where none runs, in the data folder; with its reference data or, where it shall
 * not be counted what it is asked, without.
 */
export function registerExample(data: string, isCounted = true): void {
  const bare = [join(ROOT, 'examples/churn/model.json'), '--name', 'churn', '--version', '1.0.0']
  const what = isCounted ? [join(ROOT, 'examples/churn/model.yaml')] : bare
  execFileSync(process.execPath, [CLI, 'register', ...what, '--data', data], { stdio: 'pipe' })
}

/** The same, saying in its model.yaml whether each answer is explained. */
export function registerExplained(folder: string, data: string, explain: 'always' | 'on-request'): void {
  const example = join(ROOT, 'examples/churn')
  const yaml = readFileSync(join(example, 'model.yaml'), 'utf8')
  const absolute = yaml.replace(
    /^(artifact|reference|evaluation): (.*)$/gm,
    (_, role, file) => `${role}: ${join(example, file)}`,
  )
  const path = join(folder, `${explain}.yaml`)
  writeFileSync(path, `${absolute}\nexplain: ${explain}\n`)
  execFileSync(process.execPath, [CLI, 'register', path, '--data', data], { stdio: 'pipe' })
}

/** A file of request bodies, one a line: customers of the example's bank. */
export function bodiesFile(folder: string, count: number): string {
  const path = join(folder, 'bodies.jsonl')
  writeFileSync(
    path,
    `${sample('bench', count)
      .map(customer => JSON.stringify(features(customer)))
      .join('\n')}\n`,
  )
  return path
}

/** Seconds of processor time that the process and its threads have used, and its children that still live. */
export function cpuSeconds(pid: number): number {
  const own = statOf(pid)
  return own === undefined ? 0 : own.seconds + childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), 0)
}

/** Of these, the seconds of the process itself. */
export function ownSeconds(pid: number): number {
  return statOf(pid)?.seconds ?? 0
}

/** Of these, the seconds of the thread that answers. */
export function mainThreadSeconds(pid: number): number {
  return secondsIn(readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8'))
}

export interface ThreadSeconds {
  /** The answering thread is `main`; threads of one name are told together. */
  readonly name: string
  readonly user: number
  readonly system: number
}

/** Seconds of processor time of each kind of thread of a process. */
export function threadSeconds(pid: number): readonly ThreadSeconds[] {
  const all = new Map<string, ThreadSeconds>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const path = `/proc/${pid}/task/${thread}`
      const name = thread === String(pid) ? 'main' : readFileSync(`${path}/comm`, 'utf8').trim()
      const fields = fieldsOf(readFileSync(`${path}/stat`, 'utf8'))
      const { user, system } = all.get(name) ?? { user: 0, system: 0 }
      const [more, moreSystem] = [Number(fields[11]) / TICKS_PER_SECOND, Number(fields[12]) / TICKS_PER_SECOND]
      all.set(name, { name, user: user + more, system: system + moreSystem })
    } catch {
      // It ended meanwhile.
    }
  }
  return [...all.values()]
}

/** The name in parentheses may have spaces: fields are counted from behind it. */
function fieldsOf(stat: string): readonly string[] {
  return stat.replace(/^.*\) /s, '').split(' ')
}

function secondsIn(stat: string): number {
  const fields = fieldsOf(stat)
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function statOf(pid: number): { readonly parent: number; readonly seconds: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return { parent: Number(fieldsOf(stat)[1]), seconds: secondsIn(stat) }
  } catch {
    return undefined // it ended
  }
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && statOf(Number(name))?.parent === pid)
    .map(Number)
}

/** Resident memory of the process, bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** What a figure was measured on, in a line. */
export function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, ${process.platform} ${process.arch}, Node ${process.versions.node}`
}
