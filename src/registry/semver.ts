/** Semantic versions (semver.org, 2.0.0). */

const SEMVER =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/

export const SEMVER_PATTERN: string = SEMVER.source
export const SEMVER_LENGTH_MAX = 100

export function isSemver(text: string): boolean {
  return text.length <= SEMVER_LENGTH_MAX && SEMVER.test(text)
}

/**
 * Order of precedence (§11): below 0 where `a` comes first. Versions that differ only in build metadata are of equal
 * precedence; they are ordered by their text, so that an order of versions is always the same.
 */
export function compareSemver(a: string, b: string): number {
  const [left, right] = [SEMVER.exec(a), SEMVER.exec(b)]
  if (left === null || right === null) throw new Error(`Cannot compare versions: ${left === null ? a : b} is no semver`)
  for (const part of [1, 2, 3]) {
    const difference = Number(left[part]) - Number(right[part])
    if (difference !== 0) return difference
  }
  return comparePrerelease(left[4], right[4]) || (a < b ? -1 : a > b ? 1 : 0)
}

function comparePrerelease(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  const [left, right] = [a.split('.'), b.split('.')]
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareIdentifier(left[index]!, right[index]!)
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** Numbers by size and before words; words by their ASCII text. */
function compareIdentifier(a: string, b: string): number {
  const [aNumber, bNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (aNumber && bNumber) return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
  if (aNumber !== bNumber) return aNumber ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
