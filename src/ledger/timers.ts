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
