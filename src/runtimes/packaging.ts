/** What a Python artifact is, told from its bytes. */
import type { PythonModel } from '../predictor/external.ts'

type Packaging = PythonModel['packaging']

/** `undefined`: nothing that a Python worker loads. */
export function packagingOf(bytes: Uint8Array): Packaging | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const starts = (...wanted: number[]): boolean => wanted.every((byte, at) => buffer[at] === byte)
  if (starts(0x50, 0x4b, 0x03, 0x04)) {
    const names = zipNames(buffer)
    if (names.some(name => name === 'schema.json')) return 'skops'
    return names.some(name => /(^|\/)MLmodel$/.test(name)) ? 'mlflow' : undefined
  }
  if (buffer.toString('latin1', 257, 262) === 'ustar') return 'mlflow'
  if (buffer[0] === 0x80 && buffer[1]! >= 2 && buffer[1]! <= 5) {
    return buffer.includes('joblib.numpy_pickle') ? 'joblib' : 'pickle'
  }
  // gzip may hold a tar as well as what joblib writes; the first block of a tar names MLmodel or its folder, which only unpacking tells.
  if (starts(0x1f, 0x8b)) return 'joblib'
  const isZlib = buffer[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(buffer[1]!)
  const isPacked =
    isZlib || starts(0x42, 0x5a, 0x68) || starts(0xfd, 0x37, 0x7a, 0x58, 0x5a) || starts(0x04, 0x22, 0x4d, 0x18)
  return isPacked ? 'joblib' : undefined
}

const END_BYTES = 22
const ENTRY_BYTES = 46
const COMMENT_MAX = 65_535
const ENTRIES_MAX = 100_000

/** Names in the central directory; none where there is no sound one. */
function zipNames(zip: Buffer): readonly string[] {
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  if (end < Math.max(0, zip.length - END_BYTES - COMMENT_MAX) || end + END_BYTES > zip.length) return []
  const names: string[] = []
  let at = zip.readUInt32LE(end + 16)
  while (names.length < ENTRIES_MAX && at + ENTRY_BYTES <= end && zip.readUInt32LE(at) === 0x02014b50) {
    const [name, extra, comment] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)]
    names.push(zip.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + name))
    at += ENTRY_BYTES + name + extra + comment
  }
  return names
}
