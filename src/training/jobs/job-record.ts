/** What is kept of a job with its run, so that it can be told and done again: the artifact `bellwether/job.json`. */
import { Problem } from '../../errors.ts'
import type { CodeState } from './code-state.ts'
import { type Job, readJob } from './job.ts'
import type { Machine } from './job-environment.ts'
import { type DataSnapshot, type FileSnapshot, firstDifference } from './snapshot-data.ts'

export interface JobRecord {
  readonly format: typeof FORMAT
  readonly job: Job
  /** Where it ran. */
  readonly folder: string
  readonly code: CodeState
  /** `files` are those of a name with at most 10,000. */
  readonly data: readonly Omit<DataSnapshot, 'place'>[]
  readonly machine: Machine
  /** Limits that nothing holds, in words. */
  readonly unheld: readonly string[]
}

/** The outputs of a job that ended well: the artifact `bellwether/outputs.json`. */
export interface OutputRecord {
  readonly outputs: readonly FileSnapshot[]
}

export const JOB_RECORD = 'bellwether/job.json'
export const OUTPUT_RECORD = 'bellwether/outputs.json'
export const LOG = 'bellwether/log.txt'
export const PACKAGES = 'bellwether/packages.txt'
/** Beside the run: the job's name, and when its supervisor was last there, milliseconds since the epoch. */
export const JOB_TAG = 'bellwether.job'
export const ALIVE_TAG = 'bellwether.job.alive'
export const PROBLEM_TAG = 'bellwether.job.problem'
const FORMAT = 'bellwether-job-1'
const LISTED_MAX = 10_000

export function recordOf(
  parts: Omit<JobRecord, 'format' | 'data'> & { readonly data: readonly DataSnapshot[] },
): JobRecord {
  const data = parts.data.map(({ place: _, files, ...rest }) => ({
    ...rest,
    files: files.length <= LISTED_MAX ? files : [],
  }))
  return { format: FORMAT, ...parts, data }
}

/** @throws Problem `corrupt` where it is not such a record. */
export function readRecord(text: string): JobRecord {
  try {
    const record = JSON.parse(text) as JobRecord
    if (record.format === FORMAT) return { ...record, job: readJob(record.job) }
  } catch (cause) {
    throw new Problem('corrupt', `Cannot read ${JOB_RECORD}: ${(cause as Error).message}`, { cause })
  }
  throw new Problem('corrupt', `Cannot read ${JOB_RECORD}: wanted the format ${FORMAT}`)
}

/** What is not as it was at the first run, so that the second could not be the same: sentences. */
export function differencesOf(before: JobRecord, now: JobRecord): readonly string[] {
  return [
    ...codeDifferences(before.code, now.code),
    ...dataDifferences(before, now),
    ...machineDifferences(before, now),
  ]
}

function* codeDifferences(before: CodeState, now: CodeState): Generator<string> {
  const told = (commit: string | undefined): string => commit ?? 'none'
  if (before.commit !== now.commit) yield `commit: was ${told(before.commit)}, is ${told(now.commit)}`
  if (before.patch === now.patch) return
  const state = ({ patch }: CodeState): string => (patch === undefined ? 'nothing' : `changes ${patch.slice(0, 12)}`)
  yield `code beside the commit: was ${state(before)}, is ${state(now)}`
}

function* dataDifferences(before: JobRecord, now: JobRecord): Generator<string> {
  for (const { name, sha256, files } of before.data) {
    const other = now.data.find(each => each.name === name)
    if (other === undefined) yield `data.${name}: is not there`
    else if (other.sha256 !== sha256) {
      const isTold = files.length > 0 && other.files.length > 0
      const which = isTold ? ` (${firstDifference(files, other.files)})` : ''
      yield `data.${name}: was ${sha256.slice(0, 12)}, is ${other.sha256.slice(0, 12)}${which}`
    }
  }
}

function* machineDifferences({ machine: before }: JobRecord, { machine: now }: JobRecord): Generator<string> {
  if (before.interpreter !== now.interpreter)
    yield `interpreter: was ${before.interpreter ?? 'unknown'}, is ${now.interpreter ?? 'unknown'}`
  if (before.packagesDigest !== now.packagesDigest) yield `packages: are others, see ${PACKAGES} of both runs`
}
