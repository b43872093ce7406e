/**
 * A model card (Mitchell et al. 2019, arXiv:1810.03993): what a version is, what it is for, how good it is and for whom, and what became of it
 * in production. Plain data, of which every format is made.
 */
import type { Told } from '../../registry/evidence/evidence.ts'
import type { ModelVersion } from '../../registry/version.ts'
import type { Measured, MeasuredGroups } from './measured.ts'

/** What production tells of a version; see `ModelSigns` of the overview. */
export interface LiveSigns {
  readonly service?: LiveService | undefined
  readonly drift?: LiveDrift | undefined
  readonly quality?: LiveQuality | undefined
}

interface LiveService {
  readonly predictions: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly errorRate?: number
}

interface LiveDrift {
  readonly state: string
  readonly feature?: string
  readonly statistic?: string
  readonly value?: number
  readonly sentence?: string
  /** Of the last predictions, what decides the state. */
  readonly readings?: readonly DriftReading[]
}

export interface DriftReading {
  readonly feature: string
  readonly statistic: string
  readonly value: number
  /** From which on it is large; it is drift where chance alone does not make it so. */
  readonly threshold?: number
  readonly isDrift: boolean
}

interface LiveQuality {
  readonly metric?: string
  readonly value?: number
  readonly low?: number
  readonly high?: number
  /** Share of the predictions whose outcome is known. */
  readonly maturity?: number
  /** The metric by window, oldest first. */
  readonly series: readonly number[]
}

export interface CardInput {
  readonly version: ModelVersion
  readonly aliases: readonly string[]
  /** Absent: there is no evaluation data, or it cannot be judged. */
  readonly measured?: Measured
  /** Why it was not measured. */
  readonly unmeasured?: string
  readonly evidence: readonly Told[]
  readonly live: LiveSigns
  /** Of this moment, milliseconds since the epoch. */
  readonly at: number
}

export interface Card {
  readonly model_name: string
  readonly version: string
  readonly owner: string | null
  readonly description: string | null
  readonly format: string
  readonly task: string
  readonly objective: string
  readonly registered_at: string
  readonly registered_by: string
  /** When what is live was read. */
  readonly as_of: string
  readonly aliases: readonly string[]
  readonly artifact: { readonly sha256: string; readonly bytes: number }
  readonly facts: Readonly<Record<string, number | string>>
  readonly inputs: readonly {
    readonly name: string
    readonly type: string
    readonly unit: string | null
    readonly description: string | null
    readonly protected: boolean
    readonly sensitive: boolean
  }[]
  readonly outputs: readonly string[]
  readonly uses: {
    readonly permitted: readonly string[]
    readonly prohibited: readonly string[]
    readonly purpose_required: boolean
  }
  readonly limitations: readonly string[]
  /** By name: `accuracy`, `f1_score`, `auc_roc`… recomputed where that could be done, else as stated. */
  readonly metrics: Readonly<Record<string, number>>
  /** Those of them that were recomputed on the evaluation data; the others are the trainer's word. */
  readonly measured_metrics: readonly string[]
  readonly fairness: {
    /** The largest over all groupings; null where none could be measured. */
    readonly demographic_parity: number | null
    readonly equal_opportunity: number | null
    readonly groups: readonly MeasuredGroups[]
  }
  readonly measured: Measured | null
  readonly unmeasured: string | null
  readonly training_data: DataPart | null
  readonly evaluation_data: DataPart | null
  readonly validation: { readonly result: string; readonly at: string; readonly failed: readonly string[] } | null
  readonly evidence: readonly {
    readonly about: string
    readonly key: string
    readonly on: string
    readonly believed: boolean
  }[]
  readonly production: LiveSigns
}

interface DataPart {
  readonly sha256: string
  readonly rows: number
  readonly columns: readonly string[]
}

export function cardOf({ version, aliases, measured, unmeasured, evidence, live, at }: CardInput): Card {
  const { reference, evaluation, uses, signature } = version
  const fairness = measured?.fairness ?? []
  return {
    model_name: version.model,
    version: version.version,
    owner: version.owner ?? null,
    description: version.description ?? null,
    format: version.format,
    task: version.task,
    objective: version.objective,
    registered_at: new Date(version.registeredAt).toISOString(),
    registered_by: version.registeredBy,
    as_of: new Date(at).toISOString(),
    aliases,
    artifact: { sha256: version.artifact.sha256, bytes: version.artifact.bytes },
    facts: version.facts,
    inputs: signature.inputs.map(({ name, type, unit, description, protected: isProtected, sensitive }) => ({
      name,
      type,
      unit: unit ?? null,
      description: description ?? null,
      protected: isProtected,
      sensitive,
    })),
    outputs: signature.outputs.map(({ name }) => name),
    uses: { permitted: uses.permitted, prohibited: uses.prohibited, purpose_required: uses.required },
    limitations: version.limitations,
    metrics: { ...version.statedMetrics, ...version.measuredMetrics },
    measured_metrics: Object.keys({ ...version.measuredMetrics, ...measured?.metrics }),
    fairness: {
      demographic_parity: largest(fairness.map(({ demographicParity }) => demographicParity?.difference)),
      equal_opportunity: largest(fairness.map(({ equalOpportunity }) => equalOpportunity?.difference)),
      groups: fairness,
    },
    measured: measured ?? null,
    unmeasured: unmeasured ?? null,
    training_data: reference === undefined ? null : dataPart(reference),
    evaluation_data: evaluation === undefined ? null : dataPart(evaluation),
    validation: validationOf(evidence),
    evidence: evidence.map(({ about, keyId, at, isBelieved }) => ({
      about,
      key: keyId.slice(0, KEY_CHARACTERS),
      on: new Date(at).toISOString(),
      believed: isBelieved,
    })),
    production: live,
  }
}

const KEY_CHARACTERS = 16

function dataPart({ sha256, rows, columns }: DataPart): DataPart {
  return { sha256, rows, columns }
}

function largest(values: readonly (number | undefined)[]): number | null {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? null : Math.max(...known)
}

function validationOf(evidence: readonly Told[]): Card['validation'] {
  const last = evidence.filter(({ about, isBelieved }) => about === 'validation' && isBelieved).at(-1)
  if (last === undefined) return null
  const { result, failedTests } = last.predicate as {
    readonly result?: string
    readonly failedTests?: readonly string[]
  }
  return { result: result ?? 'unknown', at: new Date(last.at).toISOString(), failed: failedTests ?? [] }
}
