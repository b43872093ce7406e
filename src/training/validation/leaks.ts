/** Probes for what a model cannot know in production, and for evaluation data that is not new to it. */
import type { Feature } from '../../registry/signature.ts'
import { type DeclaredValidation, LEAK_PROBES, type LeakProbe } from '../../registry/validation-keys.ts'
import type { JudgedTask } from './measures.ts'
import { keysOf, type Prepared } from './prepare.ts'
import { type Check, percent, shown } from './report.ts'
import { strengthOf } from './strength.ts'

export const SINGLE_FEATURE = 0.98
const OVERLAP = 0.01
/** A perfect feature is perfect by chance in fewer rows. */
const ROWS_MIN = 30
/** With more of the reference rows having a twin among themselves, a twin in the evaluation data says nothing. */
const TWINS_MAX = 0.5
/** Distinct values by rows from which on a column looks like names of rows. */
const ID_DISTINCT = 0.99
const ID_ROWS_MIN = 100
/** Numbers as long as these are rarely measured, and often given out. */
const LONG_NUMBER = 1e8
/** From the year 2001 to 2100: numbers that look like seconds since the epoch. */
const SECONDS = [1e9, 4.1e9] as const

export interface LeakData {
  readonly inputs: readonly Feature[]
  readonly task: JudgedTask
  readonly evaluation: Prepared & { readonly truth: Float64Array }
  /** Absent where the version was registered without. */
  readonly reference?: Prepared
  /** Whether both are one file. */
  readonly isOneFile?: boolean
  /** When the validation is made: what comes later is the future. */
  readonly now: number
}

type Declared = NonNullable<DeclaredValidation['leaks']>

interface Probed extends LeakData {
  /** How much each feature alone says of the target; −∞ where it cannot be told. */
  readonly strengths: readonly number[]
}

const PROBES: Readonly<Record<LeakProbe, (data: Probed, declared: Declared) => Iterable<Check>>> = {
  targetCopy: targetCopies,
  singleFeature: tooGoodFeatures,
  id: ids,
  future: futureMoments,
  overlap: overlaps,
  groups: sharedGroups,
  time: earlyRows,
}

export function leakChecks(given: LeakData, declared: Declared = {}): Check[] {
  const data: Probed = { ...given, strengths: strengths(given) }
  return LEAK_PROBES.flatMap(probe => {
    if (declared.off?.includes(probe)) {
      return [check(probe, undefined, 'skipped', `The probe ${probe} is switched off in model.yaml`)]
    }
    const found = [...PROBES[probe](data, declared)]
    return found.map(one =>
      isAccepted(one, probe, declared) ? { ...one, status: 'passed', says: accepted(one) } : one,
    )
  })
}

function isAccepted({ name, status }: Check, probe: LeakProbe, { accepted = [] }: Declared): boolean {
  return status === 'failed' && accepted.some(feature => name === `leaks.${probe}.${feature}`)
}

function accepted({ says }: Check): string {
  return `Accepted in model.yaml: ${says.slice(0, 1).toLowerCase()}${says.slice(1)}`
}

function check(
  probe: LeakProbe,
  feature: string | undefined,
  status: Check['status'],
  says: string,
  numbers: Pick<Check, 'value' | 'limit'> = {},
): Check {
  return {
    about: 'leaks',
    name: `leaks.${probe}${feature === undefined ? '' : `.${feature}`}`,
    status,
    says,
    ...numbers,
  }
}

/** Strength of each feature in each data set that has the truth; the strongest counts. */
function strengths({ inputs, task, evaluation, reference }: LeakData): number[] {
  const sets = [evaluation, reference].filter(set => set?.truth !== undefined && set.rows >= ROWS_MIN)
  return inputs.map((feature, at) => {
    const found = sets.map(set => strengthOf(set!.features[at]!, feature.type === 'string', set!.truth!, task))
    return found.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  })
}

function* targetCopies({ inputs, strengths: found }: Probed): Iterable<Check> {
  let any = false
  for (const [at, { name }] of inputs.entries()) {
    if (found[at] !== 1) continue
    any = true
    yield check(
      'targetCopy',
      name,
      'failed',
      `The feature ${name} alone tells the target without error: it is a copy of it`,
      { value: 1 },
    )
  }
  if (any) return
  if (found.every(value => value === Number.NEGATIVE_INFINITY)) {
    yield check(
      'targetCopy',
      undefined,
      'skipped',
      `Cannot tell: fewer than ${ROWS_MIN} rows, or a target that does not vary`,
    )
  } else yield check('targetCopy', undefined, 'passed', 'No feature is a copy of the target')
}

