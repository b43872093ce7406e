/** A run done again: is it the same job, and did the same come out? */
import { stat } from 'node:fs/promises'
import { Problem } from '../../errors.ts'
import {
  differencesOf,
  JOB_RECORD,
  type JobRecord,
  OUTPUT_RECORD,
  type OutputRecord,
  readRecord,
} from './job-record.ts'
import { logTags, type RunStore, type StoredRun } from './store-run.ts'

export interface First {
  readonly run: StoredRun
  readonly record: JobRecord
}

export interface Comparison {
  readonly kind: 'parameter' | 'metric' | 'output'
  readonly name: string
  readonly first: string | undefined
  readonly again: string | undefined
  readonly isSame: boolean
}

export const AGAIN_TAG = 'bellwether.job.again'
const REPRODUCED_TAG = 'bellwether.job.reproduced'

/** @throws Problem `not_found` where there is no such run, or it is no job's. */
export async function firstRun(store: RunStore, id: string): Promise<First> {
  const run = await store.run(id)
  const text = await store.text(run, JOB_RECORD).catch((cause: unknown) => {
    if (!(cause instanceof Problem && cause.code === 'not_found')) throw cause
    throw new Problem(
      'not_found',
      `Cannot do run ${id} again: it has no ${JOB_RECORD}, wanted a run of \`bellwether train\``,
      {
        cause,
      },
    )
  })
  return { run, record: readRecord(text) }
}

/** Where it is done again. */
export async function folderAgain({ record }: First, given: string | undefined): Promise<string> {
  const folder = given ?? record.folder
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory()) return folder
  throw new Problem(
    'not_found',
    `Cannot do it again: there is no folder ${folder}, say with --folder where its files are`,
  )
}

/** @throws Problem `conflict` that names what differs, where `mayDiffer` does not allow it. */
export function requireSame(first: First, now: JobRecord, mayDiffer: boolean): readonly string[] {
  const differences = differencesOf(first.record, now)
  if (differences.length === 0 || mayDiffer) return differences
  throw new Problem(
    'conflict',
    `Cannot do run ${first.run.info.run_id} again: ${differences.join('; ')}; --anyway does it and tells so`,
  )
}

/** @param tolerance of metrics, relative to the larger of both. */
export async function compareRuns(
  store: RunStore,
  firstId: string,
  againId: string,
  tolerance: number,
): Promise<readonly Comparison[]> {
  const [first, again] = [await store.run(firstId), await store.run(againId)]
  const values = (run: StoredRun, kind: 'params' | 'metrics') =>
    new Map((run.data[kind] ?? []).map(({ key, value }) => [key, String(value)]))
  const same = (a: string, b: string): boolean => isNear(Number(a), Number(b), tolerance)
  const compared = [
    ...paired('parameter', values(first, 'params'), values(again, 'params'), (a, b) => a === b),
    ...paired('metric', values(first, 'metrics'), values(again, 'metrics'), same),
    ...paired('output', await outputsOf(store, first), await outputsOf(store, again), (a, b) => a === b),
  ]
  const isReproduced = compared.every(({ isSame }) => isSame)
  await logTags(store, againId, { [REPRODUCED_TAG]: String(isReproduced) })
  return compared
}

export function isNear(a: number, b: number, tolerance: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))
}

type Values = ReadonlyMap<string, string>

function paired(
  kind: Comparison['kind'],
  first: Values,
  again: Values,
  isSame: (a: string, b: string) => boolean,
): Comparison[] {
  return [...new Set([...first.keys(), ...again.keys()])].sort().map(name => {
    const [a, b] = [first.get(name), again.get(name)]
    return { kind, name, first: a, again: b, isSame: a !== undefined && b !== undefined && isSame(a, b) }
  })
}

/** Digests of outputs by path; of a run that did not end well there are none. */
async function outputsOf(store: RunStore, run: StoredRun): Promise<Values> {
  try {
    const { outputs } = JSON.parse(await store.text(run, OUTPUT_RECORD)) as OutputRecord
    return new Map(outputs.map(({ path, sha256 }) => [path, sha256]))
  } catch (error) {
    if (error instanceof Problem && error.code === 'not_found') return new Map()
    throw error
  }
}
