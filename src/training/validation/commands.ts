import { basename } from 'node:path'
import type { Client } from '../../client.ts'
import { Problem } from '../../errors.ts'
import type { Command, CommandContext } from '../../platform/command.ts'
import { manifestForm } from '../../registry/commands.ts'
import { reportText } from './report-text.ts'
import { splitCommand } from './split-command.ts'
import type { Validation } from './store.ts'
import type { Made } from './validations.ts'

/** Exit status of a validation in which something failed. */
const FAILED = 1

const validateCommand: Command = {
  path: 'validate',
  summary: 'Judge a version before it answers: leaks, metrics, slices, stress, the champion',
  description:
    'By the rules under `validation` in model.yaml, on its evaluation data: metrics with intervals, probes for leaks, slices,\n' +
    'calibration, worse data, and a paired comparison with the champion. Takes a model.yaml, registered or not, or a version.\n' +
    'What is registered keeps the verdict as evidence. The exit status is 1 where anything failed.',
  args: [{ name: 'subject', summary: 'model.yaml, or MODEL@VERSION', completes: 'file' }],
  options: [
    {
      name: 'against',
      type: 'string',
      value: 'MODEL@VERSION',
      summary: 'What it is compared with; without it, the champion of its model',
    },
  ],
  examples: [
    { line: 'bellwether validate model.yaml', does: 'before it is registered: nothing is kept' },
    { line: 'bellwether validate churn@1.1.0', does: 'keeps the verdict; it may become champion if it passed' },
    { line: 'bellwether validate churn@1.1.0 --against churn@1.0.0', does: 'in the place of the champion' },
  ],
  run: runValidate,
}

const listCommand: Command = {
  path: 'validations',
  summary: 'Validations that a version went through',
  args: [{ name: 'version', summary: 'MODEL@VERSION or MODEL@ALIAS', completes: 'model' }],
  options: [{ name: 'report', type: 'string', value: 'ID', summary: 'The report of this one, or of `latest`' }],
  examples: [
    { line: 'bellwether validations churn@champion', does: 'the latest first' },
    { line: 'bellwether validations churn@1.1.0 --report latest', does: 'everything that it found' },
  ],
  run: runList,
}

export const validationCommands: readonly Command[] = [validateCommand, listCommand, splitCommand]

async function runValidate(context: CommandContext): Promise<number | undefined> {
  const { api, args, options, terminal } = context
  const subject = args['subject'] ?? ''
  const against = options['against'] as string | undefined
  const isFile = /\.ya?ml$/i.test(subject)
  const form = isFile ? await manifestForm({ options: {} }, subject) : undefined
  const path = isFile ? '' : validationsPath(subject)
  const progress = terminal.progress(`Validating ${basename(subject)}`)
  let made: Made
  try {
    const server = await api()
    made = form === undefined ? await server.json<Made>('POST', path, { against }) : await send(server, form, against)
  } finally {
    progress.end()
  }
  terminal.result(made, () => {
    const { model, version } = made.report
    const told =
      made.validation === undefined ? `Nothing is kept: ${model}@${version} is not registered` : kept(made.validation)
    return `${reportText(made.report, terminal)}\n\n${told}`
  })
  return made.report.passed ? undefined : FAILED
}

function kept({ id, model, version }: Validation): string {
  return `Kept as ${id}: bellwether validations ${model}@${version} --report ${id}`
}

async function send(server: Client, body: FormData, against: string | undefined): Promise<Made> {
  const query = against === undefined ? '' : `?against=${encodeURIComponent(against)}`
  const response = await server.send({ method: 'POST', path: `/models/validate${query}`, body })
  return (await response.json()) as Made
}

async function runList({ api, args, options, terminal }: CommandContext): Promise<undefined> {
  const path = validationsPath(args['version'] ?? '')
  const server = await api()
  const { report } = options
  if (typeof report === 'string') {
    const made = await server.json<Made>('GET', `${path}/${encodeURIComponent(report)}`)
    terminal.result(made, () => reportText(made.report, terminal))
    return
  }
  const { validations } = await server.json<{ validations: Validation[] }>('GET', path)
  terminal.result({ validations }, () =>
    validations.length === 0
      ? `No validations. Make one with: bellwether validate ${args['version']}`
      : terminal.table(
          ['validation', 'when', 'verdict', 'failed', 'warned', 'compared with', 'by'],
          validations.map(({ id, at, passed, counts, against, by }) => [
            id,
            new Date(at).toISOString(),
            passed ? 'passed' : 'failed',
            counts.failed,
            counts.warned,
            against,
            by,
          ]),
        ),
  )
}

function validationsPath(subject: string): string {
  const at = subject.lastIndexOf('@')
  if (at < 1 || at === subject.length - 1) {
    throw new Problem('usage', `Cannot validate ${JSON.stringify(subject)}: wanted a model.yaml, or MODEL@VERSION`)
  }
  const [model, version] = [subject.slice(0, at), subject.slice(at + 1)]
  return `/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}/validations`
}
