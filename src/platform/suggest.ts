/** Finds what somebody probably meant. */

/**
 * Edit distance in which two swapped neighbours count as one edit (optimal string alignment: Damerau 1964, as restricted in
 * Oommen & Loke 1997). Words are short, so the quadratic table is no concern.
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, substituted)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1)
      row.push(best)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}

const WORD_CHARACTERS_MAX = 60

/**
 * The candidate nearest to `word`, if it is near: at most a third of the letters differ, or one of them starts the other.
 * Of equals, the first.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > WORD_CHARACTERS_MAX) return undefined
  const lower = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const starts = lower.length >= 2 && candidate.toLowerCase().startsWith(lower)
    const distance = starts ? 0.5 : editDistance(lower, candidate.toLowerCase())
    const limit = Math.max(1, Math.floor(Math.max(lower.length, candidate.length) / 3))
    if (distance <= limit && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
