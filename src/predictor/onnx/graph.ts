/** Walks the graph, from the row to the answer, and records it as steps. */
import { ARITHMETIC_OPERATORS } from './arithmetic.ts'
import { ENCODER_OPERATORS } from './encoders.ts'
import { JOIN_OPERATORS } from './joins.ts'
import { LINEAR_OPERATORS } from './linear.ts'
import { asConstant, type Operator } from './operator.ts'
import type { OnnxModel, OnnxNode } from './proto.ts'
import { type Recorder, unsupported, type Value } from './recorder.ts'
import { SHAPE_OPERATORS } from './shapes.ts'
import { TREE_OPERATORS } from './trees.ts'
import { damaged } from './wire.ts'

/** The newest versions whose operators are known here to mean what they meant. */
const OPSETS_MAX: Readonly<Record<string, number>> = { '': 25, 'ai.onnx.ml': 5 }

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  [SHAPE_OPERATORS, JOIN_OPERATORS, ARITHMETIC_OPERATORS, ENCODER_OPERATORS, LINEAR_OPERATORS, TREE_OPERATORS].flatMap(
    table => Object.entries(table),
  ),
)

/**
 * The value called `wanted`, computed from `inputs`. Only what it needs is compiled: a graph may hold anything beside that.
 * Throws what `unsupported` makes.
 */
export function compileGraph(
  model: OnnxModel,
  inputs: ReadonlyMap<string, Value>,
  wanted: string,
  recorder: Recorder,
): Value {
  const needed = new Set([wanted])
  const chosen: OnnxNode[] = []
  for (const node of model.nodes.toReversed()) {
    if (!node.outputs.some(output => output !== '' && needed.has(output))) continue
    chosen.push(node)
    for (const input of node.inputs) if (input !== '') needed.add(input)
  }
  const values = new Map<string, Value>(inputs)
  for (const [name, tensor] of model.constants) {
    if (needed.has(name) && !values.has(name)) values.set(name, asConstant(tensor))
  }
  for (const node of chosen.reverse()) {
    const outputs = run(model, node, values, needed, recorder)
    for (const [index, name] of node.outputs.entries()) {
      const value = outputs[index]
      if (value !== undefined && name !== '') values.set(name, value)
    }
  }
  const found = values.get(wanted)
  if (found === undefined) throw damaged(`nothing computes its output ${wanted}`)
  return found
}

function run(
  model: OnnxModel,
  node: OnnxNode,
  values: ReadonlyMap<string, Value>,
  needed: ReadonlySet<string>,
  recorder: Recorder,
): readonly (Value | undefined)[] {
  const operator = OPERATORS.get(node.domain === '' ? node.op : `${node.domain}:${node.op}`)
  if (operator === undefined) throw unsupported(`the operator ${node.domain === '' ? '' : `${node.domain} `}${node.op}`)
  const opset = model.opsets.get(node.domain) ?? 1
  if (opset > OPSETS_MAX[node.domain]!)
    throw unsupported(`version ${opset} of the operators of ${node.domain || 'ai.onnx'}`)
  recorder.count(node.inputs.length)
  const inputs = node.inputs.map(name => {
    if (name === '') return undefined
    const value = values.get(name)
    if (value === undefined) throw damaged(`nothing computes ${name}, which ${node.op} takes`)
    return value
  })
  const wants = (output: number): boolean => {
    const name = node.outputs[output]
    return name !== undefined && needed.has(name)
  }
  return operator({ node, inputs, recorder, opset, wants })
}
