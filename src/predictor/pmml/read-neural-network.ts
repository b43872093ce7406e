/** Neural networks of a document: neurons numbered in the order in which they are computed. */

import { dataTypeOf } from './fields.ts'
import type { Activation, NeuralLayer, NeuralNetwork } from './models.ts'
import { isExpression, readExpression } from './read-expression.ts'
import type { ModelHeader } from './read-target.ts'
import { labelOf } from './values.ts'
import {
  attribute,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredAttribute,
  requiredChild,
  requiredNumber,
  wordAttribute,
} from './xml.ts'

const ACTIVATIONS: readonly Activation[] = [
  'threshold',
  'logistic',
  'tanh',
  'identity',
  'exponential',
  'reciprocal',
  'square',
  'Gauss',
  'sine',
  'cosine',
  'Elliott',
  'arctan',
  'rectifier',
  'radialBasis',
]
const NORMALIZATIONS = ['none', 'simplemax', 'softmax'] as const

export function readNeuralNetwork(header: ModelHeader): NeuralNetwork {
  const { element, isClassification, float, target } = header
  const numbers = new Map<string, number>()
  const inputs = childrenOf(requiredChild(element, 'NeuralInputs'), 'NeuralInput').map(input => {
    name(input, numbers)
    return readInput(input, header)
  })
  const layers = childrenOf(element, 'NeuralLayer').map(layer => readLayer(layer, element, numbers))
  if (layers.length === 0) throw refuseAt(element, 'it has no layers')
  const outputs = childrenOf(requiredChild(element, 'NeuralOutputs'), 'NeuralOutput')
  if (isClassification ? outputs.length < 2 : outputs.length !== 1) {
    throw refuseAt(
      element,
      `it has ${outputs.length} outputs, wanted ${isClassification ? 'one for each class, two at least' : 'one'}`,
    )
  }
  const results = outputs.map(output => readOutput(output, header, numbers))
  return { kind: 'neural-network', isClassification, float, target, outputs: [], inputs, layers, results }
}

function name(element: Element, numbers: Map<string, number>): void {
  const id = requiredAttribute(element, 'id')
  if (numbers.has(id)) throw refuseAt(element, `the id ${id} stands there twice`)
  numbers.set(id, numbers.size)
}

function readInput(input: Element, { scope }: ModelHeader): NeuralNetwork['inputs'][number] {
  const derived = requiredChild(input, 'DerivedField')
  const inner = derived.children.find(isExpression)
  if (inner === undefined) throw refuseAt(derived, 'it has no expression')
  const { expression, type: from } = readExpression(inner, scope)
  return { expression, from, type: dataTypeOf(derived) }
}

function readLayer(layer: Element, network: Element, numbers: Map<string, number>): NeuralLayer {
  const owner = attribute(layer, 'activationFunction') === undefined ? network : layer
  const activation = wordAttribute(owner, 'activationFunction', ACTIVATIONS)
  const normalizer = attribute(layer, 'normalizationMethod') === undefined ? network : layer
  const either = (key: string): number | undefined => numberAttribute(layer, key) ?? numberAttribute(network, key)
  const width = either('width')
  const known = new Map(numbers)
  const neurons = childrenOf(layer, 'Neuron').map(neuron => {
    name(neuron, numbers)
    return readNeuron(neuron, activation, width, known)
  })
  if (neurons.length === 0) throw refuseAt(layer, 'it has no neurons')
  return {
    activation,
    normalization: wordAttribute(normalizer, 'normalizationMethod', NORMALIZATIONS, 'none'),
    threshold: either('threshold') ?? 0,
    leakage: either('leakage') ?? 0,
    altitude: either('altitude') ?? 1,
    neurons,
  }
}

function readNeuron(
  neuron: Element,
  activation: Activation,
  around: number | undefined,
  known: ReadonlyMap<string, number>,
): NeuralLayer['neurons'][number] {
  const width = numberAttribute(neuron, 'width') ?? around
  if (activation === 'radialBasis' && width === undefined) throw refuseAt(neuron, 'the attribute width is missing')
  const connections = childrenOf(neuron, 'Con')
  return {
    bias: numberAttribute(neuron, 'bias') ?? 0,
    width: width ?? 1,
    from: connections.map(connection => {
      const from = known.get(requiredAttribute(connection, 'from'))
      if (from === undefined)
        throw refuseAt(
          connection,
          `it comes from ${JSON.stringify(attribute(connection, 'from'))}, wanted an input or a neuron of an earlier layer`,
        )
      return from
    }),
    weights: connections.map(connection => requiredNumber(connection, 'weight')),
  }
}

/** The expression says how the target was prepared for training, which is undone here. */
function readOutput(
  output: Element,
  header: ModelHeader,
  numbers: ReadonlyMap<string, number>,
): NeuralNetwork['results'][number] {
  const neuron = numbers.get(requiredAttribute(output, 'outputNeuron'))
  if (neuron === undefined)
    throw refuseAt(output, `there is no neuron ${JSON.stringify(attribute(output, 'outputNeuron'))}`)
  let inner = requiredChild(output, 'DerivedField').children.find(isExpression)
  if (inner?.name === 'FieldRef') inner = targetExpression(inner, header) ?? inner
  if (header.isClassification) {
    if (inner?.name !== 'NormDiscrete') throw refuseAt(output, 'it is no NormDiscrete, which says of which class it is')
    return { neuron, label: labelOf(requiredAttribute(inner, 'value'), header.targetField.type) }
  }
  if (inner?.name === 'FieldRef') return { neuron }
  if (inner?.name !== 'NormContinuous') throw refuseAt(output, 'it is neither a FieldRef nor a NormContinuous')
  const norms = childrenOf(inner, 'LinearNorm')
  const from = norms.map(norm => requiredNumber(norm, 'orig'))
  const to = norms.map(norm => requiredNumber(norm, 'norm'))
  if (norms.length < 2 || to.some((value, index) => index > 0 && value <= to[index - 1]!)) {
    throw refuseAt(inner, 'its LinearNorm cannot be undone: wanted two at least, their norm ascending')
  }
  return { neuron, from, to }
}

/** Where the output refers to a derived field of the model. */
function targetExpression(reference: Element, { element }: ModelHeader): Element | undefined {
  const wanted = requiredAttribute(reference, 'field')
  const transformations = element.children.find(child => child.name === 'LocalTransformations')
  const derived = childrenOf(transformations, 'DerivedField').find(field => attribute(field, 'name') === wanted)
  return derived?.children.find(isExpression)
}
