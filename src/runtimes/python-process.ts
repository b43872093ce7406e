/**
 * One Python process with a loaded artifact. It is asked one thing at a time over a socket of its own (file descriptor 3);
 * what the model prints goes to the log. Nothing of our environment reaches it, and it does not outlive us: it ends when
 * the socket closes, and on Linux when the thread that started it does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Problem } from '../errors.ts'
import type { Surroundings } from '../platform/surroundings.ts'
import { FRAME, type Frame, type FrameKind, FrameReader, frameHead } from './frame.ts'
import { type LineKeeper, lineKeeper } from './line-keeper.ts'
import { makeFolder } from './worker-folders.ts'

export interface ProcessOptions {
  /** `churn@1.0.0`: for the log. */
  readonly name: string
  readonly command: string
  readonly threads: number
  readonly memoryMb: number
}

export interface Question {
  readonly kind: FrameKind
  readonly told: object
  readonly body?: Uint8Array
  /** Then the process is ended. */
  readonly timeoutMs: number
  /** What took too long, for the message: `loading the artifact`. */
  readonly what: string
  /** Bytes of body that the answer may have. */
  readonly answerBytesMax?: number
}

const WORKER = fileURLToPath(new URL('./worker.py', import.meta.url))
const MEMORY_CHECK_MS = 50
const PAGE_BYTES = 4096
/** How long a process that was asked to end may take. */
const END_MS = 2_000
const LAST_WORDS_MS = 500

export class PythonProcess {
  readonly #child: ChildProcess
  readonly #socket: Socket
  readonly #folder: string
  readonly #surroundings: Surroundings
  readonly #options: ProcessOptions
  readonly #lines: LineKeeper
  readonly #reader: FrameReader
  #asked: { readonly resolve: (frame: Frame) => void; readonly reject: (problem: Problem) => void } | undefined
  #cancelWatch: () => void = () => {}
  /** Why it is no more. */
  #end: Problem | undefined
  /** Told once, when it has ended; also when it never began. */
  onEnd: (why: Problem) => void = () => {}
  /** Resolves when the system has let go of it. */
  readonly gone: Promise<void>

