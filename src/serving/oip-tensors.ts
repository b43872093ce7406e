/** The tensors of the Open Inference Protocol v2 in JSON, and in the bytes behind it, to rows. */
import { type FieldProblem, Problem } from '../errors.ts'
import type { FeatureType, Output } from '../registry/signature.ts'
import type { LoadedModel } from './lane.ts'
import { valueFault } from './row-faults.ts'
import type { Rows } from './signature.ts'
import { readRaw } from './tensor-bytes.ts'

/** https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol#tensor-data-types */
const DATATYPES: ReadonlySet<string> = new Set([
  'BOOL',
  ...['INT8', 'INT16', 'INT32', 'INT64', 'UINT8', 'UINT16', 'UINT32', 'UINT64'],
  ...['FP16', 'FP32', 'FP64', 'BYTES'],
])
const FAULTS_MAX = 100
const RANK_MAX = 2

/** The datatype that metadata tells for a feature. Others that hold the same values are taken as well. */
export const DATATYPE_OF: Readonly<Record<FeatureType | Output['type'], string>> = {
  number: 'FP64',
  integer: 'INT64',
  boolean: 'BOOL',
  string: 'BYTES',
  numeric: 'FP64',
}

export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  /** Row-major, whether it came flat or nested. */
  readonly data: readonly unknown[]
}

/** The bytes behind the JSON of a request: its binary tensors, one after the other, in the order of the JSON. */
export class BinaryPart {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Throws `invalid` where so many do not follow. */
  take(count: unknown, path: string): Buffer {
    const field = `${path}.parameters.binary_data_size`
    if (!Number.isSafeInteger(count) || (count as number) < 0) refuse([{ field, problem: 'is no number of bytes' }])
    const to = this.#at + (count as number)
    if (to > this.#bytes.length) {
      const problem = `is ${count}, but ${this.#bytes.length - this.#at} bytes are left behind the JSON`
      refuse([{ field, problem: `${problem}; its length goes into the header Inference-Header-Content-Length` }])
    }
    const taken = this.#bytes.subarray(this.#at, to)
    this.#at = to
    return taken
  }

  requireEnd(): void {
    const left = this.#bytes.length - this.#at
    if (left > 0) refuse([{ field: 'body', problem: `has ${left} bytes that belong to no tensor` }])
  }
}

