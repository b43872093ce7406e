/** A command is data, as a route is: the command line, its help and the shells' completions are all made from it. */
import type { Client } from '../client.ts'
import type { LoadedConfig } from './config.ts'
import type { Terminal } from './terminal.ts'

export interface Argument {
  readonly name: string
  readonly summary: string
  readonly optional?: boolean
  /** What a shell may complete it with. */
  readonly completes?: 'file' | 'folder' | 'model' | readonly string[]
}

export interface Option {
  /** Without dashes, e.g. `output`. */
  readonly name: string
  readonly short?: string
  readonly summary: string
  readonly type: 'string' | 'number' | 'boolean'
  /** Name of the value in help, e.g. `FILE`. */
  readonly value?: string
  readonly default?: string | number
  readonly required?: boolean
  readonly repeatable?: boolean
  readonly completes?: 'file' | 'folder' | 'model' | readonly string[]
}

export type OptionValue = string | number | boolean | readonly string[] | undefined

export interface CommandContext {
  readonly args: Readonly<Record<string, string | undefined>>
  readonly options: Readonly<Record<string, OptionValue>>
  readonly terminal: Terminal
  readonly config: LoadedConfig
  /**
   * The API: of the server given by `--server`/`BELLWETHER_URL`, else of the one that runs on the data folder, else of
   * an application opened in this process for the length of the command.
   */
  api(): Promise<Client>
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
