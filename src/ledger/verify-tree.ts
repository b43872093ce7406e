/** Leaves against roots: finds out which records are not those that were signed. */
import { type FileHandle, open } from 'node:fs/promises'
import { type CompactRange, compactRange, HASH_BYTES } from './merkle.ts'
import type { VerifyFault } from './verify.ts'
import type { ExpectedRoot } from './verify-heads.ts'

/** After so many stretches that were changed, the rest is not told apart any more: each costs a look at the whole tree. */
const REPAIRS_MAX = 20
/** So many records of one stretch are named; of the others there is a count. */
const NAMED_MAX = 10

/**
 * Takes leaves in the order of the log and compares the root at each size of which somebody's word is known. The hashes
 * that the notary left beside the ledger are nobody's word; but where they give the signed root and the records do not,
 * they tell exactly which records were changed.
 */
export class TreeCheck {
  readonly #expected: readonly ExpectedRoot[]
  readonly #cache: FileHandle | undefined
  #range: CompactRange = compactRange()
  #next = 0
  #provenSize = 0
  /** Of the leaves since the last root that was right: positions where the cache has another hash. */
  #differing: number[] = []
  #differingCount = 0
  #cacheDiffers = false
  #size = 0
  /** Since a root was wrong and nothing tells which records are, later roots say nothing. */
  #lost = false
  #repairs = 0
  #stopped = false
  readonly #faults: VerifyFault[] = []

  private constructor(expected: readonly ExpectedRoot[], cache: FileHandle | undefined) {
    this.#expected = expected
    this.#cache = cache
  }

  static async open(cachePath: string, expected: readonly ExpectedRoot[]): Promise<TreeCheck> {
    const check = new TreeCheck(expected, await open(cachePath, 'r').catch(() => undefined))
    check.#skipEmpty()
    return check
  }

  /** Leaves taken. */
  get size(): number {
    return this.#size
  }

  /** Records under a root that was right. */
  get proven(): number {
    return this.#provenSize
  }

  get cacheDiffers(): boolean {
    return this.#cacheDiffers
  }

  async add(hashes: Uint8Array): Promise<void> {
    const cached = await this.#readCache(this.#size, hashes.length / HASH_BYTES)
    const all = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.length)
    const isSame = cached?.equals(all) === true
    for (let at = 0; at < all.length; at += HASH_BYTES) {
      const leaf = all.subarray(at, at + HASH_BYTES)
      if (!isSame && cached !== undefined && !isEqualAt(cached, leaf, at)) this.#note(this.#size)
      this.#range.append(leaf)
      this.#size++
      while (this.#expected[this.#next]?.size === this.#size) await this.#compare(this.#expected[this.#next++]!)
    }
  }

  /** Nothing more comes: something else than the end of the ledger is why. */
  stop(): void {
    this.#stopped = true
  }

  /** Closes the cache and tells what was found, ends cut off included. */
  faults(): VerifyFault[] {
    void this.#cache?.close()
    const beyond = this.#expected.at(-1)
    if (!this.#stopped && beyond !== undefined && beyond.size > this.#size) {
      const missing = beyond.size - this.#size
      const what = `the ledger ends after ${this.#size} records, ${beyond.name} covers ${missing} more: they were cut off or damaged`
      this.#faults.push({ what, position: this.#size })
    }
    return this.#faults
  }

  #skipEmpty(): void {
    while (this.#expected[this.#next]?.size === 0) this.#next++
  }

  #note(position: number): void {
    this.#cacheDiffers = true
    this.#differingCount++
    if (this.#differing.length < NAMED_MAX) this.#differing.push(position)
  }

  async #compare(expected: ExpectedRoot): Promise<void> {
    const isRight = Buffer.from(this.#range.root()).toString('hex') === expected.root
    if (isRight) {
      if (!this.#lost) this.#provenSize = expected.size
    } else if (!this.#lost) {
      const signed = this.#repairs++ < REPAIRS_MAX ? await this.#cachedRange(expected) : undefined
      this.#faults.push(this.#wrongRange(expected, signed !== undefined))
      if (signed === undefined) this.#lost = true
      else this.#range = signed // from here on as if the records were right, so that later changes show as well
    }
    this.#differing = []
    this.#differingCount = 0
  }

  #wrongRange({ size, name }: ExpectedRoot, isCacheSigned: boolean): VerifyFault {
    const from = this.#provenSize
    const stretch = `records ${from} to ${size - 1}`
    if (!isCacheSigned || this.#differingCount === 0) {
      const what = `${stretch} are not what was signed: they do not give the root of ${name}; records 0 to ${from - 1} do`
      return { what: from === 0 ? what.replace(/; records 0.*/, '') : what, position: from }
    }
    const named = this.#differing.join(', ')
    const more = this.#differingCount - this.#differing.length
    const which = this.#differingCount === 1 ? `record ${named} was changed` : `records ${named} were changed`
    const rest = more > 0 ? ` and ${more} more` : ''
    return { what: `${which}${rest}: not what was signed by ${name}`, position: this.#differing[0]! }
  }

  /** The tree of the cached hashes, if it has the expected root. */
  async #cachedRange({ size, root }: ExpectedRoot): Promise<CompactRange | undefined> {
    const range = compactRange()
    for (let from = 0; from < size; ) {
      const part = await this.#readCache(from, Math.min(size - from, 1 << 15))
      if (part === undefined) return undefined
      for (let at = 0; at < part.length; at += HASH_BYTES) range.append(part.subarray(at, at + HASH_BYTES))
      from += part.length / HASH_BYTES
    }
    return Buffer.from(range.root()).toString('hex') === root ? range : undefined
  }

  /** Hashes of the cache, as many as there are; undefined where there are none. */
  async #readCache(first: number, count: number): Promise<Buffer | undefined> {
    if (this.#cache === undefined || count === 0) return undefined
    const bytes = Buffer.alloc(count * HASH_BYTES)
    const { bytesRead } = await this.#cache.read(bytes, 0, bytes.length, first * HASH_BYTES)
    const whole = Math.floor(bytesRead / HASH_BYTES) * HASH_BYTES
    return whole === 0 ? undefined : bytes.subarray(0, whole)
  }
}

/** What the cache does not reach yet does not differ from it. */
function isEqualAt(cached: Buffer, leaf: Buffer, at: number): boolean {
  return at >= cached.length || cached.compare(leaf, 0, HASH_BYTES, at, at + HASH_BYTES) === 0
}
