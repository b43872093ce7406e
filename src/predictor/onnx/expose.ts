/** An ONNX file that also answers a tensor it has inside. */

/**
 * Parts of a Protocol Buffers message that stand one after the other are merged by every reader: so an output is added by
 * writing a second piece of the graph behind the first, which holds nothing else.
 */
export function withOutput(bytes: Uint8Array, name: string): Uint8Array {
  const value = message(1, new TextEncoder().encode(name))
  const graph = message(7, message(12, value))
  const result = new Uint8Array(bytes.length + graph.length)
  result.set(bytes)
  result.set(graph, bytes.length)
  return result
}

/** A field that holds bytes. */
function message(number: number, content: Uint8Array): Uint8Array {
  return Uint8Array.from([...varint(number * 8 + 2), ...varint(content.length), ...content])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return bytes
}
