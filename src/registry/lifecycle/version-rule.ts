/** Whether a version number keeps what it promises: what breaks callers begins a new major version. */
import { Problem } from '../../errors.ts'
import { compareSemver } from '../semver.ts'
import type { ModelVersion } from '../version.ts'
import { type InterfaceChange, interfaceChanges, levelOf } from './interface-change.ts'

/** What becomes of a version that breaks callers under a number that says it does not. */
export type VersionRule = 'refuse' | 'tell'

const TOLD_MAX = 5

/** The releases next to a version: the greatest below it and the smallest above it, where there are such. */
export interface Neighbours<T = ModelVersion> {
  readonly before?: T | undefined
  readonly after?: T | undefined
}

/**
 * What a new version changes against the releases next to it; pre-releases are none, for those promise nothing (semver.org §9).
 * Returns sentences for who registers it.
 *
 * Throws `invalid` where callers break, the number says that they do not, and `rule` is `refuse`: those of the release below, or those
 * of this version, by the release above that is there already. Versions 0.y.z may change at any time (§4).
 */
export function judgeNumber({ before, after }: Neighbours, version: ModelVersion, rule: VersionRule): string[] {
  return [
    ...(before === undefined ? [] : judgeAfter(before, version, rule)),
    ...(after === undefined || isPrerelease(version.version) ? [] : judgeBefore(version, after, rule)),
  ]
}

function judgeAfter(before: ModelVersion, version: ModelVersion, rule: VersionRule): string[] {
  const changes = interfaceChanges(before, version)
  const level = levelOf(changes)
  const [major, minor] = numbersOf(version.version)
  const [majorBefore, minorBefore] = numbersOf(before.version)
  if (major !== majorBefore || major === 0) return []
  if (level === 'minor' && minor === minorBefore) {
    const weighty = told(changes.filter(change => change.level === 'minor'))
    return [`it offers more than ${before.version}, which a minor version tells callers: ${weighty}`]
  }
  if (level !== 'major') return []
  const says = `${version.version} breaks those who call ${before.version}: ${told(changes.filter(change => change.level === 'major'))}`
  if (rule === 'tell') return [`${says}; a new major version would tell them`]
  const next = `${major! + 1}.0.0`
  throw new Problem('invalid', `Cannot register ${version.model}@${version.version}: ${says}; register it as ${next}`, {
    fields: [{ field: 'version', problem: `is ${version.version}, wanted ${next} or above` }],
  })
}

/** Of a version that comes late: whoever follows the numbers goes on from it to the one that is above it. */
function judgeBefore(version: ModelVersion, after: ModelVersion, rule: VersionRule): string[] {
  const changes = interfaceChanges(version, after)
  const [major] = numbersOf(version.version)
  const [majorAfter] = numbersOf(after.version)
  if (major !== majorAfter || major === 0 || levelOf(changes) !== 'major') return []
  const says = `${after.version}, which is registered, breaks those who will call ${version.version}: ${told(changes.filter(change => change.level === 'major'))}`
  if (rule === 'tell') return [`${says}; a number above it would not promise that`]
  throw new Problem(
    'invalid',
    `Cannot register ${version.model}@${version.version}: ${says}; register it with a number above ${after.version}`,
    { fields: [{ field: 'version', problem: `is ${version.version}, wanted one above ${after.version}` }] },
  )
}

/** The releases next to a version among others of its model, whatever their order. */
export function neighboursAmong(versions: readonly string[], version: string): Neighbours<string> {
  const releases = versions.filter(each => !isPrerelease(each)).sort(compareSemver)
  return {
    before: releases.findLast(each => compareSemver(each, version) < 0),
    after: releases.find(each => compareSemver(each, version) > 0),
  }
}

function isPrerelease(version: string): boolean {
  return version.split('+', 1)[0]!.includes('-')
}

function numbersOf(version: string): number[] {
  return version.split(/[.+-]/, 3).map(Number)
}

function told(changes: readonly InterfaceChange[]): string {
  const shown = changes.slice(0, TOLD_MAX).map(({ field, says }) => `${field} ${says}`)
  const more = changes.length > TOLD_MAX ? `; and ${changes.length - TOLD_MAX} more` : ''
  return `${shown.join('; ')}${more}`
}
