/** General regression models of a document: parameters, the predictors they correlate with, and their estimates. */
import type { GeneralLink, GeneralRegressionModel, Parameter } from './models.ts'
import { readTexts } from './read-predicate.ts'
import type { ModelHeader } from './read-target.ts'
import { comparable, type Field } from './scope.ts'
import { labelOf } from './values.ts'
import {
  attribute,
  childOf,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredAttribute,
  requiredChild,
  requiredNumber,
  wordAttribute,
} from './xml.ts'

const TYPES = ['regression', 'generalLinear', 'generalizedLinear', 'multinomialLogistic', 'ordinalMultinomial'] as const
const LINKS: readonly GeneralLink[] = [
  'identity',
  'log',
  'logc',
  'logit',
  'probit',
  'cloglog',
  'loglog',
  'negbin',
  'oddspower',
  'power',
]
const CUMULATIVE: readonly GeneralLink[] = ['logit', 'probit', 'cloglog', 'loglog', 'cauchit']

interface Factor {
  readonly field: Field
  /** Where a contrast matrix stands in place of indicators: its rows by category. */
  readonly contrasts?: ReadonlyMap<string, readonly number[]>
}

export function readGeneralRegression(header: ModelHeader): GeneralRegressionModel {
  const { element, isClassification, float, target, scope } = header
  if (attribute(element, 'modelType') === 'CoxRegression') {
    throw refuseAt(
      element,
      'CoxRegression is not supported; save the linear predictor as a RegressionModel with normalizationMethod exp',
    )
  }
  const modelType = wordAttribute(element, 'modelType', TYPES)
  const isMultiple = modelType === 'multinomialLogistic' || modelType === 'ordinalMultinomial'
  if (isClassification ? modelType === 'regression' || modelType === 'generalLinear' : isMultiple) {
    throw refuseAt(
      element,
      `the model type ${modelType} is none of a ${isClassification ? 'classification' : 'regression'}`,
    )
  }
  const slotOf = (name: string): number | undefined => {
    const field = attribute(element, name)
    return field === undefined ? undefined : scope.field(field, element).slot
  }
  const [offsetSlot, trialsSlot] = [slotOf('offsetVariable'), slotOf('trialsVariable')]
  const [offset, trials] = [numberAttribute(element, 'offsetValue'), numberAttribute(element, 'trialsValue')]
  return {
    kind: 'general-regression',
    isClassification,
    float,
    target,
    outputs: [],
    modelType,
    ...linkOf(element, modelType),
    ...(offset === undefined ? {} : { offset }),
    ...(offsetSlot === undefined ? {} : { offsetSlot }),
    ...(trials === undefined ? {} : { trials }),
    ...(trialsSlot === undefined ? {} : { trialsSlot }),
    ...readSums(header, modelType),
  }
}

function linkOf(
  element: Element,
  modelType: GeneralRegressionModel['modelType'],
): { link: GeneralLink; linkParameter: number } {
  if (modelType === 'ordinalMultinomial')
    return { link: wordAttribute(element, 'cumulativeLink', CUMULATIVE, 'logit'), linkParameter: 0 }
  if (modelType !== 'generalizedLinear') return { link: 'identity', linkParameter: 0 }
  const link = wordAttribute(element, 'linkFunction', LINKS)
  if (link === 'negbin') return { link, linkParameter: requiredNumber(element, 'distParameter') }
  const isPower = link === 'oddspower' || link === 'power'
  return { link, linkParameter: isPower ? requiredNumber(element, 'linkParameter') : 0 }
}

function readSums(
  header: ModelHeader,
  modelType: GeneralRegressionModel['modelType'],
): Pick<GeneralRegressionModel, 'sums' | 'labels'> {
  const { element, isClassification, targetField } = header
  const label = (cell: Element): string => {
    const text = attribute(cell, 'targetCategory')
    return text === undefined ? '' : labelOf(text, targetField.type)
  }
  const cells = Map.groupBy(childrenOf(requiredChild(element, 'ParamMatrix'), 'PCell'), label)
  const predictors = readCorrelations(header, label)
  const estimates = (name: string, of: readonly Element[]): readonly Parameter[] =>
    of.map(cell => {
      const parameter = requiredAttribute(cell, 'parameterName')
      const own = predictors.get(name)?.get(parameter) ?? predictors.get('')?.get(parameter)
      return { beta: requiredNumber(cell, 'beta'), factors: own?.factors ?? [], covariates: own?.covariates ?? [] }
    })
  if (!isClassification) return { sums: [estimates('', [...cells.values()].flat())], labels: [] }
  const labels = orderedLabels(header, cells, modelType)
  const sums = labels.slice(0, -1).map(name => {
    const own = cells.get(name) ?? []
    const all = cells.get('') ?? []
    if (modelType === 'ordinalMultinomial') return estimates(name, [...all, ...own])
    const chosen = own.length > 0 ? own : labels.length === 2 ? all : []
    if (chosen.length === 0) throw refuseAt(element, `there is no estimate of the class ${name}`)
    return estimates(name, chosen)
  })
  return { sums, labels }
}

