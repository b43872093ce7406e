/** One at a time, first come first served. */
export interface Mutex {
  /** Resolves when it is one's turn, which lasts until `unlock`. */
  lock(): Promise<void>
  unlock(): void
}

export interface MutexLimits {
  readonly waitMsMax: number
  readonly waitersMax: number
  /** The error for whoever waited too long, or came when too many waited. */
  readonly refusal: (why: 'waited' | 'crowded') => Error
}

export function mutex({ waitMsMax, waitersMax, refusal }: MutexLimits): Mutex {
  /** In order of asking: a set keeps it, and lets those go who stop waiting. */
  const waiters = new Set<() => void>()
  let held = false
  return {
    lock(): Promise<void> {
      if (!held) {
        held = true
        return Promise.resolve()
      }
      if (waiters.size >= waitersMax) return Promise.reject(refusal('crowded'))
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(turn)
          reject(refusal('waited'))
        }, waitMsMax)
        const turn = (): void => {
          clearTimeout(timer)
          resolve()
        }
        waiters.add(turn)
      })
    },
    unlock(): void {
      const [next] = waiters
      if (next === undefined) {
        held = false
        return
      }
      waiters.delete(next)
      next()
    },
  }
}
