import { readFile } from 'node:fs/promises'
import { Problem } from '../errors.ts'
import type { Scalar } from '../ledger/record.ts'
import { systemClock } from '../platform/clock.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import { numberText } from '../platform/text-table.ts'
import type { Told } from './answer.ts'
import { METHODS } from './question.ts'

const explain: Command = {
  path: 'explain',
  summary: 'Say what moved an answer, or what moves all of them',
  description:
    'With --prediction, of an answer that was given; with --input, of rows asked now (each is a prediction and leaves a record);\n' +
    'with neither, over all explanations that the records of the last day keep.',
  args: [{ name: 'model', summary: 'Name of a model, NAME or NAME@VERSION', optional: true, completes: 'model' }],
  options: [
    {
      name: 'input',
      short: 'i',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'Rows as JSON: an object of features, an array of them, or one a line',
    },
    { name: 'prediction', type: 'string', value: 'ID', summary: 'Id of a prediction' },
    {
      name: 'method',
      type: 'string',
      value: 'METHOD',
      completes: METHODS,
      summary: `${METHODS.join(', ')}. Default: auto`,
    },
    { name: 'top', type: 'number', value: 'COUNT', default: 10, summary: 'Features shown' },
    { name: 'days', type: 'number', value: 'DAYS', default: 1, summary: 'Without input and prediction: how far back' },
    { name: 'purpose', type: 'string', value: 'TEXT', summary: 'What the rows are asked for' },
  ],
  examples: [
    { line: 'bellwether explain --prediction 019aaaac-7601-70f2-8d7e-919e8cdb1208', does: 'an answer that was given' },
    { line: 'bellwether explain churn --input customer.json', does: 'a customer, now' },
    { line: 'bellwether explain churn', does: 'what moves its answers' },
  ],
  run: runExplain,
}

export const explainCommands: readonly Command[] = [explain]

type Row = Told & { readonly id: string; readonly outputs: Readonly<Record<string, Scalar>> }

async function runExplain(context: CommandContext): Promise<undefined> {
  const { options, args } = context
  const [id, input] = [options['prediction'], options['input']] as (string | undefined)[]
  if (id !== undefined && input !== undefined) {
    throw new Problem('usage', 'Cannot explain: --prediction and --input are given, wanted one of them')
  }
  if (id !== undefined) return await explainId(context, id)
  const model = args['model']
  if (model === undefined) throw new Problem('usage', 'Cannot explain: no model is named, wanted one, or --prediction')
  return input === undefined ? await explainAll(context, model) : await explainRows(context, model, input)
}

async function explainId({ api, options, terminal }: CommandContext, id: string): Promise<undefined> {
  const path = `/predictions/${encodeURIComponent(id)}/explanation?top=${options['top']}`
  const told = await (await api()).json<Row & { readonly kept: boolean }>('GET', path)
  terminal.result(told, () => {
    const how = told.kept ? 'kept with the prediction' : 'computed now, from the features as served'
    return `${headText(told)}, ${how}\n\n${contributionsText(terminal, told, Number(options['top']))}`
  })
}

async function explainRows(context: CommandContext, model: string, input: string): Promise<undefined> {
  const { api, options, terminal } = context
  const rows = await readRows(input)
  const asked = new URLSearchParams({ top: String(options['top']) })
  if (options['method'] !== undefined) asked.set('method', String(options['method']))
  const purpose = options['purpose'] as string | undefined
  const answer = await (await api()).send({
    method: 'POST',
    path: `${pathOf(model, 'explain')}?${asked}`,
    headers: {
      'content-type': 'application/json',
      ...(purpose === undefined ? {} : { 'bellwether-purpose': purpose }),
    },
    body: JSON.stringify(rows),
  })
  const body = (await answer.json()) as Row | { readonly explanations: readonly Row[] }
  const all = 'explanations' in body ? body.explanations : [body]
  terminal.result(body, () =>
    all.map(told => `${headText(told)}\n\n${contributionsText(terminal, told, Number(options['top']))}`).join('\n\n'),
  )
}