function* tooGoodFeatures(data: Probed, { singleFeature: limit = SINGLE_FEATURE }: Declared): Iterable<Check> {
  const found = data.strengths
  const measure = data.task === 'regression' ? '|Spearman|' : 'ROC-AUC'
  let [best, most] = [-1, Number.NEGATIVE_INFINITY]
  let any = false
  for (const [at, { name }] of data.inputs.entries()) {
    const value = found[at]!
    if (value > most) [best, most] = [at, value]
    if (value === 1 || value < limit) continue
    any = true
    const says = `The feature ${name} alone reaches a ${measure} of ${shown(value)}, which is too good to be known beforehand (limit ${limit})`
    yield check('singleFeature', name, 'failed', says, { value, limit })
  }
  if (any || best < 0) return
  const says = `The strongest feature alone is ${data.inputs[best]!.name} with a ${measure} of ${shown(most)}`
  yield check('singleFeature', undefined, 'passed', says, { value: most, limit })
}

function* ids({ inputs, evaluation, reference }: LeakData): Iterable<Check> {
  const { rows, features } = reference ?? evaluation
  if (rows < ID_ROWS_MIN) {
    yield check('id', undefined, 'skipped', `Cannot tell: ${rows} rows, wanted at least ${ID_ROWS_MIN}`)
    return
  }
  let any = false
  for (const [at, feature] of inputs.entries()) {
    const why = idSign(features[at]!, feature)
    if (why === undefined) continue
    any = true
    yield check('id', feature.name, 'failed', `The feature ${feature.name} looks like an id: ${why}`)
  }
  if (!any) yield check('id', undefined, 'passed', 'No feature looks like an id')
}

function idSign(values: Float64Array, { type }: Feature): string | undefined {
  const present = values.filter(value => !Number.isNaN(value))
  const distinct = new Set(present).size
  if (present.length < ID_ROWS_MIN || distinct < ID_DISTINCT * present.length) return undefined
  if (type === 'string') return `${distinct} texts in ${present.length} rows`
  if (!present.every(Number.isInteger)) return undefined
  const isRising = present.every((value, row) => row === 0 || value > present[row - 1]!)
  if (isRising) return 'whole numbers that rise from row to row'
  const [least, most] = [present.reduce((a, b) => Math.min(a, b)), present.reduce((a, b) => Math.max(a, b))]
  if (most - least < 1.5 * present.length) return `${distinct} whole numbers in ${present.length} rows, close together`
  if (least >= LONG_NUMBER && epochUnit(present) === undefined) return 'long whole numbers, a different one in each row'
  return undefined
}

/** Milliseconds in the unit of numbers that look like moments since the epoch. */
function epochUnit(values: Float64Array): number | undefined {
  const [from, to] = SECONDS
  const isWithin = (unit: number): boolean => values.every(value => value >= from * unit && value <= to * unit)
  if (values.length === 0) return undefined
  return isWithin(1) ? 1000 : isWithin(1000) ? 1 : undefined
}

function* futureMoments(data: LeakData, { time }: Declared): Iterable<Check> {
  let any = false
  let moments = 0
  for (const [at, { name }] of data.inputs.entries()) {
    if (name === time) continue
    for (const set of [data.evaluation, data.reference]) {
      const values = set?.features[at]
      const unit = values && epochUnit(values.filter(value => !Number.isNaN(value)))
      if (values === undefined || unit === undefined) continue
      moments++
      const asked = askedAt(set!, time)
      const late = values.reduce((count, value, row) => {
        const limit = asked === undefined || Number.isNaN(asked[row]) ? data.now : asked[row]!
        return value * unit > limit ? count + 1 : count
      }, 0)
      if (late === 0) continue
      any = true
      const than = asked === undefined ? 'this validation' : `${time} of their row`
      const says = `The feature ${name} holds moments that are later than ${than}, in ${late} of ${values.length} rows`
      yield check('future', name, 'failed', says, { value: late / values.length, limit: 0 })
      break
    }
  }
  if (any) return
  const says = moments === 0 ? 'No feature looks like a moment in time' : 'No feature holds a moment of the future'
  yield check('future', undefined, 'passed', says)
}

/** When each row was asked, milliseconds since the epoch; undefined where nobody says, or in another unit. */
function askedAt({ table }: Prepared, time: string | undefined): Float64Array | undefined {
  const column = time === undefined ? undefined : table.columns.get(time)
  if (column === undefined) return undefined
  const values = keysOf(column)
  const unit = epochUnit(values.filter(value => !Number.isNaN(value)))
  return unit === undefined ? undefined : values.map(value => value * unit)
}

