/** Whether a version number keeps what it promises: what breaks callers begins a new major version. */
import { Problem } from '../../errors.ts'
import type { Catalogue } from '../catalogue.ts'
import { compareSemver } from '../semver.ts'
import type { ModelVersion } from '../version.ts'
import { type InterfaceChange, interfaceChanges, levelOf } from './interface-change.ts'

/** What becomes of a version that breaks callers under a number that says it does not. */
export type VersionRule = 'refuse' | 'tell'

const TOLD_MAX = 5

/**
 * What a new version changes against the release before it (the greatest below it that is no pre-release, for those
 * promise nothing: semver.org §9). Returns sentences for who registers it.
 *
 * Throws `invalid` where callers break, the number says that they do not, and `rule` is `refuse`. Versions 0.y.z may
 * change at any time (§4).
 */
export function judgeNumber(catalogue: Catalogue, version: ModelVersion, rule: VersionRule): string[] {
  const before = releaseBefore(catalogue, version)
  if (before === undefined) return []
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

/** The greatest release below a version, registered or not. */
export function releaseBefore(
  catalogue: Catalogue,
  { model, version }: Pick<ModelVersion, 'model' | 'version'>,
): ModelVersion | undefined {
  const before = catalogue
    .versions(model)
    .filter(each => !isPrerelease(each) && compareSemver(each, version) < 0)
    .at(-1)
  return before === undefined ? undefined : catalogue.version(model, before)
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
