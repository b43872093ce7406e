import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseDocument, stringify } from 'yaml'
import { Problem } from '../../errors.ts'
import { systemClock } from '../../platform/clock.ts'
import type { CommandContext } from '../../platform/command.ts'
import { QUIET, systemSurroundings } from '../../platform/surroundings.ts'
import { systemTimers } from '../../platform/timers.ts'
import { manifestForm } from '../../registry/commands.ts'
import type { Registered } from '../../registry/submission.ts'
import { AGAIN_TAG, type Comparison, compareRuns, firstRun, folderAgain, requireSame } from './again.ts'
import { type Job, readJob, withParameters } from './job.ts'
import { kubernetesJob } from './kubernetes.ts'
import { runStore } from './store-run.ts'
import { prepareJob, type Trained, type TrainingParts, train } from './train.ts'

const FILE_CHARACTERS_MAX = 1 << 20
/** Exit status where a run that was done again came out differently. */
const DIFFERENT = 1
const SHOWN_MAX = 24
/** Readers of YAML 1.1, as Kubernetes' are, take some plain words for something else. */
const READ_ANYWHERE = {
  version: '1.1',
  defaultStringType: 'QUOTE_DOUBLE',
  defaultKeyType: 'PLAIN',
  lineWidth: 0,
} as const

export async function runTrain(context: CommandContext): Promise<number | undefined> {
  const { args, options } = context
  const { again } = options
  if ((args['job'] === undefined) === (again === undefined))
    throw new Problem('usage', 'Cannot train: wanted either a job.yaml or --again RUN')
  if (typeof again === 'string') return await runAgain(context, again)
  const only = ['folder', 'anyway', 'tolerance'].find(name => options[name] !== undefined)
  if (only !== undefined) throw new Problem('usage', `Cannot use --${only} with a job.yaml: it goes with --again`)
  const file = args['job'] ?? ''
  const job = changed(await jobIn(file), context)
  if (options['kubernetes'] === true) return await tellKubernetes(context, job, resolve(dirname(file)))
  if (options['image'] !== undefined) throw new Problem('usage', 'Cannot use --image here: it goes with --kubernetes')
  const parts = await partsOf(context)
  const prepared = await prepareJob(job, resolve(dirname(file)), parts)
  for (const note of prepared.record.unheld) context.terminal.warn(`Note: ${note}`)
  const trained = await train(prepared, parts)
  const version = trained.exit === 0 ? await registered(context, job, resolve(dirname(file)), trained) : undefined
  const more = version === undefined ? {} : { registered: version }
  context.terminal.result({ ...told(trained), ...more }, () =>
    version === undefined ? toldText(trained) : `${toldText(trained)}\nRegistered ${version}, which came from it`,
  )
  return trained.exit
}

/** Registers what the job wrote, where it says so, and has it signed that it came from the run. */
async function registered(
  { api }: CommandContext,
  job: Job,
  folder: string,
  { run }: Trained,
): Promise<string | undefined> {
  if (job.register === undefined) return undefined
  const body = await manifestForm({ options: {} }, resolve(folder, job.register))
  const server = await api()
  const answer = await server.send({ method: 'POST', path: '/models/register', body })
  const { model, version } = ((await answer.json()) as Registered).version
  const place = `/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}/evidence/run`
  await server.json('POST', place, { run: run.info.run_id })
  return `${model}@${version}`
}

async function tellKubernetes({ options, terminal }: CommandContext, job: Job, folder: string): Promise<undefined> {
  const { manifest, notes } = await kubernetesJob(job, folder, {
    server: options['server'] as string | undefined,
    image: options['image'] as string | undefined,
    inherited: systemSurroundings(QUIET).environment,
  })
  for (const note of notes) terminal.warn(`Note: ${note}`)
  terminal.result(manifest, () => stringify(manifest, READ_ANYWHERE))
}

