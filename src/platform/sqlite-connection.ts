/** One SQLite connection on a thread of its own, so that an fsync never holds up the answering thread. */
import { Worker } from 'node:worker_threads'
import { workerUrl } from './threads.ts'

export interface StatementRequest {
  readonly id: number
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export interface StatementReply {
  readonly id: number
  readonly rows?: readonly Record<string, unknown>[]
  readonly changes?: number
  readonly lastInsertRowid?: bigint
  readonly error?: {
    readonly message: string
    readonly errcode?: number | undefined
    readonly errstr?: string | undefined
  }
}

/** An error of SQLite, with its extended result code (sqlite.org/rescode.html). */
export class SqliteError extends Error {
  override readonly name: string = 'SqliteError'
  readonly errcode: number | undefined

  constructor(message: string, errcode: number | undefined) {
    super(message)
    this.errcode = errcode
  }
}

export interface SqliteConnection {
  run(sql: string, parameters: readonly unknown[]): Promise<StatementReply>
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (reply: StatementReply) => void
  readonly reject: (error: Error) => void
}

export interface SqliteOptions {
  readonly journal: 'wal' | 'delete'
  /** How long a statement waits for a lock of another process. */
  readonly waitMs: number
}

/** `file` may be `:memory:`. The thread keeps the process alive only while statements are under way. */
export function openSqlite(file: string, options: SqliteOptions = { journal: 'wal', waitMs: 5_000 }): SqliteConnection {
  const worker = new Worker(workerUrl(import.meta.url, './sqlite-worker'), { workerData: { file, ...options } })
  const waiting = new Map<number, Waiting>()
  let latest = 0
  let failure: Error | undefined
  const gone = new Promise<void>(resolve => worker.once('exit', () => resolve()))

  const fail = (error: Error): void => {
    failure = error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  worker.on('error', error => fail(error as Error))
  worker.on('exit', () => fail(failure ?? new Error('Cannot run a statement: the database is closed')))
  worker.on('message', (reply: StatementReply) => {
    const { resolve, reject } = waiting.get(reply.id)!
    waiting.delete(reply.id)
    if (waiting.size === 0) worker.unref()
    if (reply.error === undefined) resolve(reply)
    else reject(new SqliteError(reply.error.message, reply.error.errcode))
  })
  worker.unref()

  return {
    run(sql: string, parameters: readonly unknown[]): Promise<StatementReply> {
      if (failure !== undefined) return Promise.reject(failure)
      return new Promise((resolve, reject) => {
        const id = ++latest
        waiting.set(id, { resolve, reject })
        worker.ref()
        worker.postMessage({ id, sql, parameters } satisfies StatementRequest)
      })
    },
    async close(): Promise<void> {
      if (failure !== undefined) return
      worker.ref()
      worker.postMessage('close')
      await gone
    },
  }
}
