/**
 * The live part of the demo: customers are asked about block by block, what became of them is posted, and after each block the
 * platform is asked how it goes: has the world changed, and is the model still right?
 */
import type { SignedHead } from '../../src/ledger/evidence.ts'
import type { ModelVersion } from '../../src/registry/version.ts'
import { postOutcomes } from './outcomes.ts'
import type { Arrival, Population } from './population.ts'
import { type DriftTold, driftTold, type QualityTold, qualityTold } from './readings.ts'
import { WINDOW_MS } from './server-process.ts'
import type { Told } from './stage.ts'
import { blockRow, livingFigures } from './telling.ts'
import { joined, sendTraffic, type TrafficResult, wrongRequests } from './traffic.ts'

export interface Block {
  /** Customers asked about before it. */
  readonly from: number
  readonly to: number
  /** Whether they come from where nobody came from before. */
  readonly isNew: boolean
  readonly drift: DriftTold
  readonly quality: QualityTold | undefined
}

export interface Lived {
  readonly traffic: TrafficResult
  readonly blocks: readonly Block[]
  readonly outcomes: number
}

/** Blocks are small enough to see how long it takes until a change is noticed. */
const BLOCK_MIN = 100
const BLOCK_MAX = 500
const BLOCKS_WANTED = 10
/** Slow enough that blocks are spread over several windows of time. */
const REQUESTS_PER_SECOND = 400

export async function live(told: Told, version: ModelVersion, population: Population): Promise<Lived> {
  const { terminal, server, signal, api } = told
  const path = `/models/${encodeURIComponent(version.model)}/predict`
  const { people, arrival } = population
  const { uses } = version
  const results: TrafficResult[] = []
  const blocks: Block[] = []
  let outcomes = 0
  for (const [from, to] of blockEnds(people.length, arrival)) {
    if (signal.aborted) break
    const figures = livingFigures(terminal, to - from)
    const startedAt = await nextWindow()
    // A signed head after each block: the falsifier goes back to one in the middle of the log.
    await api.json<SignedHead>('GET', '/audit/head')
    const traffic = await sendTraffic({
      url: server.url,
      path,
      people: people.slice(from, to),
      before: from,
      purpose: uses.permitted[0],
      wrong: wrongRequests(version.model, path, people[0]!.body, uses.prohibited[0]),
      signal,
      observe: figures.observe,
      requestsPerSecond: REQUESTS_PER_SECOND,
    })
    figures.end()
    outcomes += await postOutcomes(api, traffic.answered)
    const isNew = arrival !== undefined && from >= arrival.at
    const drift = await driftTold(api, version.model)
    const quality = await qualityTold(api, version.model, startedAt)
    const block = { from, to, isNew, drift, quality }
    terminal.say(blockRow(terminal, block, arrival))
    results.push(traffic)
    blocks.push(block)
  }
  return { traffic: joined(results), blocks, outcomes }
}

/** Quality is told of whole seconds; so that no second holds two blocks, each waits for a new one. */
async function nextWindow(): Promise<number> {
  await new Promise(resolve => setTimeout(resolve, WINDOW_MS - (Date.now() % WINDOW_MS) + 1))
  return Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS
}

/** No block holds people from before and after the arrival. */
function blockEnds(count: number, arrival: Arrival | undefined): (readonly [number, number])[] {
  const size = Math.max(BLOCK_MIN, Math.min(BLOCK_MAX, Math.ceil(count / BLOCKS_WANTED)))
  const ends: (readonly [number, number])[] = []
  for (let from = 0; from < count; ) {
    const to = Math.min(from + size, from < (arrival?.at ?? 0) ? arrival!.at : count)
    ends.push([from, to])
    from = to
  }
  return ends
}
