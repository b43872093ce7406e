/** Looks for the highest rate at which all is as wanted. */

export interface Tried<R> {
  readonly rate: number
  readonly isGood: boolean
  readonly result: R
}

/** The rate found is lower than the highest possible one by a tenth at most. */
const FACTOR_MIN = 1.1
const STEPS_MAX = 24

/**
 * Doubles the rate as long as it is good (or halves it until it is), then tries between the highest good and the lowest bad
 * one, by factors, until the two are a tenth apart. A rate that is good only by chance ends the search too high: the
 * longer each is tried, the surer it is.
 *
 * @param least gives up below. @param most goes no higher.
 * @param isOver asked after each.
 * @returns all that was tried, in that order. The best is the good one with the highest rate, if there is any.
 */
export async function findRate<R>(
  first: number,
  { least, most }: { readonly least: number; readonly most: number },
  tryRate: (rate: number) => Promise<{ readonly isGood: boolean; readonly result: R }>,
  isOver: () => boolean = () => false,
): Promise<readonly Tried<R>[]> {
  const tried: Tried<R>[] = []
  let good: number | undefined
  let bad: number | undefined
  let rate = Math.min(most, Math.max(least, first))
  while (tried.length < STEPS_MAX) {
    const outcome = await tryRate(rate)
    tried.push({ rate, ...outcome })
    if (isOver()) break
    if (outcome.isGood) good = rate
    else bad = rate
    if (good !== undefined && bad !== undefined) {
      if (bad / good <= FACTOR_MIN) break
      rate = Math.sqrt(good * bad)
    } else {
      const next = good === undefined ? rate / 2 : Math.min(most, rate * 2)
      if (next < least || next === rate) break
      rate = next
    }
  }
  return tried
}

export function bestOf<R>(tried: readonly Tried<R>[]): Tried<R> | undefined {
  return tried
    .filter(({ isGood }) => isGood)
    .reduce<Tried<R> | undefined>((best, one) => (best === undefined || one.rate > best.rate ? one : best), undefined)
}
