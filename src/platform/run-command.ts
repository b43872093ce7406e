/** From a command line to an exit status. Everything a command may touch is handed in, so that tests run whole lines. */
import type { Client, Transport } from '../client.ts'
import { Problem } from '../errors.ts'
import type { Command, CommandContext, Program } from './command.ts'
import { helpText } from './command-help.ts'
import { asksForJson, nextWords, type ParsedRun, parseCommandLine } from './command-line.ts'
import type { LoadedConfig } from './config.ts'
import { columnsOf, type Environment, type OutputStream, paintFor, wantsColour } from './paint.ts'
import { commandProblem, exitStatus, problemJson, problemText, traceText } from './problem-text.ts'
import { openTerminal } from './terminal.ts'

/** Stacks of errors are told where this variable is set: for reports of faults. */
export const TRACE_VARIABLE = 'BELLWETHER_TRACE'
/** As shells have it: 128 + SIGINT. */
export const INTERRUPTED = 130

/** A way to the API, and how it is given up. */
export interface Connection {
  readonly client: Client
  /** As `CommandContext.lasting`. */
  readonly lasting: Transport
  close(): Promise<void>
}

export interface CommandHost {
  readonly env: Environment
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly signal: AbortSignal
  /** @param settings configuration keys set on the command line. */
  loadConfig(settings: ParsedRun['settings'], file: string | undefined): LoadedConfig
  connect(run: ParsedRun, config: () => LoadedConfig, signal: AbortSignal): Promise<Connection>
}

/** Runs one command line; resolves to its exit status and never rejects. */
export async function runCommandLine(program: Program, argv: readonly string[], host: CommandHost): Promise<number> {
  try {
    const parsed = parseCommandLine(program, argv, host.env)
    const page = {
      columns: columnsOf(host.stdout),
      paint: paintFor(wantsColour(host.stdout, host.env)),
    }
    switch (parsed.kind) {
      case 'help':
        host.stdout.write(helpText(program, parsed.words, page))
        return 0
      case 'version':
        host.stdout.write(`${program.name} ${program.version}\n`)
        return 0
      case 'incomplete': {
        const full = [program.name, ...parsed.words].join(' ')
        const verbs = nextWords(program, parsed.words).join(', ')
        throw new Problem('usage', `Cannot run \`${full}\`: it wants one of ${verbs}; see \`${full} --help\``)
      }
      case 'run':
        return await runOne(parsed, host)
    }
  } catch (error) {
    return tell(error, asksForJson(argv), host)
  }
}

async function runOne(run: ParsedRun, host: CommandHost): Promise<number> {
  const { command, args, options, settings } = run
  const terminal = openTerminal(host, { json: options['json'] === true, env: host.env })
  let loaded: LoadedConfig | undefined
  const config = (): LoadedConfig => {
    loaded ??= host.loadConfig(settings, options['config'] as string | undefined)
    return loaded
  }
  let connection: Promise<Connection> | undefined
  const context: CommandContext = {
    args,
    options,
    terminal,
    signal: host.signal,
    get config(): LoadedConfig {
      return config()
    },
    async api(): Promise<Client> {
      connection ??= host.connect(run, config, host.signal)
      return (await connection).client
    },
    async lasting(): Promise<Transport> {
      connection ??= host.connect(run, config, host.signal)
      return (await connection).lasting
    },
  }
  try {
    return (await runToEnd(command, context)) ?? 0
  } finally {
    const opened = await connection?.catch(() => undefined)
    await opened?.close()
  }
}

/** A command that was told to stop and then failed, failed because of it. */
async function runToEnd(command: Command, context: CommandContext): Promise<number | undefined> {
  try {
    return await command.run(context)
  } catch (error) {
    if (context.signal.aborted && !(error instanceof Problem && error.code !== 'unavailable')) return INTERRUPTED
    throw error
  }
}

function tell(error: unknown, json: boolean, host: CommandHost): number {
  const problem = commandProblem(error)
  const paint = paintFor(wantsColour(host.stderr, host.env))
  host.stderr.write(`${json ? problemJson(problem) : problemText(problem, paint)}\n`)
  if ((host.env[TRACE_VARIABLE] ?? '') !== '') host.stderr.write(`${traceText(error)}\n`)
  return exitStatus(problem)
}
