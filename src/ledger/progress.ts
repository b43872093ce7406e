/**
 * How far the journal is, shared between the thread that writes it and those that follow it. The writer only stores a
 * number a turn; it calls (`Atomics.notify`) only when a follower said that it sleeps.
 */
export interface Progress {
  /** What to hand to another thread. */
  readonly shared: SharedArrayBuffer
  /** Records written. */
  written(): number
  /** Records that are certainly on the device. */
  flushed(): number
  setWritten(count: number): void
  setFlushed(count: number): void
  /** Resolves when more than `written` records are there, or after `ms`. At most one follower sleeps at a time. */
  sleep(written: number, ms: number): Promise<void>
}

const WRITTEN = 0
const FLUSHED = 1
const COUNTERS_BYTES = 16
const SHARED_BYTES = 24

export function progress(shared: SharedArrayBuffer = new SharedArrayBuffer(SHARED_BYTES)): Progress {
  const counters = new BigInt64Array(shared, 0, 2)
  const asleep = new Int32Array(shared, COUNTERS_BYTES, 1)
  return {
    shared,
    written: () => Number(Atomics.load(counters, WRITTEN)),
    flushed: () => Number(Atomics.load(counters, FLUSHED)),
    setWritten(count): void {
      Atomics.store(counters, WRITTEN, BigInt(count))
      if (Atomics.load(asleep, 0) === 0) return
      Atomics.store(asleep, 0, 0)
      Atomics.notify(counters, WRITTEN)
    },
    setFlushed(count): void {
      Atomics.store(counters, FLUSHED, BigInt(count))
    },
    async sleep(written, ms): Promise<void> {
      // Said before the counter is looked at: a writer in between sees it and calls, or `waitAsync` sees the new count.
      Atomics.store(asleep, 0, 1)
      await Atomics.waitAsync(counters, WRITTEN, BigInt(written), ms).value
      Atomics.store(asleep, 0, 0)
    },
  }
}
