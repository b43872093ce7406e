import { readFile } from 'node:fs/promises'
import { Problem } from '../../errors.ts'
import type { Command, CommandContext, Option, OptionValue } from '../../platform/command.ts'
import type { Asked } from './ask.ts'
import type { Best } from './best.ts'
import type { ReportAnswer } from './report.ts'
import type { Settings } from './space.ts'
import type { StudyInfo } from './studies.ts'
import type { Trial } from './trial.ts'

/** Exit status of `ask` where nothing is to be tried, and of `report` where the trial should end. */
const NOTHING = 1
const PRUNE = 1
const FILE_CHARACTERS_MAX = 1 << 20

const STUDY = { name: 'study', summary: 'Its name' }
const TRIAL = { name: 'trial', summary: 'Its number' }
const ATTEMPT: Option = {
  name: 'attempt',
  type: 'number',
  value: 'N',
  summary: 'As ask printed it: refused where another worker has taken over',
}

const create: Command = {
  path: 'study create',
  summary: 'Begin a search for hyper-parameters: what is searched, how, and what is measured',
  description:
    'The file says which parameters there are and what values they may have, what is minimized or maximized, which sampler\n' +
    'chooses points and which pruner ends hopeless trials. Whoever trains asks for points and tells what came of them.',
  args: [{ name: 'file', summary: 'YAML or JSON', completes: 'file' }],
  examples: [{ line: 'bellwether study create study.yaml', does: 'the same file again changes nothing' }],
  run: async ({ api, args, terminal }) => {
    const given = await readYaml(args['file'] ?? '')
    const study = await (await api()).json<StudyInfo>('POST', '/studies', given)
    terminal.result(study, () => `${study.name}: seed ${study.seed}. Next: bellwether study ask ${study.name}`)
    return undefined
  },
}

const list: Command = {
  path: 'study list',
  summary: 'All studies',
  run: async ({ api, terminal }) => {
    const server = await api()
    const studies: StudyInfo[] = []
    for (;;) {
      const after = encodeURIComponent(studies.at(-1)?.name ?? '')
      const page = await server.json<{ studies: StudyInfo[] }>('GET', `/studies?after=${after}&limit=1000`)
      studies.push(...page.studies)
      if (page.studies.length < 1000) break
    }
    terminal.result({ studies }, () =>
      studies.length === 0
        ? 'No studies. Begin one with: bellwether study create study.yaml'
        : terminal.table(['name', 'complete', 'pruned', 'failed', 'running', 'waiting'], studies.map(rowOfStudy)),
    )
    return undefined
  },
}

const ask: Command = {
  path: 'study ask',
  summary: 'Take points to try',
  description: `Ends with status ${NOTHING} where there is nothing to try: everything is tried, or others are trying the last ones.`,
  args: [STUDY],
  options: [
    { name: 'count', type: 'number', value: 'N', default: 1, summary: 'How many' },
    { name: 'worker', type: 'string', value: 'NAME', summary: 'Who tries them; people read it' },
  ],
  examples: [{ line: 'bellwether study ask churn-xgb --json', does: 'for a program' }],
  run: async ({ api, args, options, terminal }) => {
    const { count, worker } = options
    const body = { count, ...(worker === undefined ? {} : { worker }) }
    const asked = await (await api()).json<Asked>('POST', `${path(args)}/ask`, body)
    terminal.result(asked, () =>
      asked.trials.length > 0
        ? terminal.table(['trial', 'attempt', 'parameters'], asked.trials.map(rowOfPoint))
        : asked.done
          ? 'Everything is tried'
          : 'Nothing to try now: others are trying the last ones',
    )
    return asked.trials.length === 0 ? NOTHING : undefined
  },
}

