/** Which version answers: the one that is asked for, or the one that the model's release gives to this unit. */
import { Problem } from '../errors.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import { CHAMPION, isHeld, type LeadPolicy } from '../registry/leading.ts'

/** A version and the arm of the release through which it is met; `null` where the caller pinned the version. */
export interface Choice {
  readonly model: string
  readonly version: string
  readonly release: string | null
  readonly arm: string | null
}

/** Gives traffic to versions. Answers from memory, and the same for the same unit as long as nothing is released. */
export interface Releases {
  /** @param unit pseudonym of what the traffic is divided by. Returns `undefined` for a model without versions. */
  choose(model: string, unit: string | undefined): Choice | undefined
}

/**
 * All traffic to the version with the alias `champion`; where there is none, to the newest that is no pre-release and needs neither
 * a validation nor approvals to be champion, and was not retired.
 */
export function championReleases(catalogue: Catalogue, policy: LeadPolicy = 'declared'): Releases {
  return {
    choose(model) {
      const version = catalogue.resolve(model, CHAMPION) ?? newest(catalogue, model, policy)
      return version === undefined ? undefined : { model, version, release: 'all', arm: 'champion' }
    },
  }
}

function newest(catalogue: Catalogue, model: string, policy: LeadPolicy): string | undefined {
  const mayLead = (version: string): boolean =>
    !isHeld(policy, catalogue.version(model, version) ?? {}) && catalogue.standing(model, version)?.state !== 'retired'
  const versions = catalogue.versions(model)
  return versions.findLast(version => !isPrerelease(version) && mayLead(version)) ?? versions.findLast(mayLead)
}

/** A hyphen before any build metadata (semver.org §9, §10). */
function isPrerelease(version: string): boolean {
  return version.split('+')[0]!.includes('-')
}

/** The model that a call without a name means. Throws `not_found` where that is not clear. */
export function defaultModel(catalogue: Catalogue, configured: string | undefined): string {
  if (configured !== undefined) return configured
  const names = catalogue.names()
  if (names.length === 1) return names[0]!
  const found = names.length === 0 ? 'none is registered' : `${names.length} are registered (${some(names)})`
  const wanted = names.length === 0 ? '' : '; name one: /models/{name}/predict, or start with --model'
  throw new Problem('not_found', `Cannot choose a model: ${found}${wanted}`)
}

/**
 * @param reference semantic version or alias, or `undefined` to go through the release.
 * @throws Problem `not_found`.
 */
export function choose(
  catalogue: Catalogue,
  releases: Releases,
  model: string,
  reference: string | undefined,
  unit: string | undefined,
): Choice {
  if (reference === undefined) {
    const choice = releases.choose(model, unit)
    if (choice !== undefined) return choice
    const why = catalogue.has(model) ? 'no version of it is champion yet' : 'it is not registered'
    throw new Problem('not_found', `Cannot find the model ${shown(model)}: ${why}`)
  }
  const version = catalogue.resolve(model, reference)
  if (version !== undefined) return { model, version, release: null, arm: null }
  if (!catalogue.has(model))
    throw new Problem('not_found', `Cannot find the model ${shown(model)}: it is not registered`)
  const there = `there are ${some([...catalogue.versions(model), ...catalogue.aliases(model).map(({ alias }) => alias)])}`
  throw new Problem('not_found', `Cannot find ${model}@${shown(reference)}: ${there}`)
}

const NAMES_TOLD_MAX = 10

function some(names: readonly string[]): string {
  const more = names.length > NAMES_TOLD_MAX ? ` and ${names.length - NAMES_TOLD_MAX} more` : ''
  return names.slice(0, NAMES_TOLD_MAX).join(', ') + more
}

function shown(text: string): string {
  return JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 80).toWellFormed()}…`)
}
