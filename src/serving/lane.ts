/**
 * A lane is a loaded version as met through one arm of a release: what answers, records, log lines and metrics of many
 * requests have in common, and therefore made once.
 */
import { quote } from '../ledger/canonical.ts'
import type { Background } from '../predictor/explainer.ts'
import type { Model } from '../predictor/model.ts'
import type { AnyPredictor } from '../predictor/predictor.ts'
import type { ReferenceProfile } from '../registry/profile.ts'
import type { ModelVersion } from '../registry/version.ts'
import { isAscii } from './ascii.ts'
import type { Explaining } from './explain-rows.ts'
import type { OutputWriter } from './outputs.ts'
import type { CompiledSignature } from './signature.ts'

/** A version that is ready to answer. */
export interface LoadedModel {
  readonly version: ModelVersion
  readonly predictor: AnyPredictor
  readonly signature: CompiledSignature
  readonly outputs: OutputWriter
  /** What the predictor was made of, where it is known. */
  readonly artifact: Model | undefined
  readonly profile?: ReferenceProfile
  /** Rows of the reference data to compare with, where the version has any. */
  readonly background: Background | undefined
  /** How each answer is explained, where the version says so. */
  readonly explaining: Explaining | undefined
  /** The exact way to explain its answers, made when it is first asked for; undefined where there is none. */
  readonly exact: () => Explaining | undefined
  /** Memory that it holds, with what explains it, bytes. */
  readonly bytes: () => number
  /** What every answer says of the version in its headers; undefined where nothing is to be said. Changes while it is loaded. */
  notice: Readonly<Record<string, string>> | undefined
  /** How the version is met by this release and arm; the same object every time. */
  lane(release: string | null, arm: string | null): Lane
}

export interface Lane {
  readonly model: LoadedModel
  /** `null` where the caller pinned the version. */
  readonly release: string | null
  readonly arm: string | null
  /** Counts from 0, in order of first use; the same for the same labels as long as the process lives. For tables of counts. */
  readonly number: number
  /** The constant parts of texts, quoted and with their commas: see `prediction-text.ts`. */
  readonly texts: LaneTexts
}

export interface LaneTexts {
  /** `,"arm":"champion"`, or nothing. */
  readonly arm: string
  /** `,"model":"churn","outputs":` */
  readonly model: string
  /** `,"release":"all"`, or nothing. */
  readonly release: string
  /** `,"version":"1.0.0"}` */
  readonly version: string
  /** `,"model":"churn","version":"1.0.0","release":"all","arm":"champion","outputs":`, with `null` for what is not. */
  readonly answer: string
  /** `,"model":"churn","version":"1.0.0"` and release and arm, if any: for the log. */
  readonly log: string
  /** Whether `answer` is ASCII. */
  readonly isAscii: boolean
}

/** The number of a lane by its labels. */
export type LaneNumbers = (model: string, version: string, release: string | null, arm: string | null) => number

export function laneNumbers(): LaneNumbers {
  const numbers = new Map<string, number>()
  return (...labels) => {
    const key = JSON.stringify(labels)
    const number = numbers.get(key) ?? numbers.size
    numbers.set(key, number)
    return number
  }
}

/** Makes lanes and numbers them: a version that is loaded again gets the number it had. */
export function laneMaker(
  numberOf: LaneNumbers = laneNumbers(),
): (model: LoadedModel, release: string | null, arm: string | null) => Lane {
  return (model, release, arm) => {
    const { version } = model
    const number = numberOf(version.model, version.version, release, arm)
    return { model, release, arm, number, texts: laneTexts(version, release, arm) }
  }
}

export function laneTexts(
  { model, version }: { readonly model: string; readonly version: string },
  release: string | null,
  arm: string | null,
): LaneTexts {
  const [name, number] = [quote(model), quote(version)]
  const releaseText = release === null ? '' : `,"release":${quote(release)}`
  const armText = arm === null ? '' : `,"arm":${quote(arm)}`
  const orNull = (text: string | null): string => (text === null ? 'null' : quote(text))
  const answer = `,"model":${name},"version":${number},"release":${orNull(release)},"arm":${orNull(arm)},"outputs":`
  return {
    arm: armText,
    model: `,"model":${name},"outputs":`,
    release: releaseText,
    version: `,"version":${number}}`,
    answer,
    log: `,"model":${name},"version":${number}${releaseText}${armText}`,
    isAscii: isAscii(answer),
  }
}
