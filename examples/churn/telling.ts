/** How the demo looks: what each step prints. On a terminal with colour and a live line; piped, as plain text. */
import type { InclusionProof } from '../../src/ledger/evidence.ts'
import type { PredictionRecord } from '../../src/ledger/record.ts'
import { columnsOf } from '../../src/platform/paint.ts'
import type { Terminal } from '../../src/platform/terminal.ts'
import { numberText } from '../../src/platform/text-table.ts'
import { padEnd, widthOf } from '../../src/platform/text-width.ts'
import type { Block } from './live.ts'
import type { Arrival } from './population.ts'
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

/** A live line where somebody watches. */
export function livingFigures(terminal: Terminal, total: number): { observe(figures: Figures): void; end(): void } {
  const progress = terminal.progress('   asking', total)
  return {
    observe: figures => progress.update(figures.done, figuresText(figures)),
    end: () => progress.end(),
  }
}

export function figuresText({ requestsPerSecond, p50Ms, p99Ms }: Figures): string {
  return `${numberText(Math.round(requestsPerSecond))} requests/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`
}

const BLOCK_WIDTHS = [13, 10, 8, 30, 22] as const

export function blockHead(terminal: Terminal): void {
  terminal.say('')
  terminal.say(
    terminal.paint.faint(blockLine(['customers', 'from', 'drift', 'furthest from reference', 'AUC (95 %)'], 'known')),
  )
}

/** What was read after a block of customers. */
export function blockRow(terminal: Terminal, block: Block, arrival: Arrival | undefined): string {
  const { good, accent, bad } = terminal.paint
  const { drift, quality, from, to, isNew } = block
  const { largest } = drift
  const place = isNew ? arrival!.place : 'home'
  const furthest =
    largest === undefined ? '' : `${largest.feature}: ${largest.statistic!.toUpperCase()} ${largest.value!.toFixed(3)}`
  const auc =
    quality === undefined
      ? ''
      : `${quality.auc.value.toFixed(3)} (${quality.auc.low.toFixed(2)} to ${quality.auc.high.toFixed(2)})`
  const known = quality === undefined ? '' : `${Math.round(quality.maturity * 100)} %`
  const paint = drift.state === 'drift' ? bad : drift.state === 'warning' ? accent : good
  return paint(blockLine([`${numberText(from + 1)}–${numberText(to)}`, place, drift.state, furthest, auc], known))
}

function blockLine(cells: readonly string[], last: string): string {
  return `   ${cells.map((cell, at) => padEnd(cell, BLOCK_WIDTHS[at]!)).join(' ')} ${last}`
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

export function pairs(terminal: Terminal, list: readonly (readonly [string, string])[]): void {
  const width = Math.max(...list.map(([name]) => widthOf(name)))
  for (const [name, text] of list) terminal.say(`   ${terminal.paint.faint(padEnd(name, width))}  ${text}`)
}
