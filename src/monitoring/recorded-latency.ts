import type { Journey } from '../serving/journey.ts'

/** How long an answered call took by its records, milliseconds: what the ledger has, whoever counts it when. */
export function recordedLatencyMs(journey: Journey): number {
  const { latencyMs = journey.tookMs } = journey as Journey & { readonly latencyMs?: number }
  return latencyMs
}
