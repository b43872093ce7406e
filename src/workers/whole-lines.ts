/** Cuts what comes in pieces at the ends of lines. */

const LINE_FEED = 0x0a
/** A line that is longer is passed on as it comes. */
const LINE_BYTES_MAX = 1 << 20

export interface WholeLines {
  push(chunk: Buffer): void
  /** A last line without an end gets one. */
  end(): void
}

/** @param take is handed whole lines, each with its line feed; the bytes may be used again after the call. */
export function wholeLines(take: (lines: Buffer) => void): WholeLines {
  let rest: Buffer[] = []
  let bytes = 0
  const takeRest = (more: Buffer): void => {
    const all = rest.length === 0 ? more : Buffer.concat([...rest, more])
    rest = []
    bytes = 0
    if (all.length > 0) take(all)
  }
  return {
    push(chunk): void {
      const end = chunk.lastIndexOf(LINE_FEED) + 1
      if (end > 0) takeRest(chunk.subarray(0, end))
      if (end === chunk.length) return
      rest.push(chunk.subarray(end))
      bytes += chunk.length - end
      if (bytes > LINE_BYTES_MAX) takeRest(Buffer.of(LINE_FEED))
    },
    end(): void {
      if (rest.length > 0) takeRest(Buffer.of(LINE_FEED))
    },
  }
}
