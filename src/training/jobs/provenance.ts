/**
 * Where a version came from, as SLSA tells it (https://slsa.dev/spec/v1.0/provenance): the run of a training job that wrote its artifact,
 * the data that it read, the code that it ran.
 */
import { sql } from 'kysely'
import { Problem } from '../../errors.ts'
import type { Database } from '../../platform/database.ts'
import type { Objects } from '../../platform/objects.ts'
import { readRun } from '../tracking/runs.ts'
import { JOB_RECORD, type JobRecord, OUTPUT_RECORD, type OutputRecord, readRecord } from './job-record.ts'

/** The kind of provenance that a training job has. */
export const TRAINING_JOB = 'urn:bellwether:training-job:1'
const RECORD_BYTES_MAX = 64 << 20

interface ProvenanceParts {
  readonly db: Database
  readonly objects: Pick<Objects, 'bytes'>
}

/**
 * @param artifact SHA-256 of the version's artifact.
 * @throws Problem `not_found` where the run is no job's; `invalid` where it did not end well or did not write this artifact.
 */
export async function provenanceOf(parts: ProvenanceParts, runId: string, artifact: string): Promise<object> {
  const run = await readRun(parts.db.sql, runId)
  if (run.status !== 'FINISHED') throw notFrom(runId, `it is ${run.status}, wanted one that is FINISHED`)
  const record = readRecord(await text(parts, run, JOB_RECORD))
  const { outputs } = outputsIn(await text(parts, run, OUTPUT_RECORD))
  if (!outputs.some(({ sha256 }) => sha256 === artifact))
    throw notFrom(runId, `none of its outputs has the SHA-256 ${artifact} of the artifact`)
  return predicateOf(record, outputs, { ...run, ended_at: Number(run.ended_at ?? run.started_at) })
}

function notFrom(run: string, why: string): Problem {
  const fields = [{ field: 'run', problem: why }]
  return new Problem('invalid', `Cannot say that the version is from run ${run}: ${why}`, { fields })
}

function outputsIn(given: string): OutputRecord {
  try {
    const record = JSON.parse(given) as OutputRecord
    if (Array.isArray(record.outputs)) return record
  } catch (cause) {
    throw new Problem('corrupt', `Cannot read ${OUTPUT_RECORD}: ${(cause as Error).message}`, { cause })
  }
  throw new Problem('corrupt', `Cannot read ${OUTPUT_RECORD}: wanted a list of outputs`)
}

/** An artifact of the run that is read whole. */
async function text(
  { db, objects }: ProvenanceParts,
  { id, artifact_uri }: { readonly id: string; readonly artifact_uri: string },
  path: string,
): Promise<string> {
  const root = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.*)$/.exec(artifact_uri)?.[1] ?? ''
  const { rows } = await sql<{ sha256: string; bytes: number }>`select sha256, bytes from mlflow_artifacts
    where path = ${`${root}/${path}`}`.execute(db.sql)
  const [found] = rows
  if (found === undefined)
    throw new Problem(
      'not_found',
      `Cannot find ${path} of run ${id}: wanted a run of \`bellwether train\` that ended well`,
    )
  if (Number(found.bytes) > RECORD_BYTES_MAX)
    throw new Problem('too_large', `Cannot read ${path} of run ${id}: it has more than ${RECORD_BYTES_MAX} bytes`)
  return Buffer.from(await objects.bytes(found.sha256)).toString('utf8')
}

interface Times {
  readonly id: string
  readonly started_at: number
  readonly ended_at: number
}

function predicateOf(
  { job, code, data, machine }: JobRecord,
  outputs: OutputRecord['outputs'],
  { id, started_at, ended_at }: Times,
): object {
  const source = code.remote === undefined ? {} : { uri: `git+${code.remote}` }
  const commit = code.commit === undefined ? [] : [{ name: 'code', ...source, digest: { gitCommit: code.commit } }]
  const patch = code.patch === undefined ? [] : [{ name: 'changes beside the commit', digest: { sha256: code.patch } }]
  const read = data.map(({ name, sha256 }) => ({ name: `data ${name}`, digest: { sha256 } }))
  const { command, parameters, seed } = job
  return {
    buildDefinition: {
      buildType: TRAINING_JOB,
      externalParameters: { job: job.name, command, parameters, ...(seed === undefined ? {} : { seed }) },
      internalParameters: { machine },
      resolvedDependencies: [...commit, ...patch, ...read],
    },
    runDetails: {
      builder: { id: 'urn:bellwether:train' },
      metadata: {
        invocationId: id,
        startedOn: new Date(Number(started_at)).toISOString(),
        finishedOn: new Date(ended_at).toISOString(),
      },
      byproducts: outputs.map(({ path, sha256 }) => ({ name: path, digest: { sha256 } })),
    },
  }
}
