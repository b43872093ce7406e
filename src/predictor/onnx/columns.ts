/** The inputs of a graph as features: one tensor of all columns, or one input for each. */
import type { Intake } from '../pipeline.ts'
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxValue } from './proto.ts'
import { type ElementType, elementType } from './tensor.ts'
import { damaged } from './wire.ts'

export interface OnnxInput {
  readonly name: string
  readonly type: ElementType
  /** `TensorProto.DataType`. */
  readonly element: number
  /** Dimensions, with that of the rows. */
  readonly rank: 1 | 2
  readonly columns: number
  /** It states one row. */
  readonly isSingle: boolean
}

const FEATURES_MAX = 1 << 16

/** Throws `invalid` where rows of features cannot be made of the inputs. */
export function inputsOf(model: OnnxModel): OnnxInput[] {
  const inputs = model.inputs.filter(({ name }) => !model.constants.has(name)).map(value => inputOf(model, value))
  const total = inputs.reduce((sum, { columns }) => sum + columns, 0)
  if (total === 0) throw damaged('it takes no inputs')
  if (total > FEATURES_MAX) throw damaged(`it takes ${total} features, and at most ${FEATURES_MAX} are supported`)
  return inputs
}

function inputOf(model: OnnxModel, { name, element, shape }: OnnxValue): OnnxInput {
  const type = element === undefined ? undefined : elementType(element)
  const wanted = 'wanted a tensor of numbers or texts, rows × columns'
  if (type === undefined || element === undefined) throw damaged(`its input ${name} is of another kind; ${wanted}`)
  const [rows, columns, ...more] = shape ?? [-1, -1]
  if (rows === undefined || more.length > 0)
    throw damaged(`its input ${name} has ${shape!.length} dimensions; ${wanted}`)
  if (rows > 1) throw damaged(`its input ${name} has exactly ${rows} rows; export it with an open number of rows`)
  const isSingle = rows === 1
  if (columns === undefined) return { name, type, element, rank: 1, columns: 1, isSingle }
  const width = columns > 0 ? columns : widthOf(model, name)
  if (width !== undefined) return { name, type, element, rank: 2, columns: width, isSingle }
  throw damaged(`its input ${name} does not say how many columns it has; export it with FloatTensorType([None, n])`)
}

const LISTS = ['offset', 'imputed_value_floats', 'imputed_value_int64s'] as const

/** What the operators that take an input need as many columns as. */
function widthOf({ nodes, constants }: OnnxModel, input: string): number | undefined {
  const names = new Set([input])
  for (const node of nodes) {
    if (node.inputs[0] === undefined || !names.has(node.inputs[0])) continue
    const width = widthBy(node, name => constants.get(name)?.shape)
    if (width !== undefined) return width
    if (node.op === 'Identity' || node.op === 'Cast') for (const output of node.outputs) names.add(output)
  }
  return undefined
}

function widthBy(
  { op, inputs, attributes }: OnnxNode,
  shapeOf: (name: string) => readonly number[] | undefined,
): number | undefined {
  const list = (name: string, of: 'floats' | 'wholes'): number =>
    (attributes.get(name) as OnnxAttribute | undefined)?.[of].length ?? 0
  for (const name of LISTS) {
    const length = list(name, name.endsWith('int64s') ? 'wholes' : 'floats')
    if (length > 1) return length
  }
  const outputs =
    op === 'LinearClassifier'
      ? list('intercepts', 'floats')
      : op === 'LinearRegressor'
        ? (attributes.get('targets')?.whole ?? 1)
        : 0
  if (outputs > 0) return list('coefficients', 'floats') / outputs
  const matrix = inputs[1] === undefined ? undefined : shapeOf(inputs[1])
  if (op === 'MatMul') return matrix?.[0]
  if (op === 'Gemm') return matrix?.[attributes.get('transB')?.whole === 1 ? 1 : 0]
  const used = attributes.get('nodes_featureids')?.wholes
  return used === undefined || used.length === 0 ? undefined : used.reduce((most, one) => Math.max(most, one + 1), 0)
}

/** How each feature is taken in, in the order of the inputs. */
export function intakeOf(inputs: readonly OnnxInput[]): Intake['read'][] {
  return inputs.flatMap(({ type, columns }) => {
    const read = type === 'text' ? 'code' : type === 'truth' ? 'whole' : type
    return Array.from({ length: columns }, () => read)
  })
}

/** Names of the features, if each input is one column; otherwise nobody knows them. */
export function namesOf(inputs: readonly OnnxInput[]): { readonly features: string[]; readonly named: boolean } {
  const named = inputs.every(({ columns }) => columns === 1) && (inputs.length > 1 || inputs[0]!.rank === 1)
  const features = inputs.flatMap(({ name, columns }) =>
    named
      ? [name]
      : Array.from({ length: columns }, (_, column) =>
          inputs.length === 1 ? `f${column}` : columns === 1 ? name : `${name}_${column}`,
        ),
  )
  return { features, named }
}

/** The texts that a graph may compare an input with, where only that is known of it. */
export function textsAround({ nodes, constants }: OnnxModel, input: string): string[] {
  const reached = new Set([input])
  const texts = new Set<string>()
  for (const node of nodes) {
    if (!node.inputs.some(name => reached.has(name))) continue
    for (const output of node.outputs) reached.add(output)
    for (const name of ['cats_strings', 'keys_strings', 'classes_strings']) {
      for (const text of node.attributes.get(name)?.texts ?? []) texts.add(text)
    }
    for (const text of node.attributes.get('keys_tensor')?.tensor?.texts ?? []) texts.add(text)
    for (const name of node.inputs) for (const text of constants.get(name)?.texts ?? []) texts.add(text)
  }
  return [...texts]
}
