/** A command is data, as a route is: the command line, its help and the shells' completions are all made from it. */
import type { Client, Transport } from '../client.ts'
import type { LoadedConfig } from './config.ts'
import type { Terminal } from './terminal.ts'

/** What a shell may offer for a value: paths, names of registered models, or these words. */
export type Completes = 'file' | 'folder' | 'model' | readonly string[]

export interface Argument {
  readonly name: string
  readonly summary: string
  readonly optional?: boolean
  readonly completes?: Completes
}

export interface Option {
  /** Without dashes, e.g. `output`. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  readonly summary: string
  readonly type: 'string' | 'number' | 'boolean'
  /** Name of the value in help, e.g. `FILE`. */
  readonly value?: string
  readonly default?: string | number
  readonly required?: boolean
  /** Its value is an array of texts. */
  readonly repeatable?: boolean
  readonly completes?: Completes
  /** Environment variable that gives the value where the command line does not. */
  readonly env?: string
  /** Configuration key that it sets, e.g. `server.port`. Default and environment variable are then those of the key. */
  readonly setting?: string
}

export type OptionValue = string | number | boolean | readonly string[] | undefined

export interface CommandContext {
  readonly args: Readonly<Record<string, string | undefined>>
  readonly options: Readonly<Record<string, OptionValue>>
  readonly terminal: Terminal
  /** Loaded when first asked for: a command that needs no configuration works where it is wrong. */
  readonly config: LoadedConfig
  /**
   * The API: of the server given by `--server`/`BELLWETHER_URL`, else of the one that runs on the data folder, else of
   * an application opened in this process for the length of the command.
   */
  api(): Promise<Client>
  /** The way to the same API, as it comes, and not given up when the command is told to stop: for what is told at its end. */
  lasting(): Promise<Transport>
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

export interface Command {
  /** The words after `bellwether`, e.g. `audit verify`. */
  readonly path: string
  readonly summary: string
  /** Teaches: what it does, when one needs it. */
  readonly description?: string
  readonly args?: readonly Argument[]
  readonly options?: readonly Option[]
  /** Whole command lines, each with a word of what it does. */
  readonly examples?: readonly { readonly line: string; readonly does: string }[]
  /** Resolves to an exit status where it is not 0. Throws a `Problem` for its table's exit status. */
  readonly run: (context: CommandContext) => Promise<number | undefined>
}

/** A program as its help tells it. */
export interface Program {
  /** What one types, e.g. `bellwether`. */
  readonly name: string
  readonly version: string
  /** One line. */
  readonly summary: string
  /** First steps: command lines, each with a word of what it does. */
  readonly guide: readonly { readonly line: string; readonly does: string }[]
  /** Options that every command takes. */
  readonly globals: readonly Option[]
  readonly commands: readonly Command[]
  /** What is told of a configuration key in help. */
  readonly settings: Readonly<Record<string, { readonly env: string; readonly default?: unknown }>>
  /** Last lines of the overview. */
  readonly notes: readonly string[]
}
