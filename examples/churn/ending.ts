/** The summary of the demo: what was done, what it was worth, and what was true. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { SignedHead } from '../../src/ledger/evidence.ts'
import { rocAuc } from '../../src/math/metrics/auc.ts'
import { bytesText, durationText, numberText } from '../../src/platform/text-table.ts'
import type { ModelVersion } from '../../src/registry/version.ts'
import type { Block } from './live.ts'
import type { Person, Population } from './population.ts'
import type { Told } from './stage.ts'
import { figuresText, pairs } from './telling.ts'
import type { Answered, TrafficResult } from './traffic.ts'

type Pair = readonly [string, string]

interface Ending {
  readonly population: Population
  readonly traffic: TrafficResult
  readonly blocks: readonly Block[]
  /** How many were posted. */
  readonly outcomes: number
  readonly head: SignedHead
  readonly seconds: number
  readonly version: ModelVersion
}

export async function summary({ terminal, server, data, options }: Told, ending: Ending): Promise<void> {
  const { population, traffic, blocks, outcomes, head, seconds, version } = ending
  const { strong, accent, faint } = terminal.paint
  const refused = traffic.refusals.reduce((sum, { count }) => sum + count, 0)
  const bytes = ledgerBytes(data)
  pairs(terminal, [
    ['model', `${version.model}@${version.version}, artifact SHA-256 ${version.artifact.sha256.slice(0, 16)}…`],
    [
      'requests',
      `${numberText(traffic.answered.length)} answered, ${refused} refused, ${traffic.failures.length} failed`,
    ],
    ['outcomes', `${numberText(outcomes)} posted; of the others it is not known yet what became of them`],
    ['speed', `${figuresText(traffic)}, as the demo asks no faster (npm run bench:serving does)`],
    [
      'log',
      `${numberText(head.size)} records, ${numberText(Math.round(bytes / head.size))} bytes a record on disk (${bytesText(bytes)})`,
    ],
    ['head', `${head.root}, signed by key ${head.keyId}`],
    ...noticed(population, blocks),
    ...worth(population, traffic.answered),
    ['took', durationText(seconds * 1000)],
  ])
  if (options.ends) return
  terminal.say('')
  pairs(terminal, [
    ['dashboard', accent(server.url)],
    ['API', accent(`${server.url}/docs`)],
    ['metrics', accent(`${server.url}/metrics`)],
    ['head', accent(`${server.url}/audit/head`)],
  ])
  terminal.say(
    `\n   Ask it yourself:\n   ${strong(`curl -H 'content-type: application/json' ${server.url}/predict -d '${population.people[0]!.body}'`)}`,
  )
  terminal.say(`\n   ${faint(`It stays up until Ctrl-C; then its data (${data}) is removed.`)}`)
}

/** When the platform noticed what the demo knows to have happened; and whether it cried wolf before. */
function noticed(population: Population, blocks: readonly Block[]): readonly Pair[] {
  const changes = blocks.at(-1)?.drift.changes ?? []
  const isAlarm = ({ state }: (typeof changes)[number]): boolean =>
    state.verdict === 'drift' || state.verdict === 'warning'
  const alarms = changes.filter(isAlarm).toSorted((a, b) => a.predictions - b.predictions)
  const { arrival } = population
  if (arrival === undefined) return [['the world', `did not change that anybody knows; ${alarms.length} alarms`]]
  const early = alarms.filter(({ predictions }) => predictions <= arrival.at).length
  const first = alarms.find(({ predictions, state }) => predictions > arrival.at && state.verdict === 'drift')
  const seen =
    first === undefined
      ? 'not noticed'
      : `drift on ${first.state.cause?.feature} after ${numberText(first.predictions - arrival.at)} of its customers`
  return [
    ['the world', `changed after ${numberText(arrival.at)} customers, when those of ${arrival.place} began to come`],
    ['noticed', `${seen}; ${early === 0 ? 'no alarm' : `${early} false alarms`} before`],
  ]
}

/** What the answers were worth, before the world changed and after. */
function worth({ people, arrival }: Population, answered: readonly Answered[]): readonly Pair[] {
  const known = answered.filter(({ person }) => person.left !== undefined)
  if (known.length === 0) return []
  const newcomers = new Set<Person>(people.slice(arrival?.at ?? people.length))
  const before = known.filter(({ person }) => !newcomers.has(person))
  const after = known.filter(({ person }) => newcomers.has(person))
  const lines: Pair[] = [[arrival === undefined ? 'what happened' : 'at home', judged(before)]]
  if (after.length > 0) lines.push([`in ${arrival!.place}`, judged(after)])
  return lines
}

/** In a simulation the best possible answer is known, so that the model is judged by it. */
function judged(known: readonly Answered[]): string {
  const labels = Float64Array.from(known, ({ person }) => Number(person.left))
  const scores = Float64Array.from(known, ({ value }) => value)
  const hits = known.filter(({ person, value }) => value >= 0.5 === person.left).length
  const auc = (values: Float64Array): string => rocAuc(labels, values).toFixed(3)
  const accuracy = `accuracy ${((100 * hits) / known.length).toFixed(1)} %, AUC ${auc(scores)}`
  if (known[0]!.person.trueProbability === undefined) {
    return `${accuracy} on ${numberText(known.length)} rows (the model may have been trained on some)`
  }
  const truths = Float64Array.from(known, ({ person }) => person.trueProbability!)
  const error = truths.reduce((sum, p, i) => sum + Math.abs(p - scores[i]!), 0) / truths.length
  return `${accuracy}, nobody could do better than ${auc(truths)}; ${error.toFixed(3)} off the true probabilities, on average`
}

function ledgerBytes(data: string): number {
  const folder = join(data, 'ledger')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
