/** The answering thread's end of a SQLite connection: sends statements to `sqlite-worker.ts` and waits for its answers. */
import { Worker } from 'node:worker_threads'
import { Problem } from '../errors.ts'
import { type SqlValue, sqlValue } from './parameters.ts'
import { sqliteCode } from './sqlite-errors.ts'
import type { SqliteAnswer, SqliteRequest } from './sqlite-protocol.ts'
import { workerUrl } from './threads.ts'

export interface SqliteThread {
  ask(request: Omit<SqliteRequest, 'id'>): Promise<SqliteAnswer>
  /** Closes the connection and resolves once the thread is gone. */
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (answer: SqliteAnswer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Starts the thread. It keeps the process alive only while an answer is awaited: an open database at rest does not keep
 * a command from ending.
 *
 * @param file path of the database, or `:memory:`.
 */
export function openSqliteThread(file: string): SqliteThread {
  const program = workerUrl(import.meta.url, './sqlite-worker')
  // What Node itself was told (`--input-type`, `--test`…) was not meant for this thread.
  const worker = new Worker(program, { workerData: { file }, name: 'sqlite', execArgv: [] })
  const waiting = new Map<number, Waiting>()
  let nextId = 1
  let ended: Error | undefined
  let isClosing = false
  const gone = new Promise<void>(resolve => worker.once('exit', () => resolve()))
  worker.unref()

  const end = (error: Error): void => {
    ended ??= error
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }
  worker.on('message', (answer: SqliteAnswer) => {
    const waiter = waiting.get(answer.id)
    if (waiter === undefined) return
    waiting.delete(answer.id)
    if (waiting.size === 0 && !isClosing) worker.unref()
    if (answer.error === undefined) waiter.resolve(answer)
    else waiter.reject(sqliteError(answer.error, file))
  })
  worker.on('error', error => end(new Error('Cannot use the database: its thread failed', { cause: error })))
  worker.on('exit', () => end(new Error('Cannot use the database: it is closed')))

  const ask = (request: Omit<SqliteRequest, 'id'>): Promise<SqliteAnswer> =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const id = nextId++
      waiting.set(id, { resolve, reject })
      if (waiting.size === 1) worker.ref()
      worker.postMessage({ id, ...request })
    })

  return {
    ask,
    async close(): Promise<void> {
      isClosing = true
      // The end of the thread is awaited too.
      worker.ref()
      if (ended === undefined) await ask({ do: 'close' })
      await gone
    },
  }
}

/** An error as SQLite's own, with its code; where the disk or the file is at fault, the problem that it is. */
function sqliteError({ message, errcode }: NonNullable<SqliteAnswer['error']>, file: string): Error {
  if (errcode === undefined) return new Error(message)
  const cause = Object.assign(new Error(message), { code: sqliteCode(errcode), errcode })
  switch (errcode & 0xff) {
    case 11:
    case 26:
      return new Problem('corrupt', `Cannot read the database ${file}: ${message}`, { cause })
    case 13:
      return new Problem('storage_full', `Cannot write to the database ${file}: ${message}`, { cause })
    case 14:
      return new Problem('misconfigured', `Cannot open the database ${file}: ${message}`, { cause })
    default:
      return cause
  }
}

/** A parameter as `node:sqlite` is to bind it: as a float, an integer in a column of texts would read «5.0». */
export function sqliteValue(value: unknown): SqlValue {
  const bound = sqlValue(value)
  return Number.isSafeInteger(bound) && !Object.is(bound, -0) ? BigInt(bound as number) : bound
}
