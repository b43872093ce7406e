/** What a command says: tables and prose for people, JSON for programs (`--json`), progress where somebody watches. */
export interface Terminal {
  /** `--json` was given: `result` prints JSON and everything meant for people is silent. */
  readonly json: boolean
  /** Standard output is a terminal: colour and progress are welcome. */
  readonly interactive: boolean
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

export interface Progress {
  /** How much is done by now; redrawn at most ten times a second. */
  update(done: number, note?: string): void
  /** Clears the bar, and leaves `summary` if given. */
  end(summary?: string): void
}
