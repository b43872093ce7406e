/** A training job from its description to its run: what goes in is recorded, the command is supervised, what comes out is kept. */
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transport } from '../../client.ts'
import { Problem } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { redactText } from '../../platform/redact.ts'
import type { Timers } from '../../platform/timers.ts'
import { cleanLines, withoutSecrets } from './clean-lines.ts'
import { codeState } from './code-state.ts'
import { commandOf, type Job } from './job.ts'
import { environmentOf, type HandedOver, machineOf, programAt } from './job-environment.ts'
import { type Before, type JobOutput, outputsBefore, writtenOutputs } from './job-outputs.ts'
import {
  ALIVE_TAG,
  JOB_RECORD,
  JOB_TAG,
  type JobRecord,
  LOG,
  OUTPUT_RECORD,
  PACKAGES,
  PROBLEM_TAG,
  recordOf,
} from './job-record.ts'
import { openLocalDoor } from './local-door.ts'
import { endLostRuns } from './lost-runs.ts'
import { changedData, type DataSnapshot, snapshotData } from './snapshot-data.ts'
import {
  experimentNamed,
  logParameters,
  logTags,
  type RunStatus,
  type RunStore,
  runStore,
  type StoredRun,
} from './store-run.ts'
import { type Ended, statusOf, supervise, unheldLimits } from './supervise.ts'

export interface TrainingParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly timers: Timers
  /** A word that nobody can guess. */
  readonly word: string
  readonly inherited: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** What the command writes, without secrets. */
  readonly onOutput: (stream: 'stdout' | 'stderr', text: string) => void
  readonly onNote: (text: string) => void
}

export interface Trained {
  readonly run: StoredRun
  readonly status: RunStatus
  /** For the exit of our own program: that of the command, as shells tell it. */
  readonly exit: number
  readonly problems: readonly string[]
  readonly outputs: readonly JobOutput[]
}

/** All that is known before the command starts. */
export interface Prepared {
  readonly record: JobRecord
  readonly command: readonly string[]
  readonly handed: HandedOver
  readonly packages: string | undefined
  readonly data: readonly DataSnapshot[]
  readonly before: Before
}

const ALIVE_MS = 10_000
/** How long a lost server is waited for once the command has ended. */
const PATIENCE_MS = 120_000
const STOPPED_PATIENCE_MS = 10_000
const LOG_BYTES_MAX = 256 << 20
/** Of what MLflow's protocol takes as the digest of a data set. */
const DIGEST_CHARACTERS = 36

/** @throws Problem `not_found` for data, a program or a variable that is not there. */
export async function prepareJob(
  job: Job,
  folder: string,
  { inherited }: Pick<TrainingParts, 'inherited'>,
): Promise<Prepared> {
  const data: DataSnapshot[] = []
  for (const [name, source] of Object.entries(job.data)) data.push(await snapshotData(folder, name, source))
  const paths = Object.fromEntries(data.map(({ name, place }) => [name, place]))
  const handed = environmentOf(job, inherited, paths)
  const [program = '', ...args] = commandOf(job, paths)
  const command = [programAt(program, folder, handed.environment['PATH']), ...args]
  const code = await codeState(folder, inherited, job.outputs)
  const { machine, packages } = await machineOf(command[0]!, folder, handed.environment)
  const unheld = unheldLimits(job.resources, process.platform)
  const record = recordOf({ job, folder, code, data, machine, unheld })
  return { record, command, handed, packages, data, before: await outputsBefore(folder, job.outputs) }
}

/** Runs it. Rejects where there is no run, or where the server was lost for good. */
export async function train(
  prepared: Prepared,
  parts: TrainingParts,
  tags: Readonly<Record<string, string>> = {},
): Promise<Trained> {
  const store = runStore(parts.transport)
  await endLostRuns(store, parts.clock)
  parts.signal.throwIfAborted()
  const run = await beginRun(store, prepared, parts, tags)
  parts.onNote(`Run ${run.info.run_id} of experiment ${prepared.record.job.experiment}`)
  const scratch = await mkdtemp(join(tmpdir(), 'bellwether-job-'))
  const log = join(scratch, 'log.txt')
  try {
    const ended = await runCommand(store, run, prepared, parts, log)
    const trained = await endRun(store, run, ended, { ...parts, prepared, log })
    await rm(scratch, { recursive: true, force: true })
    return trained
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (error instanceof Problem && error.code === 'unavailable')
      throw new Problem('unavailable', `Cannot end run ${run.info.run_id}: ${why}; its log is in ${log}`, {
        cause: error,
      })
    await finish(store, run, 'FAILED', { [PROBLEM_TAG]: redactText(why) }, parts.clock).catch(() => {})
    throw error
  }
}

