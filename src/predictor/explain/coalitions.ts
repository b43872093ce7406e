/** Which coalitions of features to ask for when not all can be, and what each counts for. */
import type { Random } from '../../math/random.ts'

export interface Coalitions {
  /** Different ones: by coalition and player, 1 where the player is in. */
  readonly members: readonly Uint8Array[]
  /** What counts: a coalition, by its place in `members`, its weight, and its batch (−1: certain to be asked for). */
  readonly terms: readonly { readonly coalition: number; readonly weight: number; readonly batch: number }[]
  /** Parts of equal size that the sampled terms fall into; 0 where nothing is sampled. */
  readonly batches: number
}

const BATCHES_MAX = 20

/**
 * All coalitions but none and all of the players where the budget allows; else all of the smallest and largest sizes, whose
 * Shapley kernel weighs most, as long as they cost less than sampling would spend on them, and of the rest, pairs of a random
 * coalition and its complement (Lundberg and Lee 2017; Covert and Lee 2021, "Improving KernelSHAP": pairing removes what is
 * odd in the error).
 *
 * @param players at least 2.
 * @param budget coalitions to ask for: at least 2 × `players`, for those of one player and of all but one.
 */
export function coalitionsOf(players: number, budget: number, random: Random): Coalitions {
  const members: Uint8Array[] = []
  const terms: { coalition: number; weight: number; batch: number }[] = []
  const known = new Map<string, number>()
  const add = (set: Uint8Array, weight: number, batch: number): void => {
    const key = set.join('')
    const coalition = known.get(key) ?? members.push(set.slice()) - 1
    known.set(key, coalition)
    terms.push({ coalition, weight, batch })
  }
  const both = (set: Uint8Array, weight: number, batch: number): void => {
    add(set, weight, batch)
    add(
      set.map(member => 1 - member),
      weight,
      batch,
    )
  }
  const sizes = Array.from({ length: Math.floor(players / 2) }, (_, index) => index + 1)
  let rest = sizes.reduce((sum, size) => sum + kernelOf(players, size), 0)
  while (sizes.length > 0) {
    const size = sizes[0]!
    const count = binomial(players, size) * (2 * size === players ? 1 : 2)
    const kernel = kernelOf(players, size)
    if (size > 1 && ((budget - terms.length) * kernel) / rest < count * (1 - 1e-9)) break
    eachSubset(players, size, set => {
      if (2 * size === players) add(set, kernel / count, -1)
      else both(set, kernel / count, -1)
    })
    rest -= kernel
    sizes.shift()
  }
  if (sizes.length === 0) return { members, terms, batches: 0 }
  const pairs = Math.max(2, Math.floor((budget - terms.length) / 2))
  const batches = Math.min(BATCHES_MAX, pairs)
  for (let pair = 0; pair < pairs; pair++) {
    const size = drawSize(players, sizes, rest * random())
    both(drawSubset(players, size, random), rest / (2 * pairs), pair % batches)
  }
  return { members, terms, batches }
}

/** Weight of all coalitions of a size and of the size of their complements. */
function kernelOf(players: number, size: number): number {
  return ((players - 1) / (size * (players - size))) * (2 * size === players ? 1 : 2)
}

function binomial(n: number, k: number): number {
  let value = 1
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i
  return Math.round(value)
}

function eachSubset(players: number, size: number, visit: (set: Uint8Array) => void): void {
  const set = new Uint8Array(players)
  const choose = (from: number, left: number): void => {
    if (left === 0) {
      visit(set)
      return
    }
    for (let player = from; player <= players - left; player++) {
      set[player] = 1
      choose(player + 1, left - 1)
      set[player] = 0
    }
  }
  choose(0, size)
}

function drawSize(players: number, sizes: readonly number[], mark: number): number {
  let left = mark
  for (const size of sizes) {
    left -= kernelOf(players, size)
    if (left < 0) return size
  }
  return sizes.at(-1)!
}

function drawSubset(players: number, size: number, random: Random): Uint8Array {
  const order = Uint32Array.from({ length: players }, (_, player) => player)
  const set = new Uint8Array(players)
  for (let at = 0; at < size; at++) {
    const other = at + Math.floor(random() * (players - at))
    const player = order[other]!
    order[other] = order[at]!
    set[player] = 1
  }
  return set
}
