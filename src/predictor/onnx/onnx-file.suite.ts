/** Writes ONNX files for tests, by hand. */

type Content = number | string | readonly number[]

/** The fields of a message: whole numbers, texts, or bytes. */
export function fields(...list: readonly (readonly [number, Content])[]): number[] {
  return list.flatMap(([number, content]) => {
    if (typeof content === 'number') return [...varint(number * 8), ...varint(content)]
    const bytes = typeof content === 'string' ? [...new TextEncoder().encode(content)] : content
    return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes]
  })
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))]
}

export function node(op: string, inputs: readonly string[], outputs: readonly string[], domain = ''): number[] {
  return [
    ...inputs.flatMap(name => fields([1, name])),
    ...outputs.flatMap(name => fields([2, name])),
    ...fields([4, op], [7, domain]),
  ]
}

export function tensor(name: string, shape: readonly number[], values: readonly number[]): number[] {
  const raw = [...new Uint8Array(Float32Array.from(values).buffer)]
  return [...shape.flatMap(size => fields([1, size])), ...fields([2, 1], [8, name], [9, raw])]
}

/** @param type a `TypeProto`. */
export function value(name: string, type: readonly number[]): number[] {
  return fields([1, name], [2, type])
}

/** A tensor of float32; −1 is an open dimension. */
export function floatInput(name: string, shape: readonly number[]): number[] {
  const dimensions = shape.flatMap(size => fields([1, size < 0 ? fields([2, 'n']) : fields([1, size])]))
  return value(name, fields([1, fields([1, 1], [2, dimensions])]))
}

export function output(name: string): number[] {
  return value(name, fields([1, fields([1, 1])]))
}

export interface FileParts {
  readonly nodes: readonly (readonly number[])[]
  readonly inputs: readonly (readonly number[])[]
  readonly outputs: readonly (readonly number[])[]
  readonly constants?: readonly (readonly number[])[]
  readonly sparse?: boolean
  readonly opset?: number
}

export function onnxFile({ nodes, inputs, outputs, constants = [], sparse, opset = 17 }: FileParts): Uint8Array {
  const graph = [
    ...nodes.flatMap(one => fields([1, one])),
    ...constants.flatMap(one => fields([5, one])),
    ...inputs.flatMap(one => fields([11, one])),
    ...outputs.flatMap(one => fields([12, one])),
    ...(sparse === true ? fields([15, []]) : []),
  ]
  return Uint8Array.from(fields([1, 8], [7, graph], [8, fields([1, ''], [2, opset])]))
}
