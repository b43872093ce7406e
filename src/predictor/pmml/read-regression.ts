/** Regression models of a document. */
import type { Normalization, RegressionModel, RegressionTable } from './models.ts'
import { isExpression, readExpression } from './read-expression.ts'
import type { ModelHeader } from './read-target.ts'
import { comparable } from './scope.ts'
import { labelOf } from './values.ts'
import {
  attribute,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredAttribute,
  requiredNumber,
  wordAttribute,
} from './xml.ts'

const NORMALIZATIONS: readonly Normalization[] = [
  'none',
  'simplemax',
  'softmax',
  'logit',
  'probit',
  'cloglog',
  'exp',
  'loglog',
  'cauchit',
]

export function readRegression(header: ModelHeader): RegressionModel {
  const { element, isClassification, float, target, targetField } = header
  const normalization = wordAttribute(element, 'normalizationMethod', NORMALIZATIONS, 'none')
  const tables = childrenOf(element, 'RegressionTable')
  if (isClassification ? tables.length < 2 : tables.length !== 1) {
    throw refuseAt(
      element,
      `it has ${tables.length} regression tables, wanted ${isClassification ? 'one for each class, two at least' : 'one'}`,
    )
  }
  if (normalization === (isClassification ? 'exp' : 'simplemax')) {
    throw refuseAt(
      element,
      `normalizationMethod ${normalization} has no meaning in a ${isClassification ? 'classification' : 'regression'}`,
    )
  }
  const read = tables.map(table => readTable(table, header))
  if (isClassification && new Set(read.map(({ label }) => label)).size !== read.length)
    throw refuseAt(element, 'two regression tables are of the same class')
  return {
    kind: 'regression',
    isClassification,
    float,
    target,
    outputs: [],
    normalization,
    isOrdinal: isClassification && targetField.opType === 'ordinal',
    tables: read,
  }
}

function readTable(table: Element, { scope, isClassification, targetField }: ModelHeader): RegressionTable {
  const numeric = childrenOf(table, 'NumericPredictor').map(element => ({
    slot: scope.field(requiredAttribute(element, 'name'), element).slot,
    exponent: numberAttribute(element, 'exponent') ?? 1,
    coefficient: requiredNumber(element, 'coefficient'),
  }))
  const categorical = childrenOf(table, 'CategoricalPredictor').map(element => {
    const field = scope.field(requiredAttribute(element, 'name'), element)
    return {
      slot: field.slot,
      value: comparable(field, requiredAttribute(element, 'value')),
      coefficient: requiredNumber(element, 'coefficient'),
    }
  })
  const terms = childrenOf(table, 'PredictorTerm').map(element => ({
    slots: element.children.filter(isExpression).map(child => slotOf(child, scope)),
    coefficient: requiredNumber(element, 'coefficient'),
  }))
  const label = attribute(table, 'targetCategory')
  if (isClassification && label === undefined)
    throw refuseAt(table, 'it does not say of which class it is (targetCategory)')
  return {
    ...(isClassification ? { label: labelOf(label!, targetField.type) } : {}),
    intercept: requiredNumber(table, 'intercept'),
    numeric,
    categorical,
    terms,
  }
}

function slotOf(element: Element, scope: ModelHeader['scope']): number {
  const { expression, type, field } = readExpression(element, scope)
  return field?.slot ?? scope.document.add({ kind: 'derived', expression, from: type, type })
}
