import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { Problem } from '../../errors.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Command, CommandContext } from '../../platform/command.ts'
import { QUIET, systemSurroundings } from '../../platform/surroundings.ts'
import { systemTimers } from '../../platform/timers.ts'
import { type Job, readJob, withParameters } from './job.ts'
import { prepareJob, type Trained, type TrainingParts, train } from './train.ts'

const FILE_CHARACTERS_MAX = 1 << 20

export const trainCommand: Command = {
  path: 'train',
  summary: 'Run a training job: any command, in a recorded environment',
  description:
    'Records the commit, the data by SHA-256, parameters, seed and environment; runs the command within its limits; keeps its\n' +
    'log and outputs as a run of the tracking store, where what it logs with MLflow stands too. Ends with the status of the\n' +
    'command; 124 where its time was up, 65 where it ended well but not as the job says.',
  args: [{ name: 'job', summary: 'job.yaml', completes: 'file' }],
  options: [
    { name: 'set', type: 'string', value: 'NAME=VALUE', repeatable: true, summary: 'Another value for a parameter' },
    { name: 'seed', type: 'number', value: 'N', summary: 'Another seed' },
  ],
  examples: [
    { line: 'bellwether train job.yaml', does: 'one run' },
    { line: 'bellwether train job.yaml --set max_depth=4 --seed 7', does: 'with other values' },
  ],
  run: runTrain,
}

async function runTrain(context: CommandContext): Promise<number | undefined> {
  const file = context.args['job'] ?? ''
  const job = changed(await jobIn(file), context)
  const parts = await partsOf(context)
  const prepared = await prepareJob(job, resolve(dirname(file)), parts)
  for (const note of prepared.record.unheld) context.terminal.warn(`Note: ${note}`)
  const trained = await train(prepared, parts)
  tellTrained(context, trained)
  return trained.exit
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

function tellTrained({ terminal }: CommandContext, { run, status, exit, problems, outputs }: Trained): void {
  const { run_id, experiment_id } = run.info
  const told = outputs.map(({ path, sha256, bytes }) => ({ path, sha256, bytes }))
  terminal.result({ run: run_id, experiment: experiment_id, status, exit, problems, outputs: told }, () =>
    [
      ...told.map(({ path, sha256, bytes }) => `  ${path}  ${bytes} bytes, SHA-256 ${sha256}`),
      ...problems,
      `Run ${run_id} is ${status}`,
    ].join('\n'),
  )
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
