/** DuckDB as the ledger uses it: in memory, bounded, without extensions, without files of its own. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'

export interface DuckOptions {
  /** As DuckDB writes it: `512MB`. */
  readonly memory: string
  readonly threads: number
}

export interface Duck {
  readonly threads: number
  /** Runs with a connection of its own, so that what runs at the same time does not wait. */
  use<T>(run: (connection: DuckDBConnection) => Promise<T>): Promise<T>
  close(): void
}

export async function openDuck({ memory, threads }: DuckOptions): Promise<Duck> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memory,
    threads: String(threads),
    temp_directory: '', // nothing spills: what does not fit fails, and says so
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'true',
  })
  const idle: DuckDBConnection[] = []
  return {
    threads,
    async use(run) {
      const connection = idle.pop() ?? (await instance.connect())
      try {
        return await run(connection)
      } finally {
        idle.push(connection)
      }
    },
    close() {
      for (const connection of idle) connection.closeSync()
      instance.closeSync()
    },
  }
}

/** There in processes that are started with `--expose-gc`. */
const { gc: collect } = globalThis
/** A chunk's memory is not the garbage collector's, which therefore sees no reason to collect the few bytes that hold it. */
const CHUNKS_PER_COLLECTION = 16

/** Hands over the chunks of a result, one at a time as they come. Stops where `each` returns false. */
export async function eachChunk(
  connection: DuckDBConnection,
  sql: string,
  each: (chunk: duckdb.DataChunk, rows: number) => Promise<boolean | undefined> | boolean | undefined,
): Promise<void> {
  const result = await connection.stream(sql)
  let chunks = 0
  for (;;) {
    const made = await result.fetchChunk()
    if (made === null || made.rowCount === 0) return
    const goOn = await each(made.chunk, made.rowCount)
    duckdb.data_chunk_get_size(made.chunk) // what `each` looked at is the chunk's own memory: it must live until here
    if (goOn === false) return
    if (++chunks % CHUNKS_PER_COLLECTION === 0) await collect?.({ type: 'minor', execution: 'async' })
  }
}