async function runAgain(context: CommandContext, id: string): Promise<number | undefined> {
  const { options, terminal } = context
  const { folder, anyway, tolerance = 0, set, seed } = options
  if (set !== undefined || seed !== undefined)
    throw new Problem('usage', 'Cannot use --set or --seed with --again: it would be another run, not the same again')
  if (!(Number(tolerance) >= 0)) throw new Problem('usage', `Cannot use --tolerance ${tolerance}: wanted 0 or more`)
  const parts = await partsOf(context)
  const store = runStore(parts.transport)
  const first = await firstRun(store, id)
  const place = await folderAgain(first, folder === undefined ? undefined : resolve(String(folder)))
  const prepared = await prepareJob(first.record.job, place, parts)
  const differences = requireSame(first, prepared.record, anyway === true)
  for (const difference of differences) terminal.warn(`Differs: ${difference}`)
  const trained = await train(prepared, parts, { [AGAIN_TAG]: id })
  const compared = await compareRuns(store, id, trained.run.info.run_id, Number(tolerance))
  const isReproduced = trained.exit === 0 && compared.every(({ isSame }) => isSame)
  terminal.result({ ...told(trained), again: id, differences, compared, isReproduced }, () =>
    [toldText(trained), '', comparedText(context, compared), '', verdict(isReproduced, id)].join('\n'),
  )
  return trained.exit !== 0 ? trained.exit : isReproduced ? undefined : DIFFERENT
}

function comparedText({ terminal }: CommandContext, compared: readonly Comparison[]): string {
  const rows = compared.map(({ kind, name, first, again, isSame }) => [
    ...[kind, name, first?.slice(0, SHOWN_MAX) ?? '', again?.slice(0, SHOWN_MAX) ?? '', isSame ? 'same' : 'DIFFERENT'],
  ])
  return terminal.table(['what', 'name', 'first', 'again', ''], rows)
}

function verdict(isReproduced: boolean, id: string): string {
  return isReproduced ? `The same came out as of run ${id}` : `Something else came out than of run ${id}`
}

function changed(job: Job, { options }: CommandContext): Job {
  const { set = [], seed } = options
  const other = withParameters(
    job,
    set as readonly string[],
    text => parseDocument(text, { version: '1.2' }).toJS() as unknown,
  )
  return seed === undefined ? other : readJob({ ...other, seed })
}

async function partsOf({ lasting, terminal, signal }: CommandContext): Promise<TrainingParts> {
  return {
    transport: await lasting(),
    clock: systemClock,
    timers: systemTimers,
    word: randomBytes(24).toString('base64url'),
    inherited: systemSurroundings(QUIET).environment,
    signal,
    onOutput: (stream, text) => {
      const line = text.replace(/\r?\n$/, '')
      if (stream === 'stdout') terminal.say(line)
      else terminal.warn(line)
    },
    onNote: text => terminal.warn(text),
  }
}

function told({ run, status, exit, problems, outputs }: Trained): object {
  const { run_id, experiment_id } = run.info
  const written = outputs.map(({ path, sha256, bytes }) => ({ path, sha256, bytes }))
  return { run: run_id, experiment: experiment_id, status, exit, problems, outputs: written }
}

function toldText({ run, status, problems, outputs }: Trained): string {
  return [
    ...outputs.map(({ path, sha256, bytes }) => `  ${path}  ${bytes} bytes, SHA-256 ${sha256}`),
    ...problems,
    `Run ${run.info.run_id} is ${status}`,
  ].join('\n')
}

async function jobIn(file: string): Promise<Job> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw new Problem('not_found', `Cannot read the job: ${file} is not there or not to be read`, { cause })
  })
  if (text.length > FILE_CHARACTERS_MAX)
    throw new Problem('too_large', `Cannot read the job: ${file} has more than ${FILE_CHARACTERS_MAX} characters`)
  const document = parseDocument(text, { version: '1.2', uniqueKeys: true })
  const [error] = document.errors
  if (error !== undefined)
    throw new Problem('malformed', `Cannot read the job: ${file}: ${error.message.split('\n')[0]}`)
  try {
    return readJob(document.toJS({ maxAliasCount: 100 }))
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    throw new Problem('malformed', `Cannot read the job: ${file}: ${(cause as Error).message}`, { cause })
  }
}
