/**
 * PMML 3.x to 4.4 documents (https://dmg.org/pmml/v4-4-1/GeneralStructure.html), as sklearn2pmml, r2pmml, the R package pmml and
 * nyoka write them. Where the specification leaves something open, what JPMML-Evaluator does is done.
 *
 * A classification answers the probability of the second of two classes, or that of each class; classes stand in the order in
 * which the data dictionary lists the values of the target, else in that in which the model names them.
 */
import { Problem } from '../../errors.ts'
import type { Forest } from '../forest.ts'
import type { ModelHead } from '../predictor.ts'
import { compilePmml } from './compile.ts'
import { readDataFields, readMiningSchema } from './fields.ts'
import type { AnyModel, TreeNode } from './models.ts'
import type { PmmlModel } from './pmml.ts'
import { declareDerivedFields, declareFunctions } from './read-expression.ts'
import { headerOf, modelElement, readModel } from './read-model.ts'
import type { ModelHeader } from './read-target.ts'
import { Document, declareInputs, type InputColumn, Scope } from './scope.ts'
import { attribute, childOf, type Element, readXml, refusal, refuseAt } from './xml.ts'

/** Throws `invalid`, naming the element and its line, where a document is wrong or asks for what is not supported. */
export function loadPmml(bytes: Uint8Array): PmmlModel | Forest {
  return compilePmml(readPmml(bytes))
}

/** The document as it is written, to be evaluated as such. */
export function readPmml(bytes: Uint8Array): PmmlModel {
  try {
    return readDocument(readXml(bytes))
  } catch (error) {
    if (error instanceof Problem) throw error
    if (error instanceof RangeError) throw refusal('it is nested too deep')
    throw error
  }
}

function readDocument(root: Element): PmmlModel {
  if (root.name !== 'PMML') throw refusal(`its root is <${root.name}>, wanted <PMML>`)
  const version = attribute(root, 'version') ?? ''
  if (!/^[34](\.\d+)*$/.test(version))
    throw refusal(`its version is ${JSON.stringify(version)}; supported are 3.0 to 4.4`)
  const document = new Document()
  const scope = new Scope(document)
  const fields = readDataFields(root)
  const element = modelElement(root)
  const columns = declareInputs(scope, fields, readMiningSchema(element))
  if (columns.length === 0) throw refuseAt(element, 'its mining schema has no active fields')
  const dictionary = childOf(root, 'TransformationDictionary')
  declareFunctions(dictionary, scope)
  declareDerivedFields(dictionary, scope)
  const header = headerOf(element, { scope, fields }, scope)
  const model = readModel(header)
  for (const { categories, mentions } of columns) {
    if (categories !== undefined && mentions !== undefined) {
      for (const text of [...mentions].sort()) if (!categories.includes(text)) categories.push(text)
    }
  }
  const labels = model.isClassification ? labelsOf(header, model) : []
  return {
    ...headOf(header, columns, labels, factsOf(root, model)),
    kind: 'pmml',
    slots: document.slots,
    model,
    labels,
  }
}

function headOf(
  { element, isClassification }: ModelHeader,
  columns: readonly InputColumn[],
  labels: readonly string[],
  facts: ModelHead['facts'],
): ModelHead {
  const types: Readonly<Record<string, string>> = { integer: 'int', boolean: 'i', string: 'c' }
  return {
    format: 'pmml',
    task: isClassification ? (labels.length > 2 ? 'multiclass' : 'binary') : 'regression',
    objective: attribute(element, 'algorithmName') ?? attribute(element, 'modelName') ?? element.name,
    features: columns.map(({ field }) => field.name),
    featureTypes: columns.map(({ field }) => types[field.type] ?? 'float'),
    named: true,
    categories: columns.map(({ categories }) => categories),
    unseen: 'other',
    ...(isClassification ? { classes: labels } : {}),
    answers: isClassification ? 'probability' : 'number',
    facts,
  }
}

function labelsOf({ element, targetField }: ModelHeader, model: AnyModel): readonly string[] {
  const named = [...new Set(namedLabels(model))]
  const labels = targetField.labels ?? []
  const all = [...labels, ...named.filter(label => !labels.includes(label))]
  if (all.length < 2) throw refuseAt(element, `it is a classification of ${all.length} classes, wanted two at least`)
  return all
}

function namedLabels(model: AnyModel): readonly string[] {
  switch (model.kind) {
    case 'tree':
      return nodeLabels(model.root)
    case 'regression':
      return model.tables.map(({ label }) => label!)
    case 'general-regression':
      return model.labels
    case 'neural-network':
      return model.results.map(({ label }) => label!)
    case 'mining':
      return model.segments.flatMap(segment => (segment.model.isClassification ? namedLabels(segment.model) : []))
    case 'scorecard':
      return []
  }
}

function nodeLabels({ shares, score, children }: TreeNode): readonly string[] {
  if (shares !== undefined) return [...shares.map(({ label }) => label), ...children.flatMap(nodeLabels)]
  return [...(score === undefined ? [] : [score]), ...children.flatMap(nodeLabels)]
}

function factsOf(root: Element, model: AnyModel): ModelHead['facts'] {
  const header = childOf(root, 'Header')
  const application = header === undefined ? undefined : childOf(header, 'Application')
  const name = application === undefined ? undefined : attribute(application, 'name')
  const counts = { models: 0, trees: 0, leaves: 0, depth: 0 }
  count(model, counts)
  const reasonCodes = model.kind === 'scorecard' ? { reasonCodes: reasons(model) } : {}
  return {
    pmml: attribute(root, 'version') ?? '',
    ...(name === undefined ? {} : { writtenBy: `${name} ${attribute(application!, 'version') ?? ''}`.trim() }),
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value > 0)),
    ...reasonCodes,
  }
}

function reasons(model: Extract<AnyModel, { kind: 'scorecard' }>): string {
  const codes = model.characteristics.flatMap(({ attributes }) =>
    attributes.flatMap(({ reasonCode }) => reasonCode ?? []),
  )
  return [...new Set(codes)].join(', ')
}

function count(model: AnyModel, counts: { models: number; trees: number; leaves: number; depth: number }): void {
  counts.models++
  if (model.kind === 'mining') for (const segment of model.segments) count(segment.model, counts)
  if (model.kind !== 'tree') return
  counts.trees++
  const walk = (node: TreeNode, depth: number): void => {
    if (node.children.length === 0) counts.leaves++
    counts.depth = Math.max(counts.depth, depth)
    for (const child of node.children) walk(child, depth + 1)
  }
  walk(model.root, 0)
}
