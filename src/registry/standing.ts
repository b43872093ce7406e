/** What is said of a version after it was registered: that it should not be called any more, or that it is not served. */
import { Problem } from '../errors.ts'

export type StandingState = 'deprecated' | 'retired'

export interface Standing {
  readonly model: string
  readonly version: string
  readonly state: StandingState
  readonly reason: string
  /** The version to call in its place. */
  readonly successor?: string
  /** From then on it may be retired: milliseconds since the epoch. */
  readonly sunsetAt?: number
  /** Since when: milliseconds since the epoch. */
  readonly at: number
  /** `Actor.id`. */
  readonly by: string
}

/** A version's standing as it was last changed; without `standing` it was restored. */
export interface StandingChange {
  readonly model: string
  readonly version: string
  readonly standing?: Standing
}

/**
 * What answers of a deprecated version say: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and a link to the version to call in its place
 * (RFC 5829); undefined where nothing is said. Throws `not_found` for a retired version.
 */
export function noticeOf(standing: Standing | undefined): Readonly<Record<string, string>> | undefined {
  if (standing === undefined) return undefined
  if (standing.state === 'retired') throw retired(standing, 'ask')
  const { model, successor, sunsetAt, at } = standing
  const link = `</models/${encodeURIComponent(model)}/versions/${encodeURIComponent(successor ?? '')}>`
  return {
    deprecation: `@${Math.floor(at / 1_000)}`,
    ...(sunsetAt === undefined ? {} : { sunset: new Date(sunsetAt).toUTCString() }),
    ...(successor === undefined ? {} : { link: `${link}; rel="successor-version"` }),
  }
}

/** @param what was to be done: `Cannot ask m@1.0.0: …`. */
export function retired({ model, version, reason, successor, at }: Standing, what: string): Problem {
  const instead = successor === undefined ? '' : `; ask ${model}@${successor} instead`
  const since = new Date(at).toISOString().slice(0, 10)
  return new Problem(
    'not_found',
    `Cannot ${what} ${model}@${version}: it was retired on ${since} (${reason})${instead}`,
  )
}
