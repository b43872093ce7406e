/** What the platform says of a model while it serves: has the world changed, and is the model still right? */
import type { Client } from '../../src/client.ts'
import type { DriftReport } from '../../src/drift/report.ts'
import type { Estimate } from '../../src/math/inference/estimate.ts'
import { WINDOW_MS } from './server-process.ts'

export interface DriftTold {
  readonly state: DriftReport['state']
  /** The reading that made the state. */
  readonly cause: DriftReport['cause']
  /** The deciding reading that is furthest beyond its threshold, whatever the state. */
  readonly largest: DriftReport['readings'][number] | undefined
  readonly changes: DriftReport['changes']
}

export async function driftTold(api: Client, model: string): Promise<DriftTold> {
  const report = await api.json<DriftReport>('GET', `/models/${encodeURIComponent(model)}/drift`)
  const { state, cause, changes, readings } = report
  const beyond = ({ value = 0, threshold = 1 }: DriftReport['readings'][number]): number => value / threshold
  const largest = readings
    .filter(({ decides, value }) => decides && value !== undefined)
    .reduce<DriftTold['largest']>(
      (most, next) => (most === undefined || beyond(next) > beyond(most) ? next : most),
      undefined,
    )
  return { state, cause, largest, changes }
}

export interface QualityTold {
  readonly auc: Estimate
  readonly maturity: number
}

/** Of what was predicted from a time on; undefined where nothing can be said of it. */
export async function qualityTold(api: Client, model: string, since: number): Promise<QualityTold | undefined> {
  const path = `/models/${encodeURIComponent(model)}/metrics?since=${since}&step=${WINDOW_MS}`
  const { total } = await api.json<{ total: { metrics: { rocAuc?: Estimate }; maturity: number } }>('GET', path)
  const auc = total.metrics.rocAuc
  return auc && { auc, maturity: total.maturity }
}