/** The reference class is the last. */
function orderedLabels(
  { element, targetField }: ModelHeader,
  cells: ReadonlyMap<string, readonly Element[]>,
  modelType: GeneralRegressionModel['modelType'],
): readonly string[] {
  const labels = targetField.labels
  if (labels === undefined || labels.length < 2)
    throw refuseAt(element, 'the data dictionary does not list the values of its target')
  if (modelType === 'ordinalMultinomial') return labels
  const text = attribute(element, 'targetReferenceCategory')
  const reference = text === undefined ? labels.filter(label => !cells.has(label)) : [labelOf(text, targetField.type)]
  if (reference.length !== 1 || !labels.includes(reference[0]!))
    throw refuseAt(element, 'it has no reference class (targetReferenceCategory)')
  return [...labels.filter(label => label !== reference[0]), reference[0]!]
}

type Product = Pick<Parameter, 'factors' | 'covariates'>

/** By class ('' for all) and parameter. */
function readCorrelations(
  header: ModelHeader,
  label: (cell: Element) => string,
): ReadonlyMap<string, ReadonlyMap<string, Product>> {
  const { element, scope } = header
  const factors = readFactors(childOf(element, 'FactorList'), header)
  const covariates = new Set(
    childrenOf(childOf(element, 'CovariateList'), 'Predictor').map(predictor => requiredAttribute(predictor, 'name')),
  )
  const found = new Map<
    string,
    Map<string, { factors: Parameter['factors'][number][]; covariates: Parameter['covariates'][number][] }>
  >()
  for (const cell of childrenOf(childOf(element, 'PPMatrix'), 'PPCell')) {
    const name = requiredAttribute(cell, 'predictorName')
    const parameters = found.get(label(cell)) ?? new Map()
    found.set(label(cell), parameters)
    const parameter = requiredAttribute(cell, 'parameterName')
    const product = parameters.get(parameter) ?? { factors: [], covariates: [] }
    parameters.set(parameter, product)
    const factor = factors.get(name)
    if (factor !== undefined) product.factors.push(cellOf(cell, factor))
    else if (covariates.has(name))
      product.covariates.push({ slot: scope.field(name, cell).slot, exponent: requiredNumber(cell, 'value') })
    else throw refuseAt(cell, `the predictor ${name} is neither a factor nor a covariate`)
  }
  return found
}

function cellOf(cell: Element, { field, contrasts }: Factor): Parameter['factors'][number] {
  const text = requiredAttribute(cell, 'value')
  if (contrasts === undefined) return { slot: field.slot, values: [comparable(field, text)], contrasts: [1] }
  const column = [...contrasts.keys()].indexOf(text)
  if (column < 0) throw refuseAt(cell, `the category ${JSON.stringify(text)} is none of its factor`)
  const rows = [...contrasts]
  return {
    slot: field.slot,
    values: rows.map(([category]) => comparable(field, category)),
    contrasts: rows.map(([, row]) => row[column] ?? 0),
  }
}

function readFactors(list: Element | undefined, { scope }: ModelHeader): ReadonlyMap<string, Factor> {
  const factors = new Map<string, Factor>()
  for (const predictor of childrenOf(list, 'Predictor')) {
    const name = requiredAttribute(predictor, 'name')
    const field = scope.field(name, predictor)
    const matrix = childOf(predictor, 'Matrix')
    factors.set(name, matrix === undefined ? { field } : { field, contrasts: readContrasts(predictor, matrix) })
  }
  return factors
}

function readContrasts(predictor: Element, matrix: Element): ReadonlyMap<string, readonly number[]> {
  wordAttribute(matrix, 'kind', ['any'], 'any')
  const categories = childrenOf(requiredChild(predictor, 'Categories'), 'Category').map(category =>
    requiredAttribute(category, 'value'),
  )
  const rows = childrenOf(matrix, 'Array').map(row => readTexts(row).map(Number))
  if (rows.length !== categories.length || rows.flat().some(value => !Number.isFinite(value))) {
    throw refuseAt(
      matrix,
      `it has ${rows.length} rows of numbers, wanted one for each of ${categories.length} categories`,
    )
  }
  return new Map(categories.map((category, index) => [category, rows[index]!]))
}