const tell: Command = {
  path: 'study tell',
  summary: 'Tell what came of a trial',
  args: [STUDY, TRIAL],
  options: [
    {
      name: 'value',
      type: 'string',
      value: '[NAME=]NUMBER',
      repeatable: true,
      summary: 'What was measured; of several objectives each by its name. NaN means that it failed',
    },
    { name: 'pruned', type: 'boolean', summary: 'It was ended early' },
    { name: 'failed', type: 'string', value: 'WHY', summary: 'It failed' },
    { name: 'retry', type: 'boolean', summary: 'With --failed: let it be tried again, while the study allows' },
    ATTEMPT,
  ],
  examples: [
    { line: 'bellwether study tell churn-xgb 12 --value 0.871', does: 'one objective' },
    { line: 'bellwether study tell churn-xgb 12 --value auc=0.871 --value ms=3.5', does: 'two' },
  ],
  run: async context => {
    const { api, args, terminal } = context
    const trial = await (await api()).json<Trial>('POST', `${pathOfTrial(args)}/tell`, toldOf(context))
    terminal.result(trial, () => `Trial ${trial.number} is ${trial.state}${trial.error ? `: ${trial.error}` : ''}`)
    return undefined
  },
}

const report: Command = {
  path: 'study report',
  summary: 'Tell how far a trial is, and hear whether it is worth going on',
  description: `Ends with status ${PRUNE} where the trial should end; tell then that it is pruned. Without --step: a sign of life.`,
  args: [STUDY, TRIAL],
  options: [
    { name: 'step', type: 'number', value: 'N', summary: 'How far: an epoch, a number of trees' },
    { name: 'value', type: 'string', value: 'NUMBER', summary: 'What is measured there' },
    ATTEMPT,
  ],
  run: async ({ api, args, options, terminal }) => {
    const { step, value, attempt } = options
    if ((step === undefined) !== (value === undefined)) {
      throw new Problem('usage', 'Cannot report: --step and --value belong together, found one of them')
    }
    const known = attempt === undefined ? {} : { attempt }
    const [what, body] =
      step === undefined ? ['heartbeat', known] : ['report', { step, value: numberOf(value), ...known }]
    const heard = await (await api()).json<ReportAnswer>('POST', `${pathOfTrial(args)}/${what}`, body)
    terminal.result(heard, () => (heard.prune ? 'Not worth going on' : 'Go on'))
    return heard.prune ? PRUNE : undefined
  },
}

const show: Command = {
  path: 'study show',
  summary: 'A study and its newest trials',
  args: [STUDY],
  options: [{ name: 'last', type: 'number', value: 'N', default: 20, summary: 'How many trials' }],
  run: async ({ api, args, options, terminal }) => {
    const server = await api()
    const study = await server.json<StudyInfo>('GET', path(args))
    const count = Object.values(study.trials).reduce((sum, some) => sum + some, 0)
    const last = Math.max(1, Math.min(10_000, Number(options['last'])))
    const after = count > last ? `&after=${count - last - 1}` : ''
    const { trials } = await server.json<{ trials: Trial[] }>('GET', `${path(args)}/trials?limit=${last}${after}`)
    terminal.result({ ...study, newest: trials }, () =>
      [
        terminal.table(['name', 'complete', 'pruned', 'failed', 'running', 'waiting'], [rowOfStudy(study)]),
        ...(trials.length === 0 ? [] : [terminal.table(TRIAL_COLUMNS, trials.map(rowOfTrial))]),
      ].join('\n'),
    )
    return undefined
  },
}

const best: Command = {
  path: 'study best',
  summary: 'The best trial; of several objectives, all that no other is better than',
  args: [STUDY],
  options: [
    {
      name: 'reference',
      type: 'string',
      value: 'A,B',
      summary: 'A value for each objective: also tells the hypervolume',
    },
  ],
  run: async ({ api, args, options, terminal }) => {
    const { reference } = options
    const query = reference === undefined ? '' : `?reference=${encodeURIComponent(String(reference))}`
    const found = await (await api()).json<Best>('GET', `${path(args)}/best${query}`)
    terminal.result(found, () => {
      if (found.trials.length === 0) return 'No trial is complete yet'
      const volume = found.hypervolume === undefined ? '' : `\nHypervolume ${found.hypervolume}`
      return terminal.table(TRIAL_COLUMNS, found.trials.map(rowOfTrial)) + volume
    })
    return undefined
  },
}

