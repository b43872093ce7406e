/** What a model predicts: its target, and the outputs that models after it read. */
import { type DataField, dataTypeOf, type MiningField } from './fields.ts'
import type { OutputField, Share, Target } from './models.ts'
import { isExpression, readExpression } from './read-expression.ts'
import { Scope } from './scope.ts'
import { type DataType, labelOf } from './values.ts'
import {
  attribute,
  childOf,
  childrenOf,
  type Element,
  numberAttribute,
  refuseAt,
  requiredAttribute,
  wordAttribute,
} from './xml.ts'

/** What a model is read in. */
export interface Context {
  readonly scope: Scope
  readonly fields: ReadonlyMap<string, DataField>
  /** The target of the model around it, which a model without one of its own shares. */
  readonly outer?: TargetField
}

export interface TargetField {
  readonly name?: string
  readonly type: DataType
  readonly opType: 'continuous' | 'categorical' | 'ordinal'
  /** In the order of the data dictionary. */
  readonly labels?: readonly string[]
}

/** What every reader of a model starts from. */
export interface ModelHeader {
  readonly element: Element
  readonly context: Context
  readonly scope: Scope
  readonly schema: readonly MiningField[]
  readonly targetField: TargetField
  readonly isClassification: boolean
  readonly float: boolean
  readonly target: Target
}

export function targetFieldOf(
  schema: readonly MiningField[],
  isClassification: boolean,
  { fields, outer }: Context,
): TargetField {
  const targets = schema.filter(field => field.usage === 'target')
  if (targets.length > 1) throw refuseAt(targets[1]!.element, 'it has more than one target; save a model for each')
  const field = fields.get(targets[0]?.name ?? '')
  if (field === undefined) {
    if (targets[0] !== undefined)
      throw refuseAt(targets[0].element, `the data dictionary has no field ${targets[0].name}`)
    if (isClassification && outer !== undefined && outer.opType !== 'continuous') return outer
    return isClassification ? { type: 'string', opType: 'categorical' } : { type: 'double', opType: 'continuous' }
  }
  const labels = field.domain.valid.map(value => labelOf(String(value), field.type))
  const opType = targets[0]!.opType ?? field.opType
  return { name: field.name, type: field.type, opType, ...(labels.length === 0 ? {} : { labels }) }
}

export function readTarget(element: Element, targetField: TargetField, isClassification: boolean): Target {
  const { name, type } = targetField
  const targets = childrenOf(childOf(element, 'Targets'), 'Target')
  const target =
    targets.find(({ attributes }) => !attributes.includes('field')) ??
    targets.find(one => attribute(one, 'field') === name) ??
    (targets.length === 1 ? targets[0] : undefined)
  const plain = {
    type: isClassification || type === 'string' || type === 'boolean' ? 'double' : type,
    rescaleFactor: 1,
    rescaleConstant: 0,
    min: Number.NEGATIVE_INFINITY,
    max: Number.POSITIVE_INFINITY,
  } as const
  if (target === undefined) return plain
  const cast = attribute(target, 'castInteger')
  const values = childrenOf(target, 'TargetValue')
  const fallback = values.length === 1 ? numberAttribute(values[0]!, 'defaultValue') : undefined
  const priors = values.flatMap((value): Share[] => {
    const prior = numberAttribute(value, 'priorProbability')
    return prior === undefined ? [] : [{ label: labelOf(requiredAttribute(value, 'value'), type), value: prior }]
  })
  return {
    type: plain.type,
    rescaleFactor: numberAttribute(target, 'rescaleFactor') ?? 1,
    rescaleConstant: numberAttribute(target, 'rescaleConstant') ?? 0,
    min: numberAttribute(target, 'min') ?? plain.min,
    max: numberAttribute(target, 'max') ?? plain.max,
    ...(cast === undefined ? {} : { castInteger: wordAttribute(target, 'castInteger', ['round', 'ceiling', 'floor']) }),
    ...(fallback === undefined || isClassification ? {} : { fallback }),
    ...(priors.length === 0 ? {} : { priors: shares(target, priors) }),
  }
}

/** Shares that sum to 1. */
export function shares(element: Element, counts: readonly Share[]): readonly Share[] {
  const sum = counts.reduce((total, { value }) => total + value, 0)
  if (!(sum > 0) || counts.some(({ value }) => value < 0))
    throw refuseAt(element, 'its counts or probabilities have no positive sum')
  return Math.abs(sum - 1) < 1e-12 ? counts : counts.map(({ label, value }) => ({ label, value: value / sum }))
}

/**
 * The outputs of a model in a chain become fields of the scope around it.
 * @param around the scope of the chain.
 */
export function readOutputs(header: ModelHeader, around: Scope): readonly OutputField[] {
  const { element, scope, targetField, isClassification } = header
  const own = new Scope(scope.document, scope)
  const outputs: OutputField[] = []
  for (const field of childrenOf(childOf(element, 'Output'), 'OutputField')) {
    const name = requiredAttribute(field, 'name')
    const feature = attribute(field, 'feature') ?? 'predictedValue'
    const value = attribute(field, 'value')
    const slot = scope.document.add({ kind: 'given' })
    const output = readOutput(
      field,
      feature,
      slot,
      own,
      isClassification ? (feature === 'probability' ? 'double' : targetField.type) : 'double',
    )
    if (output === undefined) {
      throw refuseAt(
        field,
        `the output ${feature} is not supported inside a model of models; supported are predictedValue, probability, transformedValue, decision, entityId`,
      )
    }
    outputs.push(
      output.feature === 'probability' && value !== undefined
        ? { ...output, label: labelOf(value, targetField.type) }
        : output,
    )
    const known = {
      slot,
      type: output.type,
      opType: wordAttribute(field, 'optype', ['continuous', 'categorical', 'ordinal'], 'continuous'),
    }
    own.set(name, known)
    around.set(name, known)
  }
  return outputs
}

function readOutput(
  field: Element,
  feature: string,
  slot: number,
  own: Scope,
  natural: DataType,
): OutputField | undefined {
  if (attribute(field, 'segmentId') !== undefined)
    throw refuseAt(field, 'an output of a segment (segmentId) is not supported')
  if (feature === 'transformedValue' || feature === 'decision') {
    const inner = field.children.find(isExpression)
    if (inner === undefined) throw refuseAt(field, 'it has no expression')
    const { expression, type: from } = readExpression(inner, own)
    return { slot, type: dataTypeOf(field, from), feature: 'transformedValue', expression, from }
  }
  const type = dataTypeOf(field, natural)
  return feature === 'predictedValue' || feature === 'probability' || feature === 'entityId'
    ? { slot, type, feature }
    : undefined
}
