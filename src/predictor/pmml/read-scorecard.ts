/** Scorecards of a document. */
import type { Scorecard } from './models.ts'
import { isExpression, readExpression } from './read-expression.ts'
import { predicateOf } from './read-predicate.ts'
import type { ModelHeader } from './read-target.ts'
import {
  attribute,
  childOf,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredChild,
  requiredNumber,
} from './xml.ts'

export function readScorecard(header: ModelHeader): Scorecard {
  const { element, float, target, isClassification } = header
  if (isClassification) throw refuseAt(element, 'a scorecard answers a number, but its functionName is classification')
  const characteristics = childrenOf(requiredChild(element, 'Characteristics'), 'Characteristic')
  if (characteristics.length === 0) throw refuseAt(element, 'it has no characteristics')
  return {
    kind: 'scorecard',
    isClassification: false,
    float,
    target,
    outputs: [],
    initialScore: numberAttribute(element, 'initialScore') ?? 0,
    characteristics: characteristics.map((characteristic, index) => ({
      name: attribute(characteristic, 'name') ?? `characteristic ${index + 1}`,
      attributes: childrenOf(characteristic, 'Attribute').map(one => readAttribute(one, characteristic, header)),
    })),
  }
}

function readAttribute(
  element: Element,
  characteristic: Element,
  { scope }: ModelHeader,
): Scorecard['characteristics'][number]['attributes'][number] {
  const reasonCode = attribute(element, 'reasonCode') ?? attribute(characteristic, 'reasonCode')
  const inner = childOf(element, 'ComplexPartialScore')?.children.find(isExpression)
  const score =
    inner === undefined
      ? ({ op: 'constant', value: requiredNumber(element, 'partialScore') } as const)
      : readExpression(inner, scope).expression
  return { predicate: predicateOf(element, scope), score, ...(reasonCode === undefined ? {} : { reasonCode }) }
}