const remove: Command = {
  path: 'study delete',
  summary: 'Delete a study with all its trials, for ever',
  args: [STUDY],
  run: async ({ api, args, terminal }) => {
    const gone = await (await api()).json<{ deleted: string }>('DELETE', path(args))
    terminal.result(gone, () => `Deleted ${gone.deleted}`)
    return undefined
  },
}

export const studyCommands: readonly Command[] = [create, list, ask, tell, report, show, best, remove]

type Args = CommandContext['args']

function path(args: Args): string {
  return `/studies/${encodeURIComponent(args['study'] ?? '')}`
}

function pathOfTrial(args: Args): string {
  const number = args['trial'] ?? ''
  if (!/^\d{1,9}$/.test(number)) {
    throw new Problem('usage', `Cannot use the trial ${JSON.stringify(number)}: wanted its number`)
  }
  return `${path(args)}/trials/${number}`
}

async function readYaml(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch(error => {
    throw new Problem('not_found', `Cannot read the study: ${file} is not there or not to be read`, { cause: error })
  })
  if (text.length > FILE_CHARACTERS_MAX) {
    throw new Problem('too_large', `Cannot read the study: ${file} has more than ${FILE_CHARACTERS_MAX} characters`)
  }
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text, { version: '1.2', uniqueKeys: true })
  const [error] = document.errors
  if (error !== undefined)
    throw new Problem('malformed', `Cannot read the study: ${file}: ${error.message.split('\n')[0]}`)
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new Problem('malformed', `Cannot read the study: ${file}: ${(cause as Error).message}`, { cause })
  }
}

function toldOf({ options }: CommandContext): unknown {
  const { value, pruned, failed, retry, attempt } = options
  const values = (value ?? []) as readonly string[]
  const ways = [values.length > 0, pruned === true, failed !== undefined].filter(Boolean).length
  if (ways !== 1)
    throw new Problem('usage', `Cannot tell the trial: wanted one of --value, --pruned and --failed, found ${ways}`)
  const known = attempt === undefined ? {} : { attempt }
  if (pruned === true) return { state: 'pruned', ...known }
  if (failed !== undefined) return { state: 'failed', error: failed, ...(retry === true ? { retry } : {}), ...known }
  const [first = ''] = values
  if (values.length === 1 && !first.includes('=')) return { value: numberOf(first), ...known }
  const entries = values.map(text => {
    const at = text.lastIndexOf('=')
    if (at < 1)
      throw new Problem('usage', `Cannot tell the trial: --value ${text}, wanted NAME=NUMBER where there are several`)
    return [text.slice(0, at), numberOf(text.slice(at + 1))]
  })
  return { values: Object.fromEntries(entries), ...known }
}

/** JSON has no NaN and no infinities: they are told as texts. */
function numberOf(text: OptionValue): number | string {
  const trimmed = String(text).trim()
  if (trimmed === 'NaN' || trimmed === 'Infinity' || trimmed === '-Infinity') return trimmed
  const value = trimmed === '' ? Number.NaN : Number(trimmed)
  if (!Number.isFinite(value))
    throw new Problem('usage', `Cannot use the value ${JSON.stringify(text)}: wanted a number`)
  return value
}

const TRIAL_COLUMNS = ['trial', 'state', 'values', 'parameters', 'worker']

function rowOfTrial({ number, state, values, params, worker, error }: Trial): (string | number | undefined)[] {
  const [one, ...more] = Object.values(values ?? {})
  const told = more.length === 0 ? one : pairs(values!)
  return [number, state, told ?? error, pairs(params), worker]
}

function rowOfPoint({ number, attempt, params }: Trial): (string | number)[] {
  return [number, attempt, pairs(params)]
}

function rowOfStudy({ name, trials }: StudyInfo): (string | number)[] {
  return [name, trials.complete, trials.pruned, trials.failed, trials.running, trials.waiting]
}

function pairs(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
