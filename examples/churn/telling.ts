/** How the demo looks: what each step prints. On a terminal with colour and a live line; piped, as plain text. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { InclusionProof, SignedHead } from '../../src/ledger/evidence.ts'
import type { PredictionRecord } from '../../src/ledger/record.ts'
import { rocAuc } from '../../src/math/metrics/auc.ts'
import { columnsOf } from '../../src/platform/paint.ts'
import type { Terminal } from '../../src/platform/terminal.ts'
import { bytesText, durationText, numberText } from '../../src/platform/text-table.ts'
import { padEnd, widthOf } from '../../src/platform/text-width.ts'
import type { ModelVersion } from '../../src/registry/version.ts'
import type { Population } from './population.ts'
import type { Told } from './stage.ts'
import type { Tampering } from './tampering.ts'
import { type Answered, CONNECTIONS, type Figures, type Refusal, type TrafficResult } from './traffic.ts'

const COLUMNS_MAX = 100
const TOLD_CHARACTERS_MAX = 66

export function heading(terminal: Terminal, step: number, text: string): void {
  const { accent, strong } = terminal.paint
  const columns = Math.min(COLUMNS_MAX, columnsOf(process.stdout))
  const rest = '─'.repeat(Math.max(3, columns - widthOf(text) - 8))
  terminal.say(`\n${accent('──')} ${accent(String(step))}  ${strong(text)} ${accent(rest)}`)
}

export function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '   ')
}

/** A live line where somebody watches; else a line for each quarter. */
export function livingFigures(terminal: Terminal, total: number): { observe(figures: Figures): void; end(): void } {
  const progress = terminal.progress('   asking', total)
  let quarter = 1
  return {
    observe(figures): void {
      progress.update(figures.done, figuresText(figures))
      if (terminal.interactive || figures.done < (total * quarter) / 4) return
      while (figures.done >= (total * quarter) / 4) quarter++
      terminal.say(`   ${numberText(figures.done)} of ${numberText(total)}  ${figuresText(figures)}`)
    },
    end: () => progress.end(),
  }
}

function figuresText({ requestsPerSecond, p50Ms, p99Ms }: Figures): string {
  return `${numberText(Math.round(requestsPerSecond))} requests/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`
}

export function tellFigures(terminal: Terminal, traffic: TrafficResult): void {
  const { good } = terminal.paint
  terminal.say(
    `   ${good('✓')} ${numberText(traffic.answered.length)} customers answered over ${CONNECTIONS} connections: ${figuresText(traffic)}`,
  )
}

export function tellRefusals(terminal: Terminal, refusals: readonly Refusal[]): void {
  if (refusals.length === 0) return
  terminal.say('\n   Some requests were wrong on purpose. Each was refused, told why, and recorded:')
  const cut = (text: string): string =>
    text.length > TOLD_CHARACTERS_MAX ? `${text.slice(0, TOLD_CHARACTERS_MAX)}…` : text
  const rows = refusals.map(({ what, count, status, told }) => [what, count, status, cut(told)])
  terminal.say(indented(terminal.table(['sent', 'times', 'status', 'answer'], rows)))
}

export async function tellRecord({ terminal, api }: Told, { id, person }: Answered): Promise<void> {
  const { record } = await api.json<{ record: PredictionRecord }>('GET', `/predictions/${id}`)
  const proof = await api.json<InclusionProof>('GET', `/audit/proofs/${id}`)
  const scalars = (values: object): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')
  const left = person.left === undefined ? '' : person.left ? ' (they did leave)' : ' (they stayed)'
  pairs(terminal, [
    ['customer', `${person.subject}, in the log as pseudonym ${record.subject}`],
    [
      'asked',
      `${new Date(record.at).toISOString()} by ${record.actor}${record.purpose === undefined ? '' : ` for ${record.purpose}`}`,
    ],
    ['features', scalars(record.features)],
    ['answer', `${scalars(record.outputs)} by ${record.model}@${record.version}, in ${record.latencyMs} ms${left}`],
    ['record', id],
    [
      'proof',
      `record ${numberText(proof.index + 1)} of ${numberText(proof.head.size)}; ${proof.path.length} hashes lead from it to the signed root ${proof.head.root.slice(0, 16)}…`,
    ],
  ])
}

