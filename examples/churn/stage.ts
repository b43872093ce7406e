/** What the steps of the demo are handed. */
import type { Client } from '../../src/client.ts'
import type { Terminal } from '../../src/platform/terminal.ts'
import type { ServerProcess } from './server-process.ts'

export interface Demo {
  readonly options: {
    readonly ends: boolean
    readonly customers: number
    readonly port: number | undefined
    readonly data: string | undefined
    readonly model: string | undefined
    /** The country whose customers come last, of a file that tells countries. */
    readonly arrives: string | undefined
  }
  /** Temporary; everything is in it. */
  readonly folder: string
  /** The server's data folder. */
  readonly data: string
  readonly server: ServerProcess
  readonly signal: AbortSignal
}

/** A demo that knows how to speak. */
export interface Told extends Demo {
  readonly terminal: Terminal
  readonly api: Client
}
