/** Any model of a document, and models of models. */

import { readMiningSchema } from './fields.ts'
import type { AnyModel, Combination, MiningModel } from './models.ts'
import { declareDerivedFields } from './read-expression.ts'
import { readGeneralRegression } from './read-general-regression.ts'
import { readNeuralNetwork } from './read-neural-network.ts'
import { predicateOf } from './read-predicate.ts'
import { readRegression } from './read-regression.ts'
import { readScorecard } from './read-scorecard.ts'
import { type Context, type ModelHeader, readOutputs, readTarget, targetFieldOf } from './read-target.ts'
import { readTree } from './read-tree.ts'
import { Scope, treatField } from './scope.ts'
import {
  attribute,
  childOf,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredChild,
  wordAttribute,
} from './xml.ts'

const READERS: Readonly<Record<string, (header: ModelHeader) => AnyModel>> = {
  TreeModel: readTree,
  RegressionModel: readRegression,
  GeneralRegressionModel: readGeneralRegression,
  Scorecard: readScorecard,
  NeuralNetwork: readNeuralNetwork,
  MiningModel: readMining,
}

const ONNX = 'export the model as ONNX instead'
const INSTEAD: Readonly<Record<string, string>> = {
  SupportVectorMachineModel: ONNX,
  NearestNeighborModel: ONNX,
  NaiveBayesModel: ONNX,
  GaussianProcessModel: ONNX,
  BayesianNetworkModel: 'serve it behind a remote server',
  ClusteringModel: 'Bellwether serves predictions of numbers and classes',
  AnomalyDetectionModel: 'save the regression inside it as a model of its own',
  AssociationModel: 'Bellwether serves predictions of numbers and classes',
  SequenceModel: 'Bellwether serves predictions of numbers and classes',
  TimeSeriesModel: 'Bellwether serves predictions of one row at a time',
  TextModel: ONNX,
  RuleSetModel: 'write the rules as a TreeModel',
  BaselineModel: 'Bellwether watches drift itself',
}
const COMBINATIONS: readonly Combination[] = [
  'sum',
  'average',
  'weightedAverage',
  'weightedSum',
  'majorityVote',
  'weightedMajorityVote',
  'max',
  'median',
  'weightedMedian',
  'selectFirst',
  'modelChain',
]
const OF_CLASSES: ReadonlySet<Combination> = new Set(['majorityVote', 'weightedMajorityVote', 'max'])
const OF_NUMBERS: ReadonlySet<Combination> = new Set(['sum', 'weightedSum', 'weightedMedian'])

/** The model among the children of the document or of a segment. */
export function modelElement(parent: Element): Element {
  const element = parent.children.find(
    child => Object.hasOwn(READERS, child.name) || Object.hasOwn(INSTEAD, child.name),
  )
  if (element === undefined) throw refuseAt(parent, 'there is no model in it')
  if (Object.hasOwn(INSTEAD, element.name))
    throw refuseAt(element, `${element.name} is not supported; ${INSTEAD[element.name]}`)
  return element
}

/** Declares what a model derives; its scope has its inputs already. */
export function headerOf(element: Element, context: Context, scope: Scope): ModelHeader {
  const isClassification = wordAttribute(element, 'functionName', ['classification', 'regression']) === 'classification'
  const schema = readMiningSchema(element)
  const targetField = targetFieldOf(schema, isClassification, context)
  declareDerivedFields(childOf(element, 'LocalTransformations'), scope)
  if (attribute(element, 'isScorable') === 'false')
    throw refuseAt(element, 'it says of itself that it cannot be scored (isScorable)')
  return {
    element,
    context,
    scope,
    schema,
    targetField,
    isClassification,
    float: wordAttribute(element, 'x-mathContext', ['double', 'float'], 'double') === 'float',
    target: readTarget(element, targetField, isClassification),
  }
}

export function readModel(header: ModelHeader): AnyModel {
  return READERS[header.element.name]!(header)
}

function readMining(header: ModelHeader): MiningModel {
  const { element, isClassification, float, target, targetField } = header
  const embedded = element.children.find(child => child.name === 'Regression' || child.name === 'DecisionTree')
  if (embedded !== undefined)
    throw refuseAt(embedded, 'a model embedded in a MiningModel is not supported; write it as a segment')
  const segmentation = requiredChild(element, 'Segmentation')
  const method = attribute(segmentation, 'multipleModelMethod')
  if (method === 'x-weightedSum') return miningOf('weightedSum')
  return miningOf(wordAttribute(segmentation, 'multipleModelMethod', COMBINATIONS))

  function miningOf(combination: Combination): MiningModel {
    if (
      combination !== 'modelChain' &&
      combination !== 'selectFirst' &&
      (isClassification ? OF_NUMBERS : OF_CLASSES).has(combination)
    ) {
      throw refuseAt(
        segmentation,
        `multipleModelMethod ${combination} has no meaning in a ${isClassification ? 'classification' : 'regression'}`,
      )
    }
    const segments = childrenOf(segmentation, 'Segment').map(segment => readSegment(segment, header, combination))
    if (segments.length === 0) throw refuseAt(segmentation, 'it has no segments')
    return {
      kind: 'mining',
      isClassification,
      float,
      target,
      outputs: [],
      combination,
      missingPrediction: wordAttribute(
        segmentation,
        'missingPredictionTreatment',
        ['continue', 'skipSegment', 'returnMissing'],
        'continue',
      ),
      missingThreshold: numberAttribute(segmentation, 'missingThreshold') ?? 1,
      segments,
      ...(targetField.labels === undefined ? {} : { labels: targetField.labels }),
    }
  }
}

function readSegment(
  segment: Element,
  { scope, context, isClassification, targetField }: ModelHeader,
  combination: Combination,
): MiningModel['segments'][number] {
  const variable = childOf(segment, 'VariableWeight')
  if (variable !== undefined) throw refuseAt(variable, 'a weight that depends on the row is not supported')
  const predicate = predicateOf(segment, scope)
  const element = modelElement(segment)
  const own = new Scope(scope.document, scope)
  for (const mining of readMiningSchema(element)) {
    if (mining.usage !== 'active') continue
    own.set(mining.name, treatField(scope.document, scope.field(mining.name, mining.element), mining, true))
  }
  const inner = headerOf(element, { ...context, outer: targetField }, own)
  const model = readModel(inner)
  if (combination !== 'modelChain' && inner.isClassification !== isClassification) {
    throw refuseAt(
      element,
      `a ${inner.isClassification ? 'classification' : 'regression'} stands in a model that is none`,
    )
  }
  const outputs = combination === 'modelChain' ? readOutputs(inner, scope) : []
  return { predicate, weight: numberAttribute(segment, 'weight') ?? 1, model: { ...model, outputs } }
}
