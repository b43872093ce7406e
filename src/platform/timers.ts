/** Starts things later. Handed in like the clock, so that tests move time by hand. */
export interface Timers {
  /** Runs once after so many milliseconds; what is returned calls it off. */
  after(ms: number, run: () => void): () => void
}

/** The machine's timers; none of them keeps the process alive. */
export const systemTimers: Timers = {
  after(ms, run): () => void {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** Timers for tests, moved by hand. */
export interface ManualTimers extends Timers {
  /** Runs what is due after so many milliseconds, in order. */
  advance(ms: number): void
}

export function manualTimers(): ManualTimers {
  let now = 0
  const waiting = new Set<{ readonly at: number; readonly run: () => void }>()
  return {
    after(ms, run): () => void {
      const entry = { at: now + ms, run }
      waiting.add(entry)
      return () => waiting.delete(entry)
    },
    advance(ms): void {
      const end = now + ms
      for (;;) {
        const due = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        waiting.delete(due)
        now = due.at
        due.run()
      }
      now = end
    },
  }
}