export function tellTampering(terminal: Terminal, all: readonly Tampering[]): void {
  const { good, bad, faint } = terminal.paint
  for (const { deed, verdict } of all) {
    terminal.say(`   On a copy, somebody ${deed}.`)
    const mark = verdict.intact ? bad('✗ not caught') : good('✓ caught')
    terminal.say(`     ${mark}  ${verdict.says[0]}`)
    for (const more of verdict.says.slice(1, 3)) if (!verdict.intact) terminal.say(`               ${faint(more)}`)
  }
  const missed = all.filter(({ verdict }) => verdict.intact).length
  if (missed > 0) throw new Error(`Cannot trust the verifier: ${missed} falsified copies passed`)
}

interface Ending {
  readonly population: Population
  readonly traffic: TrafficResult
  readonly head: SignedHead
  readonly seconds: number
  readonly version: ModelVersion
}

export async function summary({ terminal, server, data, options }: Told, ending: Ending): Promise<void> {
  const { traffic, head, seconds, version } = ending
  const { strong, accent, faint } = terminal.paint
  const refused = traffic.refusals.reduce((sum, { count }) => sum + count, 0)
  const bytes = ledgerBytes(data)
  pairs(terminal, [
    ['model', `${version.model}@${version.version}, artifact SHA-256 ${version.artifact.sha256.slice(0, 16)}…`],
    [
      'requests',
      `${numberText(traffic.answered.length)} answered, ${refused} refused, ${traffic.failures.length} failed`,
    ],
    ['speed', `${figuresText(traffic)} (this process and the server share the machine)`],
    [
      'log',
      `${numberText(head.size)} records, ${numberText(Math.round(bytes / head.size))} bytes a record on disk (${bytesText(bytes)})`,
    ],
    ['head', `${head.root}, signed by key ${head.keyId}`],
    ...truth(ending.population, traffic.answered),
    ['took', durationText(seconds * 1000)],
  ])
  if (options.ends) return
  terminal.say('')
  pairs(terminal, [
    ['API', accent(`${server.url}/docs`)],
    ['metrics', accent(`${server.url}/metrics`)],
    ['head', accent(`${server.url}/audit/head`)],
  ])
  terminal.say(
    `\n   Ask it yourself:\n   ${strong(`curl -H 'content-type: application/json' ${server.url}/predict -d '${ending.population.people[0]!.body}'`)}`,
  )
  terminal.say(`\n   ${faint(`It stays up until Ctrl-C; then its data (${data}) is removed.`)}`)
}

/** What the answers were worth. In a simulation the best possible answer is known, so that the model is judged by it. */
function truth(population: Population, answered: readonly Answered[]): readonly (readonly [string, string])[] {
  const known = answered.filter(({ person }) => person.left !== undefined)
  if (known.length === 0) return []
  const labels = Float64Array.from(known, ({ person }) => Number(person.left))
  const scores = Float64Array.from(known, ({ value }) => value)
  const hits = known.filter(({ person, value }) => value >= 0.5 === person.left).length
  const auc = (values: Float64Array): string => rocAuc(labels, values).toFixed(3)
  const accuracy = `accuracy ${((100 * hits) / known.length).toFixed(1)} %, AUC ${auc(scores)}`
  if (population.people[0]!.trueProbability === undefined) {
    return [
      ['what happened', `${accuracy} on ${numberText(known.length)} rows (the model may have been trained on some)`],
    ]
  }
  const truths = Float64Array.from(known, ({ person }) => person.trueProbability!)
  const error = truths.reduce((sum, p, i) => sum + Math.abs(p - scores[i]!), 0) / truths.length
  return [
    ['what happened', `${accuracy}; nobody could do better than ${auc(truths)}`],
    ['what was true', `the answers are ${error.toFixed(3)} off the true probabilities, on average`],
  ]
}

function ledgerBytes(data: string): number {
  const folder = join(data, 'ledger')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function pairs(terminal: Terminal, list: readonly (readonly [string, string])[]): void {
  const width = Math.max(...list.map(([name]) => widthOf(name)))
  for (const [name, text] of list) terminal.say(`   ${terminal.paint.faint(padEnd(name, width))}  ${text}`)
}
