/**
 * What a new version changes for those who call the model, and which part of the version number that demands (semver.org).
 * The interface is what the server holds callers to: each feature must be sent and no other, values within type and limits,
 * a purpose that is permitted; and it is what answers promise. Better answers are no change of the interface.
 */
import type { Feature, Output } from '../signature.ts'
import type { ModelVersion } from '../version.ts'

export type ChangeLevel = 'major' | 'minor' | 'patch'

export interface InterfaceChange {
  /** What is different: `inputs.age`, `outputs`, `uses`, `task`. */
  readonly field: string
  /** `major` breaks callers; `minor` offers them more; `patch` tells them more. */
  readonly level: ChangeLevel
  /** For people, after the name of the field: `is new: each call must send it`. */
  readonly says: string
}

export type Interface = Pick<ModelVersion, 'signature' | 'task' | 'uses' | 'threshold'>

const LEVELS: readonly ChangeLevel[] = ['patch', 'minor', 'major']

/** All that is different for callers who knew `before`; what weighs most comes first. */
export function interfaceChanges(before: Interface, after: Interface): InterfaceChange[] {
  const changes = [
    ...(before.task === after.task ? [] : [major('task', `was ${before.task}, is ${after.task}`)]),
    ...inputChanges(before.signature.inputs, after.signature.inputs),
    ...outputChanges(before.signature.outputs, after.signature.outputs),
    ...useChanges(before.uses, after.uses),
    ...(before.threshold === after.threshold
      ? []
      : [minor('threshold', `was ${before.threshold ?? 'not said'}, is ${after.threshold ?? 'not said'}`)]),
  ]
  return changes.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))
}

/** The greatest level of changes; `patch` where there are none. */
export function levelOf(changes: readonly InterfaceChange[]): ChangeLevel {
  return LEVELS[Math.max(0, ...changes.map(({ level }) => LEVELS.indexOf(level)))]!
}

const major = (field: string, says: string): InterfaceChange => ({ field, level: 'major', says })
const minor = (field: string, says: string): InterfaceChange => ({ field, level: 'minor', says })
const patch = (field: string, says: string): InterfaceChange => ({ field, level: 'patch', says })

function inputChanges(before: readonly Feature[], after: readonly Feature[]): InterfaceChange[] {
  const [old, now] = [byName(before), byName(after)]
  const gone = before.filter(({ name }) => !now.has(name))
  const added = after.filter(({ name }) => !old.has(name))
  const kept = before.filter(({ name }) => now.has(name))
  return [
    ...gone.map(({ name }) => major(`inputs.${name}`, 'is gone: a call that sends it is refused')),
    ...added.map(({ name }) => major(`inputs.${name}`, 'is new: each call must send it')),
    ...kept.flatMap(feature => inputChange(feature, now.get(feature.name)!)),
    ...orderChange('inputs', before, after, gone.length + added.length === 0),
  ]
}

/** Tables without names (CSV, tensors of many columns) go by the order. */
function orderChange(
  field: string,
  before: readonly { readonly name: string }[],
  after: readonly { readonly name: string }[],
  areSame: boolean,
): InterfaceChange[] {
  const isMoved = areSame && before.some(({ name }, index) => after[index]?.name !== name)
  return isMoved ? [major(field, 'are in another order, which rows without names go by')] : []
}

function inputChange(before: Feature, after: Feature): InterfaceChange[] {
  const field = `inputs.${before.name}`
  const narrower = refusedNow(before, after)
  const wider = refusedNow(after, before)
  const changes: InterfaceChange[] = []
  if (narrower.length > 0) changes.push(major(field, `takes no longer ${narrower.join(', ')}`))
  if (wider.length > 0) changes.push(minor(field, `takes ${wider.join(', ')}, too`))
  changes.push(...unitChange(field, before.unit, after.unit))
  if (before.sensitive !== after.sensitive)
    changes.push(patch(field, after.sensitive ? 'is sensitive' : 'is not sensitive any more'))
  if (before.protected !== after.protected)
    changes.push(patch(field, after.protected ? 'is protected' : 'is not protected any more'))
  if (before.description !== after.description) changes.push(patch(field, 'is described in other words'))
  return changes
}

/** Kinds of values, as a row has them in JSON. */
type Kind = 'whole numbers' | 'fractions' | 'true and false' | 'texts'

const KINDS: Readonly<Record<Feature['type'], readonly Kind[]>> = {
  number: ['whole numbers', 'fractions'],
  integer: ['whole numbers'],
  boolean: ['whole numbers', 'true and false'],
  numeric: ['whole numbers', 'fractions', 'true and false'],
  string: ['texts'],
}

