/**
 * Proves a ledger on disk, or says where it is not what was signed: every leaf is computed again from the Parquet columns
 * and the journal's lines, and the roots are compared with every signed head. Works beside a running server.
 */
import { readdir, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import { type Engine, openEngine } from './engine.ts'
import type { SignedHead } from './evidence.ts'
import type { Leaves, SegmentLeaves } from './leaves.ts'
import { HASH_BYTES } from './merkle.ts'
import { listSegments, missingText, unbroken } from './segments.ts'
import { strayFiles } from './stray-files.ts'
import { type JudgedHeads, judgeHeads, readHeads } from './verify-heads.ts'
import { TreeCheck } from './verify-tree.ts'

export interface VerifyOptions {
  /** Raw Ed25519 keys, base64, one of which must have signed each head. */
  readonly publicKeys: readonly string[]
  /** A head kept elsewhere: what was cut off together with its heads shows only against such a one. */
  readonly head?: SignedHead
  readonly progress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
  /** Processes that read at once. */
  readonly engines?: number
  /** Memory of each. */
  readonly memory?: string
}

export interface VerifyFault {
  /** In plain words, a sentence without its full stop. */
  readonly what: string
  /** Of the first record it is about. */
  readonly position?: number
}

export interface VerifyReport {
  readonly ok: boolean
  /** Records there are, and how many of them a verified head covers. */
  readonly records: number
  readonly proven: number
  readonly sealed: number
  readonly segments: number
  readonly heads: number
  readonly newestHead?: SignedHead
  /** What is wrong, the first in the log first; at most 50. */
  readonly faults: readonly VerifyFault[]
  /** What is worth knowing, and no fault. */
  readonly notes: readonly string[]
  readonly bytes: { readonly sealed: number; readonly journal: number; readonly tree: number; readonly heads: number }
  readonly elapsedMs: number
}

const FAULTS_MAX = 50

/** @param folder `ledger` in a data folder. */
export async function verifyLedger(folder: string, options: VerifyOptions): Promise<VerifyReport> {
  const count = Math.max(1, options.engines ?? Math.min(2, availableParallelism()))
  const memory = options.memory ?? '512MB'
  const engines = Array.from({ length: count }, () => openEngine({ folder, memory, threads: 1, isNice: false }))
  try {
    return await verifyWith(engines, folder, options)
  } finally {
    await Promise.all(engines.map(engine => engine.close()))
  }
}

/** As `verifyLedger`, with engines that are there already: what makes leaves of files. */
export async function verifyWith(
  engines: readonly Pick<Engine, 'ask'>[],
  folder: string,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const startedAt = performance.now()
  if (!(await isFolder(folder))) throw new Problem('not_found', `Cannot verify ${folder}: there is no ledger`)
  // Heads first: whatever they cover was there before them.
  const heads = judgeHeads(await readHeads(join(folder, 'heads.jsonl')), options.publicKeys, options.head)
  const found = await checkRecords(folder, heads, engines, options)
  return await report(folder, heads, found, startedAt)
}

interface FoundRecords {
  readonly tree: TreeCheck
  readonly segments: number
  readonly sealed: number
  readonly bytes: { sealed: number; journal: number }
  readonly faults: VerifyFault[]
  readonly notes: string[]
}

async function checkRecords(
  folder: string,
  heads: JudgedHeads,
  engines: readonly Pick<Engine, 'ask'>[],
  options: VerifyOptions,
): Promise<FoundRecords> {
  const tree = await TreeCheck.open(join(folder, 'tree', 'level-0.bin'), heads.toCompare)
  const bytes = { sealed: 0, journal: 0 }
  const faults: VerifyFault[] = []
  const notes: string[] = []
  const take = async (leaves: Leaves): Promise<void> => {
    options.signal?.throwIfAborted()
    faults.push(...leaves.faults)
    await tree.add(leaves.hashes)
    options.progress?.(tree.size, Math.max(heads.size, tree.size))
  }
  let segments = 0
  let sealed = 0
  /** Segments whose head was not there when the heads were read: they may be younger. */
  const unknown: SegmentLeaves[] = []
  const takeSegment = async (leaves: SegmentLeaves): Promise<void> => {
    if (leaves.first !== sealed) faults.push({ what: gapText(leaves.first, sealed), position: sealed })
    if (!heads.includes(leaves.head)) unknown.push(leaves)
    sealed = leaves.first + leaves.count
    bytes.sealed += leaves.bytes
    const known = Math.max(0, tree.size - leaves.first) // read from the journal already, before it was sealed
    if (known < leaves.count) await take({ ...leaves, hashes: leaves.hashes.subarray(known * HASH_BYTES) })
  }
  const journal = join(folder, 'journal')
  const takeFile = async (leaves: Leaves, damage: string | undefined): Promise<void> => {
    bytes.journal += leaves.bytes
    await take(leaves)
    if (damage !== undefined) notes.push(damage)
  }
  try {
    for (;;) {
      const there = await sealedSegments(folder, faults)
      await eachSegment(engines, segments, there, takeSegment)
      segments = there
      if (await eachJournalFile(engines[0]!, journal, tree, false, takeFile)) break
      // A file that went away meanwhile was sealed: its records are in the next segment.
      if ((await sealedSegments(folder, faults)) > segments) continue
      await eachJournalFile(engines[0]!, journal, tree, true, takeFile)
      break
    }
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'corrupt')) throw error
    faults.push({ what: error.message, position: tree.size })
    tree.stop()
  }
  faults.push(...(await unknownHeads(folder, unknown)))
  return { tree, segments, sealed, bytes, faults, notes }
}