async function beginRun(
  store: RunStore,
  { record, handed, packages, data }: Prepared,
  { clock, inherited }: TrainingParts,
  more: Readonly<Record<string, string>>,
): Promise<StoredRun> {
  const { job, code } = record
  const now = clock.now()
  const clean = (text: string): string => withoutSecrets(text, handed.secrets)
  const told = typeof job.command === 'string' ? job.command : job.command.join(' ')
  const tags: Readonly<Record<string, string | undefined>> = {
    ...more,
    [JOB_TAG]: job.name,
    [ALIVE_TAG]: String(now),
    'bellwether.job.seed': job.seed === undefined ? undefined : String(job.seed),
    'bellwether.job.patch': code.patch,
    'mlflow.source.type': 'JOB',
    'mlflow.source.name': clean(told),
    'mlflow.source.git.commit': code.commit,
    'mlflow.source.git.branch': code.branch,
    'mlflow.source.git.repoURL': code.remote,
    'mlflow.user': inherited['USER'],
    ...Object.fromEntries(data.map(({ name, sha256 }) => [`bellwether.job.data.${name}`, sha256])),
  }
  const { run } = await store.call<{ run: StoredRun }>('POST', 'runs/create', {
    experiment_id: await experimentNamed(store, job.experiment),
    run_name: job.name,
    user_id: inherited['USER'] ?? '',
    start_time: now,
    tags: Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }])),
  })
  await store.put(run, JOB_RECORD, clean(JSON.stringify(record, undefined, 2)))
  if (packages !== undefined) await store.put(run, PACKAGES, packages)
  if (data.length > 0)
    await store.call('POST', 'runs/log-inputs', { run_id: run.info.run_id, datasets: data.map(inputOf) })
  return run
}

function inputOf({ name, source, sha256, bytes, files }: DataSnapshot): object {
  return {
    tags: [{ key: 'mlflow.data.context', value: 'training' }],
    dataset: {
      name,
      digest: sha256.slice(0, DIGEST_CHARACTERS),
      source_type: 'local',
      source: JSON.stringify({ uri: source, sha256 }),
      profile: JSON.stringify({ files: files.length, bytes }),
    },
  }
}

async function runCommand(
  store: RunStore,
  run: StoredRun,
  prepared: Prepared,
  parts: TrainingParts,
  log: string,
): Promise<Ended> {
  const { record, command, handed } = prepared
  const { job, folder } = record
  const { transport, word, timers, signal } = parts
  const door = await openLocalDoor(transport, word)
  const stopSigns = signsOfLife(store, run, parts)
  const secrets = [...handed.secrets, word]
  const lines = { stdout: cleanLines(secrets), stderr: cleanLines(secrets) }
  const keep = logKeeper(log, parts)
  const environment = {
    ...handed.environment,
    MLFLOW_TRACKING_URI: door.url,
    MLFLOW_TRACKING_TOKEN: word,
    MLFLOW_RUN_ID: run.info.run_id,
    MLFLOW_EXPERIMENT_ID: run.info.experiment_id,
    BELLWETHER_RUN_ID: run.info.run_id,
  }
  try {
    const ended = await supervise({
      ...{ command, folder, environment, timers, signal, resources: job.resources },
      mark: 'BELLWETHER_RUN_ID',
      graceMs: job.grace * 1000,
      ...(job.timeLimit === undefined ? {} : { timeLimitMs: job.timeLimit * 1000 }),
      onOutput: (stream, chunk) => keep(stream, lines[stream].push(chunk)),
    })
    for (const stream of ['stdout', 'stderr'] as const) await keep(stream, lines[stream].end())
    return ended
  } finally {
    stopSigns()
    await door.close()
  }
}