function* overlaps(
  { evaluation, reference, isOneFile }: LeakData,
  { overlap: limit = OVERLAP }: Declared,
): Iterable<Check> {
  if (reference === undefined) {
    yield check('overlap', undefined, 'skipped', 'Cannot tell: the version was registered without reference data')
    return
  }
  if (isOneFile === true) {
    yield check('overlap', undefined, 'failed', 'The evaluation data is the reference data', { value: 1, limit })
    return
  }
  const { share, twins } = overlapOf(reference, evaluation)
  const numbers = { value: share, limit: limit + twins }
  if (twins > TWINS_MAX) {
    const says = `Cannot tell: ${percent(twins)} of the reference rows have a twin among themselves`
    yield check('overlap', undefined, 'skipped', says, numbers)
    return
  }
  const status = share - twins > limit ? 'failed' : 'passed'
  const says = `${percent(share)} of the evaluation rows stand in the reference data; chance explains ${percent(twins)}`
  yield check('overlap', undefined, status, says, numbers)
}

/**
 * Share of the evaluation rows whose features stand in the reference data, and the share that chance explains: that of reference
 * rows with a twin among themselves.
 */
export function overlapOf(
  reference: Pick<Prepared, 'rows' | 'features'>,
  evaluation: Pick<Prepared, 'rows' | 'features'>,
): { readonly share: number; readonly twins: number } {
  const seen = new Map<number, number>()
  const keys = rowKeys(reference)
  for (const key of keys) seen.set(key, (seen.get(key) ?? 0) + 1)
  const twins = keys.reduce((count, key) => count + (seen.get(key)! > 1 ? 1 : 0), 0) / reference.rows
  const there = rowKeys(evaluation).reduce((count, key) => count + (seen.has(key) ? 1 : 0), 0)
  return { share: there / evaluation.rows, twins }
}

/** A number of 53 bits for the features of each row. */
function rowKeys({ rows, features }: Pick<Prepared, 'rows' | 'features'>): Float64Array {
  const [high, low] = [new Int32Array(rows).fill(0x1b873593), new Int32Array(rows).fill(0x2545f491)]
  const number = new Float64Array(1)
  const words = new Int32Array(number.buffer)
  for (const column of features) {
    for (let row = 0; row < rows; row++) {
      number[0] = column[row]! + 0 // −0 is 0
      if (Number.isNaN(number[0])) number[0] = Number.NaN // of one spelling
      for (const word of words) {
        high[row] = Math.imul(high[row]! ^ word, 0x85ebca6b) ^ (low[row]! >>> 13)
        low[row] = Math.imul(low[row]! ^ word, 0xc2b2ae35) ^ (high[row]! >>> 16)
      }
    }
  }
  return Float64Array.from(high, (word, row) => (word & 0x1fffff) * 2 ** 32 + (low[row]! >>> 0))
}

function* sharedGroups({ evaluation, reference }: LeakData, { group }: Declared): Iterable<Check> {
  if (group === undefined || reference === undefined) {
    const why = group === undefined ? 'model.yaml names no group' : 'the version was registered without reference data'
    yield check('groups', undefined, 'skipped', `Not asked: ${why}`)
    return
  }
  const known = new Set(keysOf(reference.table.columns.get(group)!).filter(key => !Number.isNaN(key)))
  const found = new Set(keysOf(evaluation.table.columns.get(group)!).filter(key => !Number.isNaN(key)))
  const shared = [...found].filter(key => known.has(key)).length
  const says =
    shared === 0
      ? `No ${group} stands in both data sets`
      : `${shared} of ${found.size} values of ${group} in the evaluation data stand in the reference data as well`
  yield check('groups', undefined, shared === 0 ? 'passed' : 'failed', says, { value: shared, limit: 0 })
}

function* earlyRows({ evaluation, reference }: LeakData, { time, gap = 0 }: Declared): Iterable<Check> {
  if (time === undefined || reference === undefined) {
    const why = time === undefined ? 'model.yaml names no time' : 'the version was registered without reference data'
    yield check('time', undefined, 'skipped', `Not asked: ${why}`)
    return
  }
  const before = keysOf(reference.table.columns.get(time)!).filter(at => !Number.isNaN(at))
  const after = keysOf(evaluation.table.columns.get(time)!).filter(at => !Number.isNaN(at))
  if (before.length === 0 || after.length === 0) {
    yield check('time', undefined, 'failed', `The column ${time} has no moments that could be compared`)
    return
  }
  const end = before.reduce((a, b) => Math.max(a, b))
  const early = after.reduce((count, at) => count + (at <= end || at < end + gap ? 1 : 0), 0)
  const wanted = gap === 0 ? '' : `, with a gap of ${gap}`
  const says =
    early === 0
      ? `All evaluation rows are later than the reference data${wanted}`
      : `${early} of ${after.length} evaluation rows are not later than the reference data${wanted}`
  yield check('time', undefined, early === 0 ? 'passed' : 'failed', says, { value: early / after.length, limit: 0 })
}
