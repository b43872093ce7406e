/** Our server beside the Python servers of peers.ts, one after the other: requests a second, each between two rounds of ours. */
import { readFileSync } from 'node:fs'
import type { ClosedLoop, Round } from './closed-loop.ts'
import { PEERS, startPeer } from './peers.ts'
import { type Measured, median } from './processes.ts'

const WARM_UP_SECONDS = 3

export interface Comparison {
  readonly name: string
  readonly versions: string
  readonly rounds: readonly Round[]
  /** Our requests a second for each of theirs, in neighbouring rounds. */
  readonly times: readonly number[]
  /** Their processor time for a request, for each of ours. */
  readonly cpuTimes: readonly number[]
  /** Wanted of the median; 0: none is. */
  readonly target: number
}

export interface Comparing {
  /** `all`, or names of `PEERS`. */
  readonly peers: string
  readonly core: number
  readonly folder: string
  readonly bodies: string
  readonly server: Measured
  readonly measure: ClosedLoop['measure']
  readonly rounds: number
  readonly seconds: number
}

export async function comparePeers(comparing: Comparing): Promise<readonly Comparison[]> {
  const { peers, bodies, server } = comparing
  const rows = readFileSync(bodies, 'utf8').trim().split('\n')
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${server.url}/predict`, { method: 'POST', headers, body: rows[0]! })
  const { outputs } = (await answer.json()) as { outputs: { churn_probability: number } }
  const parsed = rows.map(row => JSON.parse(row) as Readonly<Record<string, number | boolean>>)
  const found: Comparison[] = []
  for (const id of peers === 'all' ? Object.keys(PEERS) : peers.split(',')) {
    found.push(await compareOne(comparing, id, parsed, outputs.churn_probability))
  }
  return found
}

async function compareOne(
  { core, folder, bodies, server, measure, rounds, seconds }: Comparing,
  id: string,
  rows: readonly Readonly<Record<string, number | boolean>>[],
  wanted: number,
): Promise<Comparison> {
  process.stderr.write(`starting ${id}\n`)
  const peer = await startPeer(id, core, folder, rows, wanted)
  const theirs: Round[] = []
  const times: number[] = []
  const cpuTimes: number[] = []
  try {
    await measure(peer.server, peer.path, peer.bodies, WARM_UP_SECONDS)
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`${id}, round ${round} of ${rounds}\n`)
      const ours = await measure(server, '/predict', bodies, seconds)
      theirs.push(await measure(peer.server, peer.path, peer.bodies, seconds))
      times.push(ours.requestsPerSecond / theirs.at(-1)!.requestsPerSecond)
      cpuTimes.push(theirs.at(-1)!.cpuUs / ours.cpuUs)
    }
  } finally {
    await peer.server.stop()
  }
  return { name: peer.name, versions: peer.versions, rounds: theirs, times, cpuTimes, target: peer.target }
}

/** How many times theirs ours is, with what is wanted, and what they are. */
export function comparisonLines(comparisons: readonly Comparison[]): string[] {
  return comparisons.map(({ name, versions, times, cpuTimes, target }) => {
    const spread = `${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)}`
    const wanted = target === 0 ? '' : `; wanted ${target}`
    return `${median(times).toFixed(1)} times ${name} (${spread}${wanted}), by processor time ${median(cpuTimes).toFixed(1)}: ${versions}`
  })
}