async function unknownHeads(folder: string, segments: readonly SegmentLeaves[]): Promise<VerifyFault[]> {
  if (segments.length === 0) return []
  const { includes } = judgeHeads(await readHeads(join(folder, 'heads.jsonl')), [], undefined)
  return segments
    .filter(({ head }) => !includes(head))
    .map(({ segment, first }) => ({
      what: `segment ${segment} names a head that is not in heads.jsonl`,
      position: first,
    }))
}

function gapText(first: number, size: number): string {
  return `a sealed segment begins with record ${first}, ${size} come before it: segments are missing or were exchanged`
}

/** A hole between manifests is a fault; what is before it can still be checked. */
async function sealedSegments(folder: string, faults: VerifyFault[]): Promise<number> {
  const segments = await listSegments(folder)
  const count = unbroken(segments)
  if (count < segments.length) {
    const what = missingText(folder, segments)
    if (!faults.some(fault => fault.what === what)) faults.push({ what })
  }
  return count
}

/** Segments in order, read by all engines at once, a few ahead of what is taken. */
async function eachSegment(
  engines: readonly Pick<Engine, 'ask'>[],
  from: number,
  to: number,
  take: (leaves: SegmentLeaves) => Promise<void>,
): Promise<void> {
  const reading: Promise<SegmentLeaves>[] = []
  let next = from
  for (let segment = from; segment < to; segment++) {
    while (next < to && next < segment + engines.length + 1) {
      const leaves = engines[next % engines.length]!.ask('segmentLeaves', { segment: next })
      leaves.catch(() => undefined) // told when its turn comes
      reading.push(leaves)
      next++
    }
    await take(await reading.shift()!)
  }
}

/**
 * Files of the journal from where the segments end. Stops and says false where one is not there, which may have been
 * sealed meanwhile; where it was not (`isMissing`), it is a fault, and what comes after it is looked at all the same.
 */
async function eachJournalFile(
  engine: Pick<Engine, 'ask'>,
  folder: string,
  tree: TreeCheck,
  isMissing: boolean,
  take: (leaves: Leaves, damage: string | undefined) => Promise<void>,
): Promise<boolean> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter(name => /^\d{12}\.jsonl$/.test(name)).sort()) {
    const first = Number(name.slice(0, 12))
    if (first < tree.size) continue // sealed already, and not removed yet
    const path = join(folder, name)
    const leaves = await engine.ask('journalLeaves', { path, first })
    if (!isMissing && (leaves === undefined || first > tree.size)) return false
    if (leaves === undefined) continue
    if (first > tree.size) {
      const what = `${path} begins with record ${first}, ${tree.size} come before it: records are missing`
      await take({ ...leaves, faults: [{ what, position: tree.size }] }, undefined)
      continue
    }
    const { damage } = leaves
    await take(leaves, damage && `${path} ends with ${damage} after ${leaves.count} records, as a crash may leave it`)
  }
  return true
}

async function report(
  folder: string,
  heads: JudgedHeads,
  { tree, segments, sealed, bytes, faults, notes }: FoundRecords,
  startedAt: number,
): Promise<VerifyReport> {
  const all = [...heads.faults, ...tree.faults(), ...faults, ...(await strayFiles(folder))]
  const inOrder = all.sort((a, b) => (a.position ?? -1) - (b.position ?? -1))
  const unsigned = tree.size - heads.size
  if (unsigned > 0) notes.push(`${unsigned} records came after the newest head: no head covers them yet`)
  if (tree.cacheDiffers)
    notes.push('the hashes in the folder `tree` are not those of the records; it is a cache and can be removed')
  const [treeBytes, headBytes] = await Promise.all([sizeOf(join(folder, 'tree')), sizeOf(join(folder, 'heads.jsonl'))])
  return {
    ok: inOrder.length === 0,
    records: tree.size,
    proven: tree.proven,
    sealed,
    segments,
    heads: heads.count,
    ...(heads.newest !== undefined && { newestHead: heads.newest }),
    faults: inOrder.slice(0, FAULTS_MAX),
    notes,
    bytes: { ...bytes, tree: treeBytes, heads: headBytes },
    elapsedMs: performance.now() - startedAt,
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

/** Of a file, or of all files in a folder. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return 0
  if (!found.isDirectory()) return found.size
  const names = await readdir(path)
  const sizes = await Promise.all(names.map(name => sizeOf(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}
