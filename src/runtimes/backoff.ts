/** Waiting times before something is tried again. */

export interface BackoffOptions {
  readonly firstMs: number
  readonly mostMs: number
  /** From 0 up to, and without, 1. */
  readonly random: () => number
}

/** Doubles with each failure up to `mostMs`, then loses up to half by chance, so that many do not come back as one. */
export function backoffMs(failures: number, { firstMs, mostMs, random }: BackoffOptions): number {
  const full = Math.min(firstMs * 2 ** Math.min(Math.max(failures - 1, 0), 30), mostMs)
  return full * (1 - random() / 2)
}
