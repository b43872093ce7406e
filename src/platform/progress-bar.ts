/** A progress bar on one line, redrawn at most ten times a second. */
import { columnsOf, type OutputStream, type Paint } from './paint.ts'
import { durationText, numberText } from './text-table.ts'
import { cut, widthOf } from './text-width.ts'

const REDRAW_MS = 100
const BAR_COLUMNS_MAX = 28
const ERASE_LINE = '\r\u001b[2K'

export interface Progress {
  /** How much is done by now; redrawn at most ten times a second. */
  update(done: number, note?: string): void
  /** Clears the bar, and leaves `summary` if given. */
  end(summary?: string): void
}

export interface ProgressOptions {
  readonly label: string
  readonly total?: number
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number
  readonly paint: Paint
}

/** Without a stream nothing is written at all. */
export function openProgress(stream: OutputStream | undefined, options: ProgressOptions): Progress {
  if (stream === undefined) return { update(): void {}, end(): void {} }
  const { now } = options
  const startedAt = now()
  let drawnAt = Number.NEGATIVE_INFINITY
  return {
    update(done: number, note?: string): void {
      const at = now()
      if (at - drawnAt < REDRAW_MS) return
      drawnAt = at
      const columns = columnsOf(stream)
      stream.write(ERASE_LINE + progressLine({ ...options, done, elapsedMs: at - startedAt, note, columns }))
    },
    end(summary?: string): void {
      stream.write(ERASE_LINE + (summary === undefined ? '' : `${summary}\n`))
    },
  }
}

interface ProgressState {
  readonly label: string
  readonly total?: number
  readonly done: number
  readonly elapsedMs: number
  readonly note: string | undefined
  readonly columns: number
  readonly paint: Paint
}

/** One line: label, bar, share or count, note, and the time that is left once it can be told. */
export function progressLine(state: ProgressState): string {
  const { label, total, done, elapsedMs, note, columns, paint } = state
  const noteText = note === undefined ? '' : `  ${note}`
  if (total === undefined) {
    return cutLine(`${label}  ${numberText(done)}${noteText}`, columns)
  }
  const share = total <= 0 ? 1 : Math.min(1, Math.max(0, done / total))
  const left = share > 0.02 && share < 1 ? `  ${durationText((elapsedMs * (1 - share)) / share)} left` : ''
  const figures = ` ${String(Math.floor(share * 100)).padStart(3)} %  ${numberText(done)} of ${numberText(total)}${noteText}${left}`
  const room = columns - 1 - widthOf(label) - 2 - widthOf(figures)
  if (room < 6) return cutLine(`${label}${figures}`, columns)
  return `${label}  ${bar(share, Math.min(BAR_COLUMNS_MAX, room), paint)}${figures}`
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

function bar(share: number, columns: number, paint: Paint): string {
  const eighths = Math.round(share * columns * 8)
  const full = Math.floor(eighths / 8)
  const filled = '█'.repeat(full) + EIGHTHS[eighths % 8]
  return paint.accent(filled) + paint.faint('░'.repeat(columns - widthOf(filled)))
}

function cutLine(text: string, columns: number): string {
  return cut(text, columns - 1)
}
