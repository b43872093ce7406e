/** What moves the answers of a version: how much each feature did, over the explanations that its records keep. */
import { Problem } from '../errors.ts'
import type { ExplainedRow, ExplainedSummary } from '../ledger/explained-question.ts'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import { versionIn } from '../registry/registry.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Releases } from '../serving/choose.ts'
import { marginNames } from '../serving/explaining.ts'
import type { Models } from '../serving/models.ts'

export interface OverviewParts {
  readonly ledger: Pick<OpenedLedger, 'explained'>
  readonly catalogue: Catalogue
  readonly releases: Pick<Releases, 'choose'>
  readonly models: Pick<Models, 'get'>
  readonly clock: { now(): number }
}

export interface OverviewQuestion {
  readonly version?: string
  readonly since?: number
  readonly until?: number
  /** Which of several outputs; the first. */
  readonly output?: string
  readonly sample?: number
}

export interface FeatureOverview {
  readonly feature: string
  /** Mean size of its contributions: how much it moves answers, whichever way. */
  readonly importance: number
  /** Mean of its contributions. */
  readonly mean: number
}

export interface Overview {
  readonly model: string
  readonly version: string
  readonly explain: 'always' | 'on-request'
  readonly since: number
  readonly until: number
  readonly output?: string
  /** Explained predictions. */
  readonly rows: number
  /** The one that moves answers most first. Sensitive ones are left out: their contributions are sealed. */
  readonly features: readonly FeatureOverview[]
  /** Features left out. */
  readonly sealed: readonly string[]
  /** Rows drawn by chance; values and contributions in the order of `features`. */
  readonly sample: readonly ExplainedRow[]
}

const DAY_MS = 86_400_000
export const SAMPLE_DEFAULT = 200
export const SAMPLE_MAX = 2_000

/** Throws `not_found` where there is no such model or version, `invalid` for an output it has not. */
export async function overviewOf(parts: OverviewParts, name: string, asked: OverviewQuestion): Promise<Overview> {
  const version = versionOf(parts, name, asked.version)
  const { until = parts.clock.now() + 1, sample = SAMPLE_DEFAULT } = asked
  const since = asked.since ?? Math.max(0, until - DAY_MS)
  const { inputs } = version.signature
  const open = inputs.filter(({ sensitive }) => !sensitive).map(feature => feature.name)
  const output = outputOf(version, await marginsOf(parts, version), asked.output)
  const question = { model: version.model, version: version.version, since, until, features: open, sampleMax: sample }
  const found = await parts.ledger.explained(output === undefined ? question : { ...question, margin: output })
  return {
    model: version.model,
    version: version.version,
    explain: version.explain ?? 'on-request',
    since,
    until,
    ...(output !== undefined && { output }),
    rows: found.rows,
    ...ordered(open, found),
    sealed: inputs.filter(({ sensitive }) => sensitive).map(feature => feature.name),
  }
}

function ordered(
  names: readonly string[],
  { features, sample }: ExplainedSummary,
): Pick<Overview, 'features' | 'sample'> {
  const all = names.map((feature, at) => {
    const { rows, sum, sumOfSizes } = features[at]!
    const mean = (total: number): number => (rows === 0 ? 0 : total / rows)
    return { at, told: { feature, importance: mean(sumOfSizes), mean: mean(sum) } }
  })
  all.sort((a, b) => b.told.importance - a.told.importance)
  const inOrder = <T>(of: readonly T[]): T[] => all.map(({ at }) => of[at]!)
  return {
    features: all.map(({ told }) => told),
    sample: sample.map(({ id, values, contributions }) => {
      return { id, values: inOrder(values), contributions: inOrder(contributions) }
    }),
  }
}

function versionOf({ catalogue, releases }: OverviewParts, model: string, reference: string | undefined): ModelVersion {
  const chosen = reference ?? (catalogue.has(model) ? releases.choose(model, undefined)?.version : undefined)
  return versionIn(catalogue, model, chosen ?? 'champion')
}

/** Names of the margins that records keep; none where there is one. */
async function marginsOf({ models }: OverviewParts, version: ModelVersion): Promise<string[]> {
  const { exact, predictor } = await models.get(version.model, version.version)
  const explaining = exact()
  return explaining === undefined ? [] : marginNames(explaining.outputCount, version, predictor)
}

function outputOf(
  { model, version, signature }: ModelVersion,
  margins: readonly string[],
  asked: string | undefined,
): string | undefined {
  const names = margins.length > 0 ? margins : signature.outputs.map(({ name }) => name)
  if (asked === undefined || names.includes(asked)) return margins.length > 0 ? (asked ?? margins[0]) : undefined
  throw new Problem('invalid', `Cannot tell what moves ${asked}: ${model}@${version} answers ${names.join(', ')}`, {
    fields: [{ field: 'output', problem: 'is no output of the version' }],
  })
}
