/** Decision trees of a document. */
import type { MissingValueStrategy, Share, TreeModel, TreeNode } from './models.ts'
import { predicateOf } from './read-predicate.ts'
import { type ModelHeader, shares } from './read-target.ts'
import { labelOf, parseValue } from './values.ts'
import {
  attribute,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredAttribute,
  requiredChild,
  wordAttribute,
} from './xml.ts'

const STRATEGIES: readonly MissingValueStrategy[] = [
  'none',
  'lastPrediction',
  'nullPrediction',
  'defaultChild',
  'weightedConfidence',
  'aggregateNodes',
]
const EMBEDDED = new Set(['Regression', 'DecisionTree', 'Partition'])

export function readTree(header: ModelHeader): TreeModel {
  const { element, isClassification, float, target } = header
  const missingValues = wordAttribute(element, 'missingValueStrategy', STRATEGIES, 'none')
  const none = wordAttribute(
    element,
    'noTrueChildStrategy',
    ['returnNullPrediction', 'returnLastPrediction'],
    'returnNullPrediction',
  )
  wordAttribute(element, 'splitCharacteristic', ['binarySplit', 'multiSplit'], 'multiSplit')
  return {
    kind: 'tree',
    isClassification,
    float,
    target,
    outputs: [],
    missingValues,
    lastWhenNone: none === 'returnLastPrediction',
    root: readNode(requiredChild(element, 'Node'), header, missingValues),
  }
}

function readNode(element: Element, header: ModelHeader, strategy: MissingValueStrategy): TreeNode {
  const embedded = element.children.find(child => EMBEDDED.has(child.name) && child.name !== 'Partition')
  if (embedded !== undefined)
    throw refuseAt(embedded, 'a model inside a node of a tree is not supported; write it as a segment of a MiningModel')
  const nodes = childrenOf(element, 'Node')
  const id = attribute(element, 'id')
  const score = scoreOf(element, header)
  const recordCount = numberAttribute(element, 'recordCount')
  const distribution = header.isClassification ? readShares(element, header) : undefined
  if (nodes.length === 0 && score === undefined && distribution === undefined)
    throw refuseAt(element, 'a leaf has neither a score nor a distribution')
  const defaultChild = strategy === 'defaultChild' && nodes.length > 0 ? defaultChildOf(element, nodes) : undefined
  return {
    ...(id === undefined ? {} : { id }),
    predicate: predicateOf(element, header.scope),
    ...(score === undefined ? {} : { score }),
    ...(recordCount === undefined ? {} : { recordCount }),
    ...(distribution === undefined ? {} : { shares: distribution }),
    children: nodes.map(node => readNode(node, header, strategy)),
    ...(defaultChild === undefined ? {} : { defaultChild }),
  }
}

function scoreOf(element: Element, { isClassification, targetField }: ModelHeader): string | undefined {
  const text = attribute(element, 'score')
  if (text === undefined) return undefined
  if (isClassification) return labelOf(text, targetField.type)
  if (!Number.isFinite(parseValue(text, 'double')))
    throw refuseAt(element, `the score ${JSON.stringify(text)} is no number`)
  return text
}

function readShares(element: Element, { targetField }: ModelHeader): readonly Share[] | undefined {
  const elements = childrenOf(element, 'ScoreDistribution')
  if (elements.length === 0) return undefined
  // So the specification wants it: where one has a probability, all have.
  const name = attribute(elements[0]!, 'probability') === undefined ? 'recordCount' : 'probability'
  const seen = new Set<string>()
  const counts = elements.map(share => {
    const label = labelOf(requiredAttribute(share, 'value'), targetField.type)
    if (seen.has(label)) throw refuseAt(share, `the class ${label} stands there twice`)
    seen.add(label)
    requiredAttribute(share, name)
    return { label, value: numberAttribute(share, name)! }
  })
  return shares(element, counts)
}

function defaultChildOf(element: Element, nodes: readonly Element[]): number | undefined {
  const id = attribute(element, 'defaultChild')
  if (id === undefined) return undefined
  const index = nodes.findIndex(node => attribute(node, 'id') === id)
  if (index < 0) throw refuseAt(element, `its default child ${JSON.stringify(id)} is none of its children`)
  return index
}
