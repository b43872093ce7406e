/** What is different between two versions of a model: for callers, in quality, in the artifact, in the data behind it. */
import type { ColumnProfile, ReferenceProfile } from '../profile.ts'
import type { ModelVersion } from '../version.ts'
import { type ChangeLevel, type InterfaceChange, interfaceChanges, levelOf } from './interface-change.ts'
import { type ProfileDistance, profileDistance } from './profile-distance.ts'

/** A number or word of either version; absent where a version has none. */
export interface Difference<T> {
  readonly name: string
  readonly before?: T
  readonly after?: T
}

/** Where a number comes from: measured by us on the evaluation data, or stated by who registered the version. */
export type MetricSource = 'measured' | 'stated'

export interface MetricDifference extends Difference<number> {
  readonly beforeIs?: MetricSource
  readonly afterIs?: MetricSource
}

export interface DataDifference extends Difference<ColumnFacts> {
  /** How far the two lie from one another, where both have the feature. */
  readonly distance?: ProfileDistance
}

/** What the training data of a feature was like. */
export interface ColumnFacts {
  /** Share of rows without a value, 0 … 1. */
  readonly missing: number
  /** Lower bound of the bin that holds the middle value. */
  readonly median?: number
  readonly minimum?: number
  readonly maximum?: number
  /** The most frequent category. */
  readonly mode?: string
}

export interface Comparison {
  readonly model: string
  readonly before: string
  readonly after: string
  /** What the step from the one to the other demands of the version number. */
  readonly level: ChangeLevel
  readonly changes: readonly InterfaceChange[]
  /** Measured by us where we did, else stated; all of either version. */
  readonly metrics: readonly MetricDifference[]
  /** Facts of the artifact that differ: trees, depth, parameters, its format, its bytes. */
  readonly facts: readonly Difference<number | string>[]
  /** Features whose training data differs; empty where a version was registered without. */
  readonly data: readonly DataDifference[]
  /** Why nothing is said of the data, if so. */
  readonly note?: string
}

export interface Compared {
  readonly version: ModelVersion
  readonly profile?: ReferenceProfile | undefined
}

export function compareVersions(before: Compared, after: Compared): Comparison {
  const [old, now] = [before.version, after.version]
  const changes = interfaceChanges(old, now)
  const without = [before, after].filter(({ profile }) => profile === undefined).map(({ version }) => version.version)
  const note = without.length === 0 ? {} : { note: `${without.join(' and ')} came without reference data` }
  return {
    model: now.model,
    before: old.version,
    after: now.version,
    level: levelOf(changes),
    changes,
    metrics: pairs(metricsOf(old), metricsOf(now)).map(each => sourced(each, old, now)),
    facts: pairs(factsOf(old), factsOf(now)).filter(differs),
    data: without.length > 0 ? [] : dataDifferences(before.profile, after.profile),
    ...note,
  }
}

function metricsOf({ measuredMetrics, statedMetrics }: ModelVersion): Readonly<Record<string, number>> {
  return { ...statedMetrics, ...measuredMetrics }
}

function sourced(metric: Difference<number>, before: ModelVersion, after: ModelVersion): MetricDifference {
  const sourceIn = ({ measuredMetrics = {} }: ModelVersion): MetricSource =>
    Object.hasOwn(measuredMetrics, metric.name) ? 'measured' : 'stated'
  return {
    ...metric,
    ...(metric.before === undefined ? {} : { beforeIs: sourceIn(before) }),
    ...(metric.after === undefined ? {} : { afterIs: sourceIn(after) }),
  }
}

function dataDifferences(before: ReferenceProfile | undefined, after: ReferenceProfile | undefined): DataDifference[] {
  const columnIn = (profile: ReferenceProfile | undefined, wanted: string): ColumnProfile | undefined =>
    profile?.features.find(({ name }) => name === wanted)
  return pairs(columnsOf(before), columnsOf(after)).flatMap(each => {
    const [old, now] = [columnIn(before, each.name), columnIn(after, each.name)]
    const distance = old && now && profileDistance(old, now)
    if (!differs(each) && !(distance !== undefined && distance.psi > 0)) return []
    return [{ ...each, ...(distance === undefined ? {} : { distance }) }]
  })
}

function factsOf({ facts, format, objective, artifact, reference }: ModelVersion): Record<string, number | string> {
  const rows = reference === undefined ? {} : { 'training rows': reference.rows }
  return { ...facts, format, objective, 'artifact bytes': artifact.bytes, artifact: artifact.sha256, ...rows }
}

function columnsOf(profile: ReferenceProfile | undefined): Record<string, ColumnFacts> {
  const { features = [], rows = 0 } = profile ?? {}
  return Object.fromEntries(features.map(column => [column.name, columnFacts(column, rows)]))
}

function columnFacts(column: ColumnProfile, rows: number): ColumnFacts {
  const missing = rows === 0 ? 0 : column.missing / rows
  if (column.kind === 'categorical') {
    const most = column.counts.indexOf(Math.max(...column.counts))
    const mode = column.categories[most]
    return { missing, ...(mode === undefined ? {} : { mode }) }
  }
  const { lowers, counts, maximum } = column
  const [minimum] = lowers
  if (minimum === undefined) return { missing }
  const present = counts.reduce((sum, count) => sum + count, 0)
  let below = 0
  const middle = counts.findIndex(count => {
    below += count
    return below * 2 >= present
  })
  return { missing, median: lowers[middle] ?? minimum, minimum, maximum }
}

function pairs<T>(before: Readonly<Record<string, T>>, after: Readonly<Record<string, T>>): Difference<T>[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.map(name => ({
    name,
    ...(Object.hasOwn(before, name) ? { before: before[name]! } : {}),
    ...(Object.hasOwn(after, name) ? { after: after[name]! } : {}),
  }))
}

function differs<T>({ before, after }: Difference<T>): boolean {
  return JSON.stringify(before) !== JSON.stringify(after)
}