/** What changes the meaning of a question and is not done must not be passed over. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  shared_memory_region: 'is not supported, tensors were wanted in the message itself',
  classification: 'is not supported, the outputs themselves can be asked for',
}

/** Throws `invalid` for a parameter that cannot be passed over. */
export function refuseUnsupported(parameters: Readonly<Record<string, unknown>>, path: string): void {
  for (const [name, problem] of Object.entries(UNSUPPORTED)) {
    if (parameters[name] !== undefined) refuse([{ field: `${path}.parameters.${name}`, problem }])
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Checks the members of a tensor; problems are named from `path`. */
export function readTensor(value: unknown, path: string, binary: BinaryPart): Tensor {
  const wrong = (member: string, problem: string): never => refuse([{ field: `${path}.${member}`, problem }])
  if (typeof value !== 'object' || value === null) return refuse([{ field: path, problem: 'is not an object' }])
  const { name, shape, datatype, data, parameters } = value as Readonly<Record<string, unknown>>
  if (typeof name !== 'string') return wrong('name', 'is missing, a text was wanted')
  if (!Array.isArray(shape) || !shape.every(size => Number.isSafeInteger(size) && (size as number) >= 0)) {
    return wrong('shape', 'is not a list of whole numbers')
  }
  if (shape.length === 0 || shape.length > RANK_MAX)
    return wrong('shape', `has ${shape.length} dimensions, [n] or [n, columns] was wanted`)
  if (typeof datatype !== 'string' || !DATATYPES.has(datatype)) {
    return wrong('datatype', `is not known, one of ${[...DATATYPES].join(', ')} was wanted`)
  }
  const wanted = (shape as number[]).reduce((product, size) => product * size, 1)
  if (isObject(parameters)) {
    refuseUnsupported(parameters, path)
    const bytes = parameters['binary_data_size']
    if (bytes !== undefined) {
      if (data !== undefined) return wrong('data', 'is given, and binary_data_size as well: one of them was wanted')
      return {
        name,
        shape: shape as number[],
        datatype,
        data: readRaw(binary.take(bytes, path), datatype, wanted, path),
      }
    }
  }
  if (!Array.isArray(data)) return wrong('data', 'is missing, a list was wanted')
  const flat = data.some(Array.isArray) ? data.flat(1) : data
  if (flat.length !== wanted) return wrong('data', `has ${flat.length} values, ${wanted} were wanted by its shape`)
  return { name, shape: shape as number[], datatype, data: flat }
}

/**
 * One tensor for each feature, [n] or [n, 1]; or a single one of [n, features], columns in the order of the metadata.
 *
 * @throws Problem `invalid` naming tensors, or cells as `[3].age`; `too_large`.
 */
export function rowsOf(tensors: readonly Tensor[], { signature }: LoadedModel, rowsMax: number): Rows {
  const { inputs } = signature
  const only = tensors.length === 1 ? tensors[0]! : undefined
  const isMatrix =
    only !== undefined &&
    (only.shape[1] ?? 1) === inputs.length &&
    !(inputs.length === 1 && only.name === inputs[0]!.name)
  const columns = isMatrix
    ? inputs.map((_, column) => ({ tensor: only, column }))
    : columnsByName(tensors, signature.inputs)
  const count = columns[0]!.tensor.shape[0]!
  if (count === 0) throw new Problem('invalid', 'Cannot read the tensors: they have no rows, at least one was wanted')
  if (count > rowsMax) {
    throw new Problem(
      'too_large',
      `Cannot read the tensors: they have ${count} rows, at most ${rowsMax} are taken at once`,
    )
  }
  const rows = signature.rows(count, false)
  const faults: FieldProblem[] = []
  for (const [input, { tensor, column }] of columns.entries()) {
    const stride = tensor.shape[1] ?? 1
    for (let row = 0; row < count && faults.length < FAULTS_MAX; row++) {
      const value = tensor.data[row * stride + column]
      if (isOfType(tensor.datatype, value) && signature.encode(input, value, rows.values, row * signature.width))
        continue
      const problem = typeFault(tensor.datatype, value) ?? valueFault(inputs[input]!, value) ?? 'is not right'
      faults.push({ field: `[${row}].${inputs[input]!.name}`, problem })
    }
  }
  return faults.length === 0 ? rows : refuse(faults)
}

interface Column {
  readonly tensor: Tensor
  readonly column: number
}

function columnsByName(tensors: readonly Tensor[], inputs: LoadedModel['signature']['inputs']): Column[] {
  const byName = new Map<string, Tensor>()
  const faults: FieldProblem[] = []
  for (const [at, tensor] of tensors.entries()) {
    const field = `inputs[${at}]`
    if (!inputs.some(({ name }) => name === tensor.name))
      faults.push({ field, problem: 'names no feature of this model' })
    else if (byName.has(tensor.name)) faults.push({ field, problem: `gives ${tensor.name} a second time` })
    if ((tensor.shape[1] ?? 1) !== 1) faults.push({ field: `${field}.shape`, problem: 'is not [n] or [n, 1]' })
    if (tensor.shape[0] !== tensors[0]!.shape[0])
      faults.push({ field: `${field}.shape`, problem: 'has another number of rows than the first' })
    byName.set(tensor.name, tensor)
  }
  for (const { name } of inputs)
    if (!byName.has(name)) faults.push({ field: name, problem: 'is missing, a tensor of this name was wanted' })
  if (faults.length > 0) return refuse(faults.slice(0, FAULTS_MAX))
  return inputs.map(({ name }) => ({ tensor: byName.get(name)!, column: 0 }))
}

/** Whether a value is one of its tensor's datatype; `null` stands for a missing value in all of them. */
function isOfType(datatype: string, value: unknown): boolean {
  if (value === null) return true
  if (datatype === 'BYTES') return typeof value === 'string'
  if (datatype === 'BOOL') return typeof value === 'boolean'
  return typeof value === 'number' && (datatype.startsWith('FP') || Number.isInteger(value))
}

function typeFault(datatype: string, value: unknown): string | undefined {
  return isOfType(datatype, value) ? undefined : `is no value of datatype ${datatype}`
}

export function refuse(fields: readonly FieldProblem[]): never {
  const told = fields.slice(0, 3).map(({ field, problem }) => `${field} ${problem}`)
  const more = fields.length > 3 ? `; and ${fields.length - 3} more` : ''
  throw new Problem('invalid', `Cannot read the tensors: ${told.join('; ')}${more}`, { fields })
}
