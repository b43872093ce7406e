/** Lines that a foreign program writes, passed on in bounds: neither a long line nor many of them may hurt us. */
import type { Surroundings } from '../platform/surroundings.ts'

const LINE_CHARACTERS_MAX = 1_000
const LINES_A_SECOND_MAX = 50

export interface LineKeeper {
  take(text: string): void
  /** The last line that was not empty. */
  last(): string | undefined
}

/** Passes on at most 50 lines a second, each cut at 1,000 characters, and how many it left out. */
export function lineKeeper({ timer }: Pick<Surroundings, 'timer'>, tell: (line: string) => void): LineKeeper {
  let unfinished = ''
  let last: string | undefined
  let second = Number.NEGATIVE_INFINITY
  let told = 0
  let leftOut = 0

  const line = (text: string): void => {
    const shown = text.trimEnd()
    if (shown === '') return
    last = shown
    const now = timer()
    if (now - second >= 1000) {
      if (leftOut > 0) tell(`(${leftOut} lines left out)`)
      second = now
      told = leftOut = 0
    }
    if (++told <= LINES_A_SECOND_MAX) tell(shown)
    else leftOut++
  }
  return {
    take(text) {
      const lines = (unfinished + text).split('\n')
      unfinished = lines.pop()!.slice(0, LINE_CHARACTERS_MAX)
      for (const each of lines) line(each.slice(0, LINE_CHARACTERS_MAX))
    },
    last: () => (unfinished.trim() === '' ? last : unfinished),
  }
}
