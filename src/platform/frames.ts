/** Messages on a stream of bytes: each is its length (four bytes, little-endian), then so many bytes. */

/** Bytes before each frame's own. */
export const LENGTH_BYTES = 4
/** A longer frame is none of ours. */
export const FRAME_BYTES_MAX: number = 1 << 30
/** A buffer that grew beyond this for one long frame is let go after it. */
const BUFFER_BYTES = 1 << 17

/**
 * Cuts what comes in pieces into frames and hands each to `take`, which may look at the bytes only while it is called.
 * Returns what takes the pieces; it throws a `RangeError` where the length is beyond `FRAME_BYTES_MAX`.
 */
export function frameReader(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  let used = 0

  const makeRoom = (bytes: number): void => {
    if (bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(bytes)
    buffer.copy(larger, 0, 0, used)
    buffer = larger
  }
  /** Adds to the frame that is not whole yet; returns where the piece goes on. */
  const gather = (chunk: Buffer, at: number): number => {
    const wanted = used < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + lengthAt(buffer, 0)
    makeRoom(wanted)
    const end = Math.min(chunk.length, at + wanted - used)
    chunk.copy(buffer, used, at, end)
    used += end - at
    if (used === LENGTH_BYTES) lengthAt(buffer, 0)
    else if (used === wanted) {
      take(buffer.subarray(LENGTH_BYTES, used))
      used = 0
      if (buffer.length > BUFFER_BYTES) buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
    }
    return end
  }
  return chunk => {
    let at = 0
    while (at < chunk.length) {
      // Most pieces begin with a frame and hold it whole: it is read where it is.
      const left = chunk.length - at
      const end = used > 0 || left < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + lengthAt(chunk, at)
      if (end > left) at = gather(chunk, at)
      else {
        take(chunk.subarray(at + LENGTH_BYTES, at + end))
        at += end
      }
    }
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at)
  if (length >= 1 && length <= FRAME_BYTES_MAX) return length
  throw new RangeError(`Cannot read a frame: its length is ${length}, wanted 1 to ${FRAME_BYTES_MAX}`)
}
