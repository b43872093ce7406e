/** The ledger proves itself once a day, in the background: damage is told by us before an auditor finds it. */
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { JobHandler, Schedule } from '../platform/run-jobs.ts'
import { verifyLedger } from './verify.ts'

export interface LedgerWatchParts {
  /** `ledger` in the data folder. */
  readonly folder: string
  readonly publicKey: string
  readonly keyId: string
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
  readonly metrics: Pick<Metrics, 'gauge'>
}

export interface LedgerWatch {
  readonly handlers: Readonly<Record<string, JobHandler>>
  readonly schedules: readonly Schedule[]
}

const DAY_MS = 86_400_000
/** It has all day: one reader, little memory. */
const ENGINES = 1
const MEMORY = '256MB'

export function ledgerWatch({ folder, publicKey, keyId, clock, log, metrics }: LedgerWatchParts): LedgerWatch {
  // Replicas share a database and have a ledger each: a job is for the one whose ledger it is.
  const kind = `ledger:verify:${keyId}`
  const faults = metrics.gauge({ name: 'ledger_verify_faults', help: 'Faults that the latest verification found.' })
  const verifiedAt = metrics.gauge({
    name: 'ledger_verified_timestamp_seconds',
    help: 'When the ledger was last verified, whatever was found.',
  })

  const verify: JobHandler = async (_, signal) => {
    const report = await verifyLedger(folder, { publicKeys: [publicKey], signal, engines: ENGINES, memory: MEMORY })
    faults.set(report.faults.length)
    verifiedAt.set(clock.now() / 1000)
    const { records, proven, elapsedMs } = report
    if (report.ok) log.info({ records, proven, elapsedMs: Math.round(elapsedMs) }, 'The ledger was verified')
    else log.error({ records, faults: report.faults }, 'The ledger is not what was signed')
  }
  return { handlers: { [kind]: verify }, schedules: [{ name: kind, kind, everyMs: DAY_MS }] }
}
