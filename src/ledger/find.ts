/** Looks for lines in the journal that hold a text, newest first: what is asked for is most often what was just written. */
import { type FileHandle, open } from 'node:fs/promises'
import type { JournalFile } from './journal-files.ts'
import { recordOf } from './journal-line.ts'

export interface FoundLine {
  readonly file: JournalFile
  /** Where the line begins. */
  readonly offset: number
  /** The record's canonical text. */
  readonly text: string
}

const CHUNK_BYTES = 1 << 21
const LINE_FEED = 0x0a

/** @param files oldest first, as the journal gives them. Only what they hold at this moment is looked at. */
export async function* findLines(
  files: readonly JournalFile[],
  needle: string,
): AsyncGenerator<FoundLine, void, undefined> {
  const wanted = Buffer.from(needle)
  for (const file of files.toReversed()) {
    const handle = await open(file.path, 'r')
    try {
      yield* findInFile(file, handle, wanted)
    } finally {
      await handle.close()
    }
  }
}

async function* findInFile(
  file: JournalFile,
  handle: FileHandle,
  needle: Buffer,
): AsyncGenerator<FoundLine, void, undefined> {
  let start = (await handle.stat()).size
  let buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES * 2, start))
  let tail = 0 // bytes at the front of the buffer, of a line that begins in the chunk before
  while (start > 0) {
    const length = Math.min(CHUNK_BYTES, start)
    if (length + tail > buffer.length) buffer = Buffer.concat([buffer.subarray(0, tail)], 2 * (length + tail))
    buffer.copyWithin(length, 0, tail)
    start -= length
    await handle.read(buffer, 0, length, start)
    const bytes = buffer.subarray(0, length + tail)
    const whole = start === 0 ? 0 : bytes.indexOf(LINE_FEED) + 1
    tail = start > 0 && whole === 0 ? bytes.length : whole
    if (start > 0 && whole === 0) continue
    for (const { from, to } of linesWith(bytes, whole, needle)) {
      const record = recordOf(bytes.subarray(from, to))
      if (record !== undefined) yield { file, offset: start + from, text: record.toString() }
    }
  }
}

/** The lines that hold it, last first. (Looked for from the front: `lastIndexOf` is several times slower.) */
function linesWith(bytes: Buffer, start: number, needle: Buffer): { from: number; to: number }[] {
  const lines: { from: number; to: number }[] = []
  for (let hit = bytes.indexOf(needle, start); hit !== -1; ) {
    const from = bytes.lastIndexOf(LINE_FEED, hit) + 1
    const to = bytes.indexOf(LINE_FEED, hit)
    if (to === -1) break // a last line without an end is still being written
    lines.push({ from, to })
    hit = bytes.indexOf(needle, to)
  }
  return lines.reverse()
}

/** Index in the log of a line that was found. */
export async function positionOf({ file, offset }: FoundLine): Promise<number> {
  const handle = await open(file.path, 'r')
  try {
    let lines = 0
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (let at = 0; at < offset; ) {
      const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK_BYTES, offset - at), at)
      if (bytesRead === 0) break
      const bytes = chunk.subarray(0, bytesRead)
      for (let found = bytes.indexOf(LINE_FEED); found !== -1; found = bytes.indexOf(LINE_FEED, found + 1)) lines++
      at += bytesRead
    }
    return file.first + lines
  } finally {
    await handle.close()
  }
}