/** Tells what is written and keeps it, in the order in which it comes. */
function logKeeper(
  file: string,
  { onOutput, onNote }: TrainingParts,
): (stream: 'stdout' | 'stderr', text: string) => Promise<void> {
  let bytes = 0
  let writing = Promise.resolve()
  return (stream, text) => {
    if (text !== '') onOutput(stream, text)
    const before = bytes
    bytes += Buffer.byteLength(text)
    if (before > LOG_BYTES_MAX) return Promise.resolve()
    const isFull = bytes > LOG_BYTES_MAX
    if (isFull) onNote(`The log has more than ${LOG_BYTES_MAX} bytes: what follows is shown and not kept`)
    writing = writing.then(() => appendFile(file, isFull ? '\n[more was written and is not kept]\n' : text))
    return writing
  }
}

/** Tells again and again that somebody looks after the run; whoever finds it silent knows that nobody does. */
function signsOfLife(store: RunStore, run: StoredRun, { clock, timers, onNote }: TrainingParts): () => void {
  const run_id = run.info.run_id
  let isOver = false
  let isLost = false
  let cancel = (): void => {}
  const sign = async (): Promise<void> => {
    try {
      await store.call('POST', 'runs/set-tag', { run_id, key: ALIVE_TAG, value: String(clock.now()) })
      // Meanwhile it may have been given up.
      if (isLost) await store.call('POST', 'runs/update', { run_id, status: 'RUNNING' })
      isLost = false
    } catch (error) {
      if (!isLost) onNote(`The server does not answer, the command goes on: ${(error as Error).message}`)
      isLost = true
    }
    if (!isOver) cancel = timers.after(ALIVE_MS, () => void sign())
  }
  cancel = timers.after(ALIVE_MS, () => void sign())
  return () => {
    isOver = true
    cancel()
  }
}

interface Ending extends TrainingParts {
  readonly prepared: Prepared
  readonly log: string
}

async function endRun(store: RunStore, run: StoredRun, ended: Ended, ending: Ending): Promise<Trained> {
  const { prepared, log, clock, signal } = ending
  const { job, folder } = prepared.record
  const patient = store.patient(signal.aborted ? STOPPED_PATIENCE_MS : PATIENCE_MS)
  const problems: string[] = [...problemsOf(ended, job)]
  const isWell = problems.length === 0
  if (ended.hasLeftovers) ending.onNote('The command left processes behind, which were ended')
  if (ended.cause !== 'asked') problems.push(...(await changedData(folder, prepared.data)))
  const outputs = isWell ? await kept(problems, () => writtenOutputs(folder, job.outputs, prepared.before)) : []
  await patient.put(run, LOG, { file: log }).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    await patient.put(run, LOG, '')
  })
  for (const { path, file } of outputs) await patient.put(run, `outputs/${path}`, { file })
  if (isWell) {
    const told = outputs.map(({ path, sha256, bytes }) => ({ path, sha256, bytes }))
    await patient.put(run, OUTPUT_RECORD, JSON.stringify({ outputs: told }, undefined, 2))
  }
  const parameters = Object.entries(job.parameters).map(([name, value]) => [name, String(value)])
  await logParameters(patient, run.info.run_id, Object.fromEntries(parameters) as Record<string, string>)
  const status: RunStatus = ended.cause === 'asked' ? 'KILLED' : problems.length === 0 ? 'FINISHED' : 'FAILED'
  const exit = statusOf(ended)
  const tags = {
    'bellwether.job.exit': String(exit),
    ...(problems.length === 0 ? {} : { [PROBLEM_TAG]: redactText(problems.join('; ')) }),
  }
  await finish(patient, run, status, tags, clock)
  return { run, status, exit: exit === 0 && status !== 'FINISHED' ? 65 : exit, problems, outputs }
}

function* problemsOf({ code, signal, cause }: Ended, { timeLimit, grace }: Job): Generator<string> {
  if (cause === 'time')
    yield `The command took longer than its limit of ${timeLimit} s and was ended, with ${grace} s of grace`
  else if (cause === 'asked') yield 'The command was ended because somebody asked for it'
  else if (signal !== undefined) yield `The command was killed by ${signal}`
  else if (code !== 0) yield `The command ended with status ${code}`
}

async function kept(problems: string[], outputs: () => Promise<readonly JobOutput[]>): Promise<readonly JobOutput[]> {
  try {
    return await outputs()
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    problems.push(error.message)
    return []
  }
}

async function finish(
  store: RunStore,
  run: StoredRun,
  status: RunStatus,
  tags: Readonly<Record<string, string>>,
  clock: Clock,
): Promise<void> {
  const run_id = run.info.run_id
  await logTags(store, run_id, tags)
  await store.call('POST', 'runs/update', { run_id, status, end_time: clock.now() })
}
