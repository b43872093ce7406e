/** Colour on terminals, by what a text means. */

/** As much of a `tty.WriteStream` as is needed. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

const COLUMNS_DEFAULT = 80

/** Columns of a terminal; 80 where it is none, or one that does not know (some pseudo-terminals say 0). */
export function columnsOf({ columns }: OutputStream): number {
  return columns === undefined || columns <= 0 ? COLUMNS_DEFAULT : columns
}

/** Says how much a text matters, not which colour it has. Without colour the text comes back as it is. */
export interface Paint {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly notable: (text: string) => string
  readonly accent: (text: string) => string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Colour on a terminal unless `NO_COLOR` is set and not empty (no-color.org); `FORCE_COLOR` overrides what the stream is. */
export function wantsColour(stream: OutputStream, env: Environment): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

export function paintFor(colour: boolean): Paint {
  const ink = (open: number, close: number): ((text: string) => string) =>
    colour ? text => `\u001b[${open}m${text}\u001b[${close}m` : text => text
  return {
    strong: ink(1, 22),
    faint: ink(2, 22),
    good: ink(32, 39),
    bad: ink(31, 39),
    notable: ink(33, 39),
    accent: ink(36, 39),
  }
}
