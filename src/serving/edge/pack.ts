/**
 * Plain data with typed arrays as text, small and without loss: arrays go into one run of bytes, each in the narrowest
 * numbers that hold all its values, and their places into the JSON. Reading it takes a loop, which matters at a cold start.
 */

export interface Packed {
  /** The data, with `{ $: [kind, encoding, offset, length] }` for each array. */
  readonly json: string
  /** The arrays, base64. */
  readonly bytes: string
}

const KINDS = {
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
} as const
type Kind = keyof typeof KINDS
type NumberArray = InstanceType<(typeof KINDS)[Kind]>

/** What an array may be written as, narrowest first; itself is always possible. */
const NARROWER: Readonly<Partial<Record<Kind, readonly Kind[]>>> = {
  Int16Array: ['Int8Array', 'Uint8Array'],
  Int32Array: ['Int8Array', 'Uint8Array', 'Int16Array', 'Uint16Array'],
  Uint32Array: ['Uint8Array', 'Uint16Array'],
  Float64Array: ['Int8Array', 'Uint8Array', 'Int16Array', 'Uint16Array', 'Float32Array'],
}

export function pack(data: unknown): Packed {
  const parts: Uint8Array[] = []
  let size = 0
  const json = JSON.stringify(data, (_, value: unknown) => {
    if (!ArrayBuffer.isView(value)) {
      if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return numberMark(value)
      return value
    }
    const array = value as NumberArray
    const kind = array.constructor.name as Kind
    const encoding = NARROWER[kind]?.find(narrow => holds(narrow, array)) ?? kind
    const coded = KINDS[encoding].from(array)
    const width = coded.BYTES_PER_ELEMENT
    const padding = (width - (size % width)) % width
    parts.push(new Uint8Array(padding), new Uint8Array(coded.buffer))
    const offset = size + padding
    size = offset + coded.byteLength
    return { $: [kind, encoding, offset, array.length] }
  })
  const all = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return { json, bytes: base64(all) }
}

export function unpack({ json, bytes }: Packed): unknown {
  const { buffer } = bytesOf(bytes)
  return JSON.parse(json, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    if ('#' in value) return Number(value['#'])
    if (!('$' in value)) return value
    const [kind, encoding, offset, length] = value.$ as [Kind, Kind, number, number]
    const coded = new KINDS[encoding](buffer, offset, length)
    return KINDS[kind].from(coded)
  })
}

/** What JSON cannot write. */
function numberMark(value: number): { readonly '#': string } {
  return { '#': Object.is(value, -0) ? '-0' : String(value) }
}

/** Whether numbers of this kind hold all values, signs of zeros and all. */
function holds(kind: Kind, array: NumberArray): boolean {
  const copy = new KINDS[kind](1)
  return array.every((value: number) => {
    copy[0] = value
    return Object.is(copy[0], value)
  })
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
  return btoa(text)
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
  return bytes
}
