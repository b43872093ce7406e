/** An ONNX file as plain objects, by `onnx/onnx.proto`. What nothing here asks for is passed over. */
import { readTensor, type TensorValue } from './tensor.ts'
import { damaged, type Field, type Span, WireReader } from './wire.ts'

export interface OnnxAttribute {
  readonly float?: number
  readonly whole?: number
  readonly text?: string
  readonly tensor?: TensorValue
  readonly floats: readonly number[]
  readonly wholes: readonly number[]
  readonly texts: readonly string[]
  /** It holds graphs, sparse tensors or types. */
  readonly foreign: boolean
}

export interface OnnxNode {
  readonly op: string
  /** Empty for the operators of ONNX itself. */
  readonly domain: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, OnnxAttribute>
}

export interface OnnxValue {
  readonly name: string
  /** `TensorProto.DataType`; absent: no tensor. */
  readonly element?: number
  /** −1 where it is open; absent: any shape. */
  readonly shape?: readonly number[]
}

export interface OnnxModel {
  readonly producer: string
  readonly opsets: ReadonlyMap<string, number>
  readonly nodes: readonly OnnxNode[]
  readonly constants: ReadonlyMap<string, TensorValue>
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  /** Domains of functions that the file defines itself. */
  readonly functions: readonly string[]
}

const NODES_MAX = 100_000
const OUTPUTS_MAX = 1_000
/** Inputs times nodes: what looking for the use of each takes. */
const USES_MAX = 1e8

interface Gathering {
  producer: string
  readonly opsets: Map<string, number>
  readonly nodes: OnnxNode[]
  readonly constants: Map<string, TensorValue>
  readonly inputs: OnnxValue[]
  readonly outputs: OnnxValue[]
  readonly functions: string[]
}

/** Throws `invalid` where the bytes are no ONNX model. */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  const reader = new WireReader(bytes)
  const model: Gathering = {
    producer: '',
    opsets: new Map(),
    nodes: [],
    constants: new Map(),
    inputs: [],
    outputs: [],
    functions: [],
  }
  let hasGraph = false
  for (const field of reader.fields(reader.all)) {
    if (field.number === 2) model.producer = reader.text(field).slice(0, 100)
    else if (field.number === 7) {
      if (hasGraph) throw damaged('it has two graphs')
      hasGraph = true
      readGraph(reader, reader.message(field), model)
    } else if (field.number === 8) readOpset(reader, reader.message(field), model.opsets)
    else if (field.number === 25) readFunction(reader, reader.message(field), model.functions)
  }
  if (!hasGraph) throw damaged('it has no graph')
  const { nodes, inputs, outputs } = model
  if (outputs.length > OUTPUTS_MAX) throw damaged(`it has ${outputs.length} outputs, at most ${OUTPUTS_MAX} are taken`)
  if (inputs.length * nodes.length > USES_MAX) throw damaged(`it has ${inputs.length} inputs and ${nodes.length} nodes`)
  return model
}

function readFunction(reader: WireReader, span: Span, domains: string[]): void {
  for (const field of reader.fields(span)) if (field.number === 10) domains.push(reader.text(field))
}

function readOpset(reader: WireReader, span: Span, opsets: Map<string, number>): void {
  let domain = ''
  let version = 0
  for (const field of reader.fields(span)) {
    if (field.number === 1) domain = domainOf(reader.text(field))
    else if (field.number === 2) version = reader.whole(field)
  }
  opsets.set(domain, Math.max(version, opsets.get(domain) ?? 0))
}

/** ONNX's own domain has two names. */
function domainOf(name: string): string {
  return name === 'ai.onnx' ? '' : name
}

function readGraph(reader: WireReader, span: Span, model: Gathering): void {
  for (const field of reader.fields(span)) {
    switch (field.number) {
      case 1:
        if (model.nodes.length === NODES_MAX) throw damaged(`it has more than ${NODES_MAX} nodes`)
        model.nodes.push(readNode(reader, reader.message(field)))
        break
      case 5: {
        const tensor = readTensor(reader, reader.message(field))
        model.constants.set(tensor.name, tensor)
        break
      }
      case 11:
        model.inputs.push(readValue(reader, reader.message(field)))
        break
      case 12:
        model.outputs.push(readValue(reader, reader.message(field)))
        break
      case 15:
        throw damaged('it has sparse initializers, which are not supported; save them dense')
    }
  }
}

function readNode(reader: WireReader, span: Span): OnnxNode {
  const node = { op: '', domain: '', name: '' }
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes = new Map<string, OnnxAttribute>()
  for (const field of reader.fields(span)) {
    if (field.number === 1) inputs.push(reader.text(field))
    else if (field.number === 2) outputs.push(reader.text(field))
    else if (field.number === 3) node.name = reader.text(field)
    else if (field.number === 4) node.op = reader.text(field)
    else if (field.number === 5) readAttribute(reader, reader.message(field), attributes)
    else if (field.number === 7) node.domain = domainOf(reader.text(field))
  }
  return { ...node, inputs, outputs, attributes }
}

function readAttribute(reader: WireReader, span: Span, into: Map<string, OnnxAttribute>): void {
  let name = ''
  const one: { float?: number; whole?: number; text?: string; tensor?: TensorValue } = {}
  const floats: number[] = []
  const wholes: number[] = []
  const texts: string[] = []
  let foreign = false
  const take = (field: Field): void => {
    switch (field.number) {
      case 1:
        name = reader.text(field)
        break
      case 2:
        one.float = reader.float(field)
        break
      case 3:
        one.whole = reader.whole(field)
        break
      case 4:
        one.text = reader.text(field)
        break
      case 5:
        one.tensor = readTensor(reader, reader.message(field))
        break
      case 7:
        reader.floats(field, floats)
        break
      case 8:
        reader.wholes(field, wholes)
        break
      case 9:
        texts.push(reader.text(field))
        break
      case 6:
      case 10:
      case 11:
      case 14:
      case 15:
      case 21:
      case 22:
      case 23:
        foreign = true
    }
  }
  for (const field of reader.fields(span)) take(field)
  into.set(name, { ...one, floats, wholes, texts, foreign })
}

function readValue(reader: WireReader, span: Span): OnnxValue {
  let name = ''
  let tensor: Span | undefined
  for (const field of reader.fields(span)) {
    if (field.number === 1) name = reader.text(field)
    else if (field.number === 2) {
      for (const kind of reader.fields(reader.message(field))) if (kind.number === 1) tensor = reader.message(kind)
    }
  }
  if (tensor === undefined) return { name }
  let element = 0
  let shape: number[] | undefined
  for (const field of reader.fields(tensor)) {
    if (field.number === 1) element = reader.whole(field)
    else if (field.number === 2) shape = readShape(reader, reader.message(field))
  }
  return { name, element, ...(shape === undefined ? {} : { shape }) }
}

function readShape(reader: WireReader, span: Span): number[] {
  const shape: number[] = []
  for (const field of reader.fields(span)) {
    if (field.number !== 1) continue
    let size = -1
    for (const dimension of reader.fields(reader.message(field))) {
      if (dimension.number === 1) size = reader.whole(dimension)
    }
    shape.push(size > 0 ? size : -1)
  }
  return shape
}