/** `NAME@VERSION` pins. */
function pathOf(model: string, what: string): string {
  const [name, version] = model.split('@', 2) as [string, string | undefined]
  const pinned = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`
  return `/models/${encodeURIComponent(name)}${pinned}/${what}`
}

async function readRows(path: string): Promise<unknown> {
  let text: string
  try {
    text = (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new Problem('not_found', `Cannot read ${path}: ${(error as Error).message}`, { cause: error })
  }
  try {
    return JSON.parse(text)
  } catch {
    // One a line, then.
  }
  return text.split(/\r?\n/).map((line, index): unknown => {
    try {
      return JSON.parse(line)
    } catch {
      throw new Problem('invalid', `Cannot read ${path}: line ${index + 1} is not JSON`)
    }
  })
}

function headText({ id, outputs, method, scale }: Row): string {
  const answers = Object.entries(outputs).map(([name, value]) => `${name} ${value}`)
  return `${answers.join(', ')}  (${id})\n${method}, contributions in ${scale === 'output' ? 'units of the answer' : scale}`
}

/** By margin, the largest contribution first. */
function contributionsText(
  terminal: CommandContext['terminal'],
  { explanation, effects, reasons }: Row,
  top: number,
): string {
  const { bias, contributions } = explanation
  const isOne = typeof bias === 'number'
  const tables = (isOne ? [undefined] : Object.keys(bias)).map(margin => {
    const of = (named: object | undefined): Readonly<Record<string, number>> =>
      ((margin === undefined ? named : (named as Readonly<Record<string, object>> | undefined)?.[margin]) ??
        {}) as never
    const [own, effect] = [of(contributions), of(effects)]
    const sorted = Object.entries(own).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
    const rest = sorted.slice(top).reduce((sum, [, value]) => sum + value, 0)
    const lines = sorted.slice(0, top).map(([name, value]) => [name, signed(value), signed(effect[name])])
    if (sorted.length > top) lines.push([`${sorted.length - top} others`, signed(rest), ''])
    const start = isOne ? bias : (bias as Readonly<Record<string, number>>)[margin!]!
    lines.push(['average', signed(start), ''])
    const title = margin === undefined ? '' : `${margin}\n`
    return title + terminal.table(['feature', 'contribution', 'of the answer, about'], lines)
  })
  return [...tables, reasons.map(({ text }) => text).join('\n')].join('\n\n')
}

function signed(value: number | undefined): string {
  if (value === undefined) return ''
  const text = Number(value.toPrecision(4)).toString()
  return value > 0 ? `+${text}` : text
}

const DAY_MS = 86_400_000

interface Overview {
  readonly model: string
  readonly version: string
  readonly explain: string
  readonly rows: number
  readonly features: readonly { readonly feature: string; readonly importance: number; readonly mean: number }[]
  readonly sealed: readonly string[]
}

async function explainAll({ api, options, terminal }: CommandContext, model: string): Promise<undefined> {
  const [name, version] = model.split('@', 2) as [string, string | undefined]
  const asked = new URLSearchParams({ sample: '1' })
  if (version !== undefined) asked.set('version', version)
  const server = await api()
  const path = `/models/${encodeURIComponent(name)}/explanations`
  const days = Number(options['days'])
  if (!(days > 0 && days <= 36_500)) throw new Problem('usage', `Cannot explain: --days is ${days}, wanted more than 0`)
  asked.set('since', String(Math.max(0, Math.floor(systemClock.now() - days * DAY_MS))))
  const found = await server.json<Overview>('GET', `${path}?${asked}`)
  terminal.result(found, () => {
    const head = `${found.model}@${found.version}: ${numberText(found.rows)} explained predictions, explain: ${found.explain}`
    if (found.rows === 0) return head
    const lines = found.features.slice(0, Number(options['top'])).map(({ feature, importance, mean }) => {
      return [feature, Number(importance.toPrecision(4)).toString(), signed(mean)]
    })
    const sealed = found.sealed.length === 0 ? [] : [`Sealed, and so not here: ${found.sealed.join(', ')}`]
    return [head, terminal.table(['feature', 'mean size', 'mean'], lines), ...sealed].join('\n\n')
  })
}
