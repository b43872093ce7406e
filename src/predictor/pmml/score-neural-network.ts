/** Neural networks, layer after layer. */
import { expressionEvaluator, piecewise } from './evaluate-expression.ts'
import type { NeuralLayer, NeuralNetwork } from './models.ts'
import { EXACT, simplemax, softmax } from './normalization.ts'
import { classResult, numberResult, type Score } from './result.ts'
import { plainNumber } from './score-regression.ts'
import { castValue } from './values.ts'

export function neuralNetworkScore(model: NeuralNetwork): Score {
  const { layers, results, target, float } = model
  const f = float ? Math.fround : EXACT
  const inputs = model.inputs.map(({ expression, from, type }) => {
    const evaluate = expressionEvaluator(expression)
    return { evaluate, from, type }
  })
  return row => {
    const signals: number[] = []
    for (const { evaluate, from, type } of inputs) {
      const value = plainNumber(castValue(evaluate(row), from, type))
      if (value === undefined)
        return model.isClassification ? classResult(undefined, target) : numberResult(undefined, target, float)
      signals.push(f(value))
    }
    for (const layer of layers) signals.push(...activated(layer, signals, f))
    if (!model.isClassification) {
      const { neuron, from, to } = results[0]!
      const signal = signals[neuron]!
      return numberResult(from === undefined ? signal : piecewise(to!, from, 'asIs', signal), target, float)
    }
    return classResult(new Map(results.map(({ label, neuron }) => [label!, signals[neuron]!])), target)
  }
}

function activated(layer: NeuralLayer, signals: readonly number[], f: (x: number) => number): number[] {
  const values = layer.neurons.map(({ bias, width, from, weights }) => {
    if (layer.activation === 'radialBasis') {
      let distance = 0
      for (const [k, index] of from.entries()) distance = f(distance + f((signals[index]! - weights[k]!) ** 2))
      return f(Math.exp(f(distance / (-2 * width * width) + from.length * Math.log(layer.altitude))))
    }
    let sum = 0
    for (const [k, index] of from.entries()) sum = f(sum + f(f(weights[k]!) * signals[index]!))
    return f(activation(layer, f(sum + f(bias)), f))
  })
  if (layer.normalization === 'softmax') softmax(values, f)
  else if (layer.normalization === 'simplemax') simplemax(values, f)
  return values
}

function activation(
  { activation: name, threshold, leakage }: NeuralLayer,
  x: number,
  f: (x: number) => number,
): number {
  switch (name) {
    case 'threshold':
      return x > threshold ? 1 : 0
    case 'logistic':
      return f(1 / f(1 + f(Math.exp(-x))))
    case 'tanh':
      return Math.tanh(x)
    case 'exponential':
      return Math.exp(x)
    case 'reciprocal':
      return 1 / x
    case 'square':
      return x * x
    case 'Gauss':
      return Math.exp(-x * x)
    case 'sine':
      return Math.sin(x)
    case 'cosine':
      return Math.cos(x)
    case 'Elliott':
      return x / (1 + Math.abs(x))
    case 'arctan':
      return (2 * Math.atan(x)) / Math.PI
    case 'rectifier':
      return x > 0 ? x : leakage * x
    default:
      return x
  }
}