/** What `before` takes and `after` does not. */
function refusedNow(before: Feature, after: Feature): string[] {
  const [old, now] = [KINDS[before.type], KINDS[after.type]]
  const refused: string[] = old.filter(kind => !now.includes(kind))
  if (before.nullable && !after.nullable) refused.push('null')
  if (before.type === 'string' && after.type === 'string') {
    const known = new Set(after.categories)
    refused.push(
      ...(before.categories ?? []).filter(category => !known.has(category)).map(text => JSON.stringify(text)),
    )
  } else if (old.includes('whole numbers') && now.includes('whole numbers')) {
    refused.push(...beyond(limitsOf(before), limitsOf(after)))
  }
  return refused
}

interface Limits {
  readonly minimum: number
  readonly maximum: number
}

function limitsOf({ type, minimum = -Infinity, maximum = Infinity }: Feature | Output): Limits {
  if (type === 'boolean') return { minimum: Math.max(0, minimum), maximum: Math.min(1, maximum) }
  return { minimum, maximum }
}

/** What lies in the first limits and not in the second. */
function beyond(inner: Limits, outer: Limits): string[] {
  const parts: string[] = []
  if (inner.minimum < outer.minimum) parts.push(`values below ${outer.minimum}`)
  if (inner.maximum > outer.maximum) parts.push(`values above ${outer.maximum}`)
  return parts
}

function outputChanges(before: readonly Output[], after: readonly Output[]): InterfaceChange[] {
  const [old, now] = [byName(before), byName(after)]
  const gone = before.filter(({ name }) => !now.has(name))
  const added = after.filter(({ name }) => !old.has(name))
  const kept = before.filter(({ name }) => now.has(name))
  return [
    ...gone.map(({ name }) => major(`outputs.${name}`, 'is not answered any more')),
    ...added.map(({ name }) => minor(`outputs.${name}`, 'is answered, too')),
    ...kept.flatMap(output => outputChange(output, now.get(output.name)!)),
    ...orderChange('outputs', before, after, gone.length + added.length === 0),
  ]
}

/** Readers rely on what an answer may be: more than before breaks them, less does not. */
function outputChange(before: Output, after: Output): InterfaceChange[] {
  const field = `outputs.${before.name}`
  const changes: InterfaceChange[] = []
  if (before.type !== after.type) {
    const isNarrower = before.type === 'number' && after.type === 'integer'
    changes.push((isNarrower ? patch : major)(field, `was of type ${before.type}, is of type ${after.type}`))
  }
  const more = beyond(limitsOf(after), limitsOf(before))
  const less = beyond(limitsOf(before), limitsOf(after))
  if (more.length > 0) changes.push(major(field, `may now be among ${more.join(' and ')}`))
  if (less.length > 0) changes.push(patch(field, `is no longer among ${less.join(' and ')}`))
  changes.push(...unitChange(field, before.unit, after.unit))
  if (before.description !== after.description) changes.push(patch(field, 'is described in other words'))
  return changes
}

/** A unit that is said for the first time describes what was; another one changes what a number means. */
function unitChange(field: string, before: string | undefined, after: string | undefined): InterfaceChange[] {
  if (before === after) return []
  if (before !== undefined && after !== undefined) return [major(field, `was in ${before}, is in ${after}`)]
  return [patch(field, after === undefined ? 'has no unit any more' : `is said to be in ${after}`)]
}

function useChanges(before: ModelVersion['uses'], after: ModelVersion['uses']): InterfaceChange[] {
  const changes: InterfaceChange[] = []
  const isMoreOpen = before.permitted.length > 0 && after.permitted.length === 0
  const withdrawn = isMoreOpen ? [] : before.permitted.filter(purpose => !after.permitted.includes(purpose))
  const granted = after.permitted.filter(purpose => !before.permitted.includes(purpose))
  if (before.permitted.length === 0 && after.permitted.length > 0) {
    changes.push(major('uses.permitted', `is only ${after.permitted.join(', ')} now; any purpose was permitted`))
  } else {
    if (withdrawn.length > 0) changes.push(major('uses.permitted', `has no longer ${withdrawn.join(', ')}`))
    if (granted.length > 0) changes.push(minor('uses.permitted', `has ${granted.join(', ')}, too`))
    if (isMoreOpen) changes.push(minor('uses.permitted', 'is any purpose now'))
  }
  const forbidden = after.prohibited.filter(purpose => !before.prohibited.includes(purpose))
  const freed = before.prohibited.filter(purpose => !after.prohibited.includes(purpose))
  if (forbidden.length > 0) changes.push(major('uses.prohibited', `has ${forbidden.join(', ')} now`))
  if (freed.length > 0) changes.push(minor('uses.prohibited', `has no longer ${freed.join(', ')}`))
  if (before.required === after.required) return changes
  const says = after.required
    ? 'is true now: a call must say its purpose'
    : 'is false now: a call need not say its purpose'
  return [...changes, (after.required ? major : minor)('uses.required', says)]
}

function byName<T extends { readonly name: string }>(all: readonly T[]): ReadonlyMap<string, T> {
  return new Map(all.map(each => [each.name, each]))
}
