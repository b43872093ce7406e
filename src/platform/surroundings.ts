/** What a part that starts programs and waits for others needs of the machine, so that a test can hand in its own. */
import type { Log } from './log.ts'
import { systemTimers, type Timers } from './timers.ts'

export interface Surroundings {
  /** The environment of this process. What it starts inherits nothing of it by itself. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly timers: Timers
  /** Milliseconds of a timer that never goes back. */
  readonly timer: () => number
  /** From 0 up to, and without, 1. */
  readonly random: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
}

export function systemSurroundings(log: Pick<Log, 'info' | 'warn'>): Surroundings {
  return {
    environment: process.env,
    timers: systemTimers,
    timer: () => performance.now(),
    random: Math.random,
    log,
  }
}

/** For a thread that has nobody to tell. */
export const QUIET: Pick<Log, 'info' | 'warn'> = { info: () => {}, warn: () => {} }
