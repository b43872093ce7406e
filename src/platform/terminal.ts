/** What a command says: tables and prose for people, JSON for programs (`--json`), progress where somebody watches. */
import { columnsOf, type Environment, type OutputStream, type Paint, paintFor, wantsColour } from './paint.ts'
import { openProgress, type Progress } from './progress-bar.ts'
import { textTable } from './text-table.ts'

export interface Terminal {
  /** `--json` was given: `result` prints JSON and everything meant for people is silent. */
  readonly json: boolean
  /** Standard output is a terminal: colour and progress are welcome. */
  readonly interactive: boolean
  /** Colours of standard output; without colour they give the text back. */
  readonly paint: Paint
  /** A line for people, on standard output. Silent with `--json`. */
  say(text: string): void
  /** A line for people, on standard error. */
  warn(text: string): void
  /** The command's result: `value` as JSON with `--json`, else what `human` returns. */
  result(value: unknown, human: () => string): void
  /** A table with aligned columns; numbers to the right. */
  table(columns: readonly string[], rows: readonly (readonly (string | number | undefined)[])[]): string
  /** A progress bar on standard error while interactive, nothing otherwise. `total` undefined: a count without an end. */
  progress(label: string, total?: number): Progress
}

export interface TerminalOptions {
  readonly json: boolean
  /** `NO_COLOR` (no-color.org), `FORCE_COLOR` and `TERM` are read from it. */
  readonly env: Environment
  /** Milliseconds, for the rate of redrawing only. Default: the process's steady clock. */
  readonly now?: () => number
}

export function openTerminal(
  streams: { readonly stdout: OutputStream; readonly stderr: OutputStream },
  options: TerminalOptions,
): Terminal {
  const { stdout, stderr } = streams
  const { json, env, now = () => performance.now() } = options
  const interactive = stdout.isTTY === true && !json
  const paint = paintFor(!json && wantsColour(stdout, env))
  return {
    json,
    interactive,
    paint,
    say(text: string): void {
      if (!json) stdout.write(`${text}\n`)
    },
    warn(text: string): void {
      stderr.write(`${text}\n`)
    },
    result(value: unknown, human: () => string): void {
      const text = json ? JSON.stringify(value, undefined, 2) : human()
      if (text !== '') stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    },
    table(columns, rows): string {
      const width = interactive ? { width: columnsOf(stdout) } : {}
      return textTable(columns, rows, { ...width, heading: paint.faint })
    },
    progress(label: string, total?: number): Progress {
      const isWatched = !json && stderr.isTTY === true && env['TERM'] !== 'dumb'
      const draw = isWatched ? stderr : undefined
      return openProgress(draw, {
        label,
        now,
        paint: paintFor(wantsColour(stderr, env)),
        ...(total === undefined ? {} : { total }),
      })
    },
  }
}
