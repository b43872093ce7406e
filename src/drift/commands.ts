import type { Client } from '../client.ts'
import { Problem } from '../errors.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import { plain } from '../platform/text-width.ts'
import { DRIFT_STATISTICS } from '../registry/drift-keys.ts'
import type { Verdict } from './judge.ts'
import type { Reading } from './reading.ts'
import type { DriftReport } from './report.ts'

/** Exit status of `--check` where there is drift: none of the table of errors. */
const DRIFTED = 1

const drift: Command = {
  path: 'drift',
  summary: 'Whether what a model is asked is still like its reference data',
  description:
    'Compares the last predictions with the reference data, feature by feature and output by output. With --since or --until,\n' +
    'all predictions of that time. PSI and the Kolmogorov–Smirnov statistic decide, unless model.yaml says otherwise: a\n' +
    'difference counts where it reaches a threshold and chance does not explain it.',
  args: [{ name: 'model', summary: 'Its name; with @VERSION or @ALIAS, that version', completes: 'model' }],
  options: [
    { name: 'version', type: 'string', value: 'VERSION', summary: 'A version or alias; default: the one that answers' },
    {
      name: 'since',
      type: 'string',
      value: 'TIME',
      summary: 'Not before: 2026-11-22, 2026-11-22T14:00Z, or milliseconds',
    },
    { name: 'until', type: 'string', value: 'TIME', summary: 'Before' },
    { name: 'all', type: 'boolean', summary: 'Every statistic, not only those that decide' },
    { name: 'ledger', type: 'boolean', summary: 'Count the stored records again: the same numbers, with time' },
    { name: 'check', type: 'boolean', summary: `End with status ${DRIFTED} where there is drift` },
  ],
  examples: [
    { line: 'bellwether drift churn', does: 'the last predictions of the version that answers' },
    { line: 'bellwether drift churn@1.1.0 --since 2026-11-01', does: 'a version since the first of the month' },
    { line: 'bellwether drift churn --check', does: 'for a script: fails where there is drift' },
  ],
  run: runDrift,
}

export const driftCommands: readonly Command[] = [drift]

async function runDrift({ api, args, options, terminal }: CommandContext): Promise<number | undefined> {
  const report = await asked(await api(), args['model'] ?? '', options)
  terminal.result(report, () => told(report, options['all'] === true, terminal))
  if (options['check'] !== true) return undefined
  return (isRange(options) ? report.window?.verdict : report.state) === 'drift' ? DRIFTED : undefined
}

function isRange(options: CommandContext['options']): boolean {
  return options['since'] !== undefined || options['until'] !== undefined || options['ledger'] === true
}

function asked(server: Client, named: string, options: CommandContext['options']): Promise<DriftReport> {
  const [model = '', reference] = named.split('@') as [string, string | undefined]
  const { version = reference, since, until, ledger } = options
  if (reference !== undefined && options['version'] !== undefined) {
    throw new Problem('usage', `Cannot tell the drift: ${named} names a version, and --version another`)
  }
  const query = new URLSearchParams()
  const put = (name: string, value: unknown): void => {
    if (value !== undefined) query.set(name, String(value))
  }
  put('version', version)
  put('since', timeOf('since', since))
  put('until', timeOf('until', until))
  if (ledger === true) put('source', 'ledger')
  return server.json<DriftReport>('GET', `/models/${encodeURIComponent(model)}/drift?${query}`)
}

function timeOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const text = String(value)
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isSafeInteger(at) && at >= 0) return at
  throw new Problem('usage', `Cannot tell the drift: --${name} is "${text}", wanted a time such as 2026-11-22T14:00Z`)
}

function told(report: DriftReport, all: boolean, terminal: CommandContext['terminal']): string {
  const { model, version, window, readings } = report
  const name = `${model}@${version}`
  if (report.state === 'no reference')
    return `${name} was registered without reference data: there is nothing to compare with`
  if (window === undefined) return `${name}: no predictions to compare`
  const when = `${new Date(window.from).toISOString()} to ${new Date(window.to).toISOString()}`
  const shown = readings.filter(({ decides, verdict }) => all || decides || verdict === 'not watched')
  const bad = shown.filter(({ verdict }) => verdict === 'drift' || verdict === 'warning')
  return [
    `${name}: ${stateText(report)}`,
    `${window.rows} predictions, ${when}`,
    '',
    terminal.table(['feature', ...columnNames(shown), 'verdict'], tableRows(shown)),
    ...(bad.length === 0 ? [] : ['', ...bad.map(({ sentence }) => plain(sentence))]),
    ...(shown.some(({ verdict }) => verdict === 'not watched')
      ? ['', ...shown.filter(({ verdict }) => verdict === 'not watched').map(({ sentence }) => plain(sentence))]
      : []),
  ].join('\n')
}

const STATE_TEXTS: Readonly<Record<Verdict, string>> = {
  ok: 'like the reference data',
  warning: 'shifting',
  drift: 'drift',
  'too few': 'too few predictions to judge',
  'not watched': 'not watched',
}

/** Of a range its own verdict, else what is believed of the version. */
function stateText({ state, since, window }: DriftReport): string {
  const verdict = (window?.verdict ?? state) as Verdict
  const text = STATE_TEXTS[verdict]
  if (state !== 'warning' && state !== 'drift') return text
  const at = since === undefined ? '' : ` since ${new Date(since).toISOString()}`
  return verdict === state ? `${text}${at}` : `${text}; ${STATE_TEXTS[state]}${at}, until a whole window is without it`
}

function columnNames(readings: readonly Reading[]): string[] {
  return DRIFT_STATISTICS.filter(statistic => readings.some(reading => reading.statistic === statistic))
}

const ORDER: readonly Verdict[] = ['drift', 'warning', 'ok', 'too few', 'not watched']

/** A row a column, the worst first. */
function tableRows(readings: readonly Reading[]): (string | number | undefined)[][] {
  const names = columnNames(readings)
  const columns = [...Map.groupBy(readings, ({ kind, feature }) => `${kind} ${feature}`).values()]
  const rows = columns.map(members => {
    const verdicts = members.filter(({ decides, verdict }) => decides || verdict === 'not watched')
    const verdict = ORDER.find(one => verdicts.some(reading => reading.verdict === one)) ?? 'not watched'
    const values = names.map(name => rounded(members.find(({ statistic }) => statistic === name)?.value))
    return { rank: ORDER.indexOf(verdict), row: [members[0]!.feature, ...values, verdict] }
  })
  return rows.sort((a, b) => a.rank - b.rank).map(({ row }) => row)
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(3))
}