  constructor(options: ProcessOptions, surroundings: Surroundings) {
    this.#options = options
    this.#surroundings = surroundings
    this.#folder = makeFolder()
    this.#lines = lineKeeper(surroundings, line =>
      surroundings.log.info({ model: options.name, pid: this.pid, line }, 'a Python model wrote'),
    )
    this.#child = spawn(options.command, ['-I', '-u', '-B', WORKER], {
      cwd: this.#folder,
      env: environmentOf(surroundings.environment, this.#folder, options.threads),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true, // a group of its own: what the model starts ends with it, and a terminal's interrupt does not reach it
    })
    this.#socket = this.#child.stdio[3] as Socket
    this.#reader = new FrameReader(frame => this.#hear(frame))
    this.gone = this.#listen()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isAlive(): boolean {
    return this.#end === undefined
  }

  /** Rejects with what the worker refused (`invalid`), with `failed`, or with `unavailable` where the process ended. */
  ask({ kind, told, body, timeoutMs, what, answerBytesMax = 0 }: Question): Promise<Frame> {
    if (this.#end !== undefined) return Promise.reject(this.#end)
    if (this.#asked !== undefined) throw new Error('A Python worker is asked one thing at a time')
    const { promise, resolve, reject } = Promise.withResolvers<Frame>()
    this.#asked = { resolve, reject }
    this.#reader.bodyBytesMax = answerBytesMax
    this.#socket.write(frameHead(kind, told, body?.length ?? 0))
    if (body !== undefined && body.length > 0) this.#socket.write(body)
    const tooLate = `it was ended, for ${what} took longer than ${timeoutMs} ms`
    const cancel = this.#surroundings.timers.after(timeoutMs, () => this.#finish(this.#problem('unavailable', tooLate)))
    this.#watchMemory()
    return promise.finally(() => {
      cancel()
      this.#cancelWatch()
    })
  }

  /** Ends it: by closing the socket, and by force where that does not help. */
  async close(): Promise<void> {
    this.#end ??= this.#problem('unavailable', 'it was put away')
    this.#asked?.reject(this.#end)
    this.#socket.destroy()
    const cancel = this.#surroundings.timers.after(END_MS, () => this.#kill())
    await this.gone
    cancel()
  }

  #listen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const child = this.#child
    const ended = (why: string): void => {
      this.#finish(this.#problem('unavailable', why))
      rm(this.#folder, { recursive: true, force: true }).then(resolve, resolve)
    }
    child.once('error', error => ended(`${this.#options.command} cannot be started: ${error.message}`))
    child.once('exit', (status, signal) => {
      killGroup(child.pid)
      const why = signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`
      // Its last words may still be on their way, unless somebody it started keeps the pipe.
      const cancel = this.#surroundings.timers.after(LAST_WORDS_MS, () => ended(why))
      child.once('close', () => {
        cancel()
        ended(why)
      })
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#lines.take(text))
      stream?.on('error', () => {})
    }
    this.#socket.on('data', (piece: Buffer) => {
      try {
        this.#reader.take(piece)
      } catch (error) {
        this.#finish(error as Problem)
      }
    })
    this.#socket.on('error', () => {}) // a process that ended says more than its socket
    return promise
  }

  #hear({ kind, told, body }: Frame): void {
    const asked = this.#asked
    this.#asked = undefined
    if (kind === FRAME.done) asked?.resolve({ kind, told, body })
    else asked?.reject(refusal(String(told['kind']), String(told['message'])))
  }

  #problem(code: 'unavailable' | 'failed', why: string): Problem {
    const last = this.#lines.last()
    const said = last === undefined ? '' : `; it wrote last: ${last}`
    return new Problem(code, `Cannot ask the Python process of ${this.#options.name}: ${why}${said}`)
  }

  #finish(why: Problem): void {
    const isFirst = this.#end === undefined
    this.#end ??= why
    this.#asked?.reject(this.#end)
    this.#asked = undefined
    this.#cancelWatch()
    this.#kill()
    if (isFirst) this.onEnd(this.#end)
  }

  #kill(): void {
    const { pid } = this.#child
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    if (!killGroup(pid)) this.#child.kill('SIGKILL')
  }

  /** While it works: what it holds beyond its limit may be taken faster than any allocation limit can tell. */
  #watchMemory(): void {
    const { memoryMb } = this.#options
    const look = (): void => {
      const bytes = residentBytes(this.#child.pid)
      if (bytes === undefined) return
      if (bytes > memoryMb * (1 << 20)) {
        this.#finish(
          this.#problem(
            'failed',
            `it was ended, for it held ${Math.round(bytes / (1 << 20))} MB, and memoryMb is ${memoryMb}`,
          ),
        )
      } else this.#cancelWatch = this.#surroundings.timers.after(MEMORY_CHECK_MS, look)
    }
    this.#cancelWatch = this.#surroundings.timers.after(MEMORY_CHECK_MS, look)
  }
}

/** With whatever the model started. */
function killGroup(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, 'SIGKILL')
  } catch {
    return false // nobody is left
  }
}

/** Bytes a process holds in memory; `undefined` where the system does not tell. */
function residentBytes(pid: number | undefined): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return undefined
  }
}

function refusal(kind: string, message: string): Problem {
  const code = kind === 'code' || kind === 'memory' || kind === 'predict' ? 'failed' : 'invalid'
  return new Problem(code, message, { cause: kind })
}

/** What a Python process may know of ours: where programs lie, and the language. Not our secrets. */
function environmentOf(ours: Surroundings['environment'], folder: string, threads: number): Record<string, string> {
  const kept = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'LD_LIBRARY_PATH'].flatMap(name => {
    const value = ours[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const count = String(threads)
  return {
    ...Object.fromEntries(kept),
    HOME: folder,
    TMPDIR: folder,
    OMP_NUM_THREADS: count,
    OPENBLAS_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    NUMEXPR_NUM_THREADS: count,
    LOKY_MAX_CPU_COUNT: count,
    MALLOC_ARENA_MAX: '2', // each arena reserves 64 MB of address space
    MPLBACKEND: 'Agg',
  }
}
