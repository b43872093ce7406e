/**
 * Runs a command as a group of processes of its own, and leaves nothing of it behind: not when it ends, not when its time is
 * up, not when we are asked to stop, and not when we are killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import type { Timers } from '../../platform/timers.ts'
import type { JobResources } from './job.ts'

export interface Supervision {
  readonly command: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** A variable of the environment by which processes are known that left the group; its value is nobody else's. */
  readonly mark: string
  readonly resources: JobResources
  readonly timeLimitMs?: number
  readonly graceMs: number
  readonly timers: Timers
  /** Asks it to stop. */
  readonly signal: AbortSignal
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => Promise<void>
}

export interface Ended {
  readonly code: number | undefined
  readonly signal: NodeJS.Signals | undefined
  /** Why it was made to end; undefined: it ended by itself. */
  readonly cause: 'time' | 'asked' | undefined
  /** Processes that were still there when the command had ended, and had to be ended. */
  readonly hasLeftovers: boolean
}

const POLL_MS = 50
const OUTPUT_MS_MAX = 2_000

/** Rejects only where the command could not be started. */
export async function supervise(supervision: Supervision): Promise<Ended> {
  const { command, folder: cwd, environment: env, resources, timeLimitMs, graceMs, timers, signal } = supervision
  const [program = '', ...args] = limited(command, resources)
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise<Pick<Ended, 'code' | 'signal'>>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, name) => resolve({ code: code ?? undefined, signal: name ?? undefined }))
  })
  if (child.pid === undefined) return { ...(await gone), cause: undefined, hasLeftovers: false }
  const group = child.pid
  const endGuard = guard(group, supervision)
  const output = told(child, supervision)
  let cause: Ended['cause']
  const cancels: (() => void)[] = []
  const stop = (why: 'time' | 'asked'): void => {
    if (cause !== undefined) return
    cause = why
    tell(group, 'SIGTERM')
    cancels.push(timers.after(graceMs, () => tell(group, 'SIGKILL')))
  }
  const onAbort = (): void => stop('asked')
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  if (timeLimitMs !== undefined) cancels.push(limitedTime(timers, timeLimitMs, () => stop('time')))
  try {
    const ended = await gone
    const hasLeftovers = await endRest(group, supervision)
    await output.atMost(OUTPUT_MS_MAX)
    return { ...ended, cause, hasLeftovers }
  } finally {
    signal.removeEventListener('abort', onAbort)
    for (const cancel of cancels) cancel()
    endGuard()
  }
}

/** Timers of the machine take 2^31 milliseconds at most. */
function limitedTime(timers: Timers, ms: number, run: () => void): () => void {
  const step = Math.min(ms, 2 ** 31 - 1)
  let cancel = timers.after(step, () => {
    if (ms <= step) run()
    else cancel = limitedTime(timers, ms - step, run)
  })
  return () => cancel()
}

/** The command behind the limits that the system keeps. Numbers only are put into the line. */
function limited(command: readonly string[], { memory, cpuSeconds, files, nice }: JobResources): readonly string[] {
  const limits = [
    ...(memory === undefined ? [] : [`ulimit -v ${Math.max(1, Math.floor(memory / 1024))}`]),
    ...(cpuSeconds === undefined ? [] : [`ulimit -t ${cpuSeconds}`]),
    ...(files === undefined ? [] : [`ulimit -n ${files}`]),
  ]
  if (limits.length === 0 && nice === undefined) return command
  const start = nice === undefined ? 'exec "$@"' : `exec nice -n ${nice} "$@"`
  return ['/bin/sh', '-c', [...limits.map(limit => `${limit} || exit 126`), start].join('\n'), 'sh', ...command]
}

/** Which limits of a job nothing holds on this system, in words. */
export function unheldLimits({ memory, threads }: JobResources, platform: NodeJS.Platform): readonly string[] {
  return [
    ...(memory !== undefined && platform === 'darwin'
      ? ['resources.memory is not held: this system has no limit of address space']
      : []),
    ...(threads === undefined ? [] : ['resources.threads is told to numeric libraries, nothing holds a program to it']),
  ]
}

/** Whether there was a group to tell. */
function tell(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch {
    return false
  }
}

/** Then it looks for what left the group, where the system shows environments of processes. */
const GUARD = `read -r word && exit 0
kill -s TERM -- "-$1" && sleep "$2"
kill -s KILL -- "-$1"
for process in /proc/[0-9]*; do
  grep -qzxF "$3" "$process/environ" && kill -s KILL "\${process#/proc/}"
done`

/**
 * A process that waits for our end: the pipe to it closes when we are gone, however that came, and it ends the group. Returns
 * how to send it away.
 */
function guard(group: number, { graceMs, mark, environment }: Supervision): () => void {
  const wait = Math.max(1, Math.ceil(graceMs / 1000))
  const args = ['-c', GUARD, 'sh', String(group), String(wait), `${mark}=${environment[mark]}`]
  const child = spawn('/bin/sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  child.unref()
  return () => child.stdin.end('done\n')
}

interface Told {
  /** Resolves when all that was written is told, or is given up after so many milliseconds: somebody else holds it open. */
  atMost(ms: number): Promise<void>
}

function told(child: ChildProcess, { onOutput }: Supervision): Told {
  const read = async (name: 'stdout' | 'stderr', from: Readable): Promise<void> => {
    try {
      for await (const chunk of from) await onOutput(name, chunk as Buffer)
    } catch (error) {
      if (!from.destroyed) throw error
    }
  }
  const streams = [child.stdout!, child.stderr!]
  const both = Promise.all([read('stdout', child.stdout!), read('stderr', child.stderr!)])
  both.catch(() => {})
  return {
    async atMost(ms): Promise<void> {
      const timer = setTimeout(() => {
        for (const stream of streams) stream.destroy()
      }, ms)
      await both
      clearTimeout(timer)
    },
  }
}

/** Ends what the command left: first what is in its group, then what left the group but kept the environment. */
async function endRest(group: number, { mark, graceMs, timers, onOutput: _, ...rest }: Supervision): Promise<boolean> {
  const later = (ms: number): Promise<void> => new Promise(resolve => void setTimeout(resolve, ms))
  let hasLeftovers = false
  if (tell(group, 'SIGTERM')) {
    hasLeftovers = true
    for (let waited = 0; waited < graceMs && tell(group, 0); waited += POLL_MS) await later(POLL_MS)
    tell(group, 'SIGKILL')
  }
  for (const pid of await marked(`${mark}=${rest.environment[mark]}`)) {
    hasLeftovers = true
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went by itself.
    }
  }
  return hasLeftovers
}

/** Processes with this in their environment, where the system shows it; none where it does not. */
async function marked(variable: string): Promise<readonly number[]> {
  const found: number[] = []
  const entries = await readdir('/proc').catch(() => [])
  for (const entry of entries.filter(name => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${entry}/environ`, 'latin1').catch(() => '')
    if (environment.split('\0').includes(variable)) found.push(Number(entry))
  }
  return found
}

/** As shells tell it: the code, or 128 and the number of the signal; 124 where the time was up. */
export function statusOf({ code, signal, cause }: Ended): number {
  if (cause === 'time') return 124
  if (signal !== undefined) return 128 + (constants.signals[signal] ?? 0)
  return code ?? 1
}
