/** What a load costs the server, by what its own metrics say before and after. */
import type { Client } from '../client.ts'
import type { ServerCost } from './report.ts'

export interface ServerState {
  /** Seconds of processor time since it started. */
  readonly cpuSeconds?: number
  readonly residentBytes?: number
}

/** Names that Prometheus' client libraries agree on. */
const CPU = 'process_cpu_seconds_total'
const RESIDENT = 'process_resident_memory_bytes'

/** Nothing where the metrics cannot be read: a caller need not be allowed to, and not every server has them. */
export async function serverState(api: Client): Promise<ServerState> {
  try {
    const text = await (await api.send({ method: 'GET', path: '/metrics', headers: { accept: 'text/plain' } })).text()
    const cpuSeconds = sampleOf(text, CPU)
    const residentBytes = sampleOf(text, RESIDENT)
    return {
      ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
      ...(residentBytes === undefined ? {} : { residentBytes }),
    }
  } catch {
    return {}
  }
}

/** The sum of all samples of a name. */
function sampleOf(text: string, name: string): number | undefined {
  const samples = samplesOf(text, name)
  return samples.length === 0 ? undefined : samples.reduce((sum, { value }) => sum + value, 0)
}

export interface Sample {
  /** As they stand between the braces. */
  readonly labels: string
  readonly value: number
}

/** All samples of a name in the text format of Prometheus, 0.0.4. */
export function samplesOf(text: string, name: string): readonly Sample[] {
  return text.split('\n').flatMap(line => {
    if (!line.startsWith(name)) return []
    // A label's value may hold any character but a line feed; quotes and backslashes stand behind a backslash.
    const [, labels = '', value] =
      /^(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)/.exec(line.slice(name.length)) ?? []
    return value === undefined || !Number.isFinite(Number(value)) ? [] : [{ labels, value: Number(value) }]
  })
}

/** @param requests sent between the two, warm-up included. */
export function serverCost(before: ServerState, after: ServerState, requests: number): ServerCost {
  const used = (after.cpuSeconds ?? Number.NaN) - (before.cpuSeconds ?? Number.NaN)
  return {
    // A server that was started again meanwhile counts from 0.
    ...(requests > 0 && used >= 0 ? { cpuUs: (used * 1e6) / requests } : {}),
    ...(after.residentBytes === undefined ? {} : { residentBytes: after.residentBytes }),
  }
}
