/** Which output of a graph is the answer, and what it means. */
import type { OnnxModel, OnnxNode, OnnxValue } from './proto.ts'
import { type ElementType, elementType } from './tensor.ts'
import { damaged } from './wire.ts'

export interface OnnxAnswer {
  readonly name: string
  readonly type: ElementType
  /** A list of maps from class to probability (ZipMap): ask for its input instead. */
  readonly zipped: boolean
  /** It is a class itself. */
  readonly isLabel: boolean
  /** Beside it, the graph answers a class. */
  readonly hasLabel: boolean
  /** Known columns, −1 where they are open. */
  readonly columns: number
  /** Labels of the classes, if they are found. */
  readonly classes?: readonly string[]
  /** What the numbers went through last, as far as it makes them probabilities. */
  readonly ending?: 'softmax' | 'sigmoid'
}

interface Output extends OnnxValue {
  readonly type: ElementType | undefined
  readonly map: OnnxNode | undefined
}

const PROBABLE = /prob|score|proba/i

/** Throws `invalid` where none of the outputs is one of numbers or classes for each row. */
export function answerOf(model: OnnxModel): OnnxAnswer {
  const outputs = model.outputs.map(
    (value): Output => ({ ...value, type: typeOf(value), map: producer(model, value.name, 'ZipMap') }),
  )
  const maps = outputs.filter(({ map, element }) => map !== undefined && element === undefined)
  const numbers = outputs.filter(({ type, map }) => (type === 'float32' || type === 'float64') && map === undefined)
  const labels = outputs.filter(({ type }) => type === 'text' || type === 'whole' || type === 'truth')
  const classes = classesOf(model)
  const found = maps[0] ?? best(numbers) ?? labels[0]
  if (found === undefined)
    throw damaged(`its outputs (${outputs.map(({ name }) => name).join(', ')}) are neither numbers nor classes`)
  const isLabel = labels.includes(found)
  const name = found.map === undefined ? found.name : found.map.inputs[0]!
  const ending = endingOf(model, name)
  return {
    name,
    type: found.type ?? 'float32',
    zipped: found.map !== undefined,
    isLabel,
    hasLabel: labels.length > 0 || found.map !== undefined,
    columns: found.shape === undefined ? -1 : (found.shape[1] ?? 1),
    ...(classes === undefined || !(labels.length > 0 || found.map !== undefined) ? {} : { classes }),
    ...(ending === undefined ? {} : { ending }),
  }
}

function best(numbers: readonly Output[]): Output | undefined {
  return numbers.find(({ name }) => PROBABLE.test(name)) ?? numbers[0]
}

const ENDINGS: Readonly<Record<string, OnnxAnswer['ending']>> = {
  Softmax: 'softmax',
  SOFTMAX: 'softmax',
  Sigmoid: 'sigmoid',
  LOGISTIC: 'sigmoid',
}

function endingOf({ nodes }: OnnxModel, output: string): OnnxAnswer['ending'] {
  let name = output
  for (const { op, inputs, outputs, attributes } of nodes.toReversed()) {
    if (!outputs.includes(name)) continue
    const transform = attributes.get('post_transform')?.text ?? op
    if (Object.hasOwn(ENDINGS, transform)) return ENDINGS[transform]
    if (!['Identity', 'Cast', 'Reshape', 'Squeeze', 'Flatten'].includes(op)) return undefined
    name = inputs[0] ?? ''
  }
  return undefined
}

function typeOf({ element }: OnnxValue): ElementType | undefined {
  return element === undefined ? undefined : elementType(element)
}

/** The node that gives this output, if it is one of this operator. */
function producer({ nodes }: OnnxModel, name: string, op: string): OnnxNode | undefined {
  return nodes.find(node => node.op === op && node.outputs.includes(name))
}

const LABELS = ['classlabels_strings', 'classlabels_ints', 'classlabels_int64s'] as const

/** Labels as ZipMap or the classifier names them; a list of labels that the place of the largest is looked up in. */
function classesOf({ nodes, constants }: OnnxModel): string[] | undefined {
  const ranked = nodes.toReversed().toSorted((a, b) => Number(b.op === 'ZipMap') - Number(a.op === 'ZipMap'))
  for (const { attributes, op } of ranked) {
    for (const name of LABELS) {
      const found = attributes.get(name)
      const list = found === undefined ? [] : found.texts.length > 0 ? found.texts : found.wholes.map(String)
      if (list.length > 1 && !op.startsWith('SVMRegressor')) return [...list]
    }
  }
  for (const { op, inputs } of ranked) {
    const tensor = op === 'ArrayFeatureExtractor' ? constants.get(inputs[0] ?? '') : undefined
    if (tensor !== undefined && tensor.values.length + (tensor.texts?.length ?? 0) > 1)
      return [...(tensor.texts ?? Array.from(tensor.values, String))]
  }
  return undefined
}

const SQUASHING: ReadonlySet<string> = new Set([
  'Sigmoid',
  'Softmax',
  'Exp',
  'Div',
  'Clip',
  'Normalizer',
  'LpNormalization',
])

/**
 * Whether the numbers beside a class are probabilities, as far as the graph tells: converters call raw scores so, too.
 */
export function looksLikeShares({ nodes }: OnnxModel, { name, zipped, hasLabel }: OnnxAnswer): boolean {
  if (!hasLabel || !(zipped || /prob/i.test(name))) return false
  return nodes.some(({ op, attributes }) => {
    const transform = attributes.get('post_transform')?.text
    if (transform === 'LOGISTIC' || transform === 'SOFTMAX') return true
    if (op === 'SVMClassifier') return (attributes.get('prob_a')?.floats.length ?? 0) > 0
    const weights = attributes.get('class_weights')?.floats ?? []
    if (op === 'TreeEnsembleClassifier') return weights.length > 0 && weights.every(weight => weight >= 0)
    return SQUASHING.has(op) || op === 'Scan' || op === 'TopK'
  })
}
