/** What the API answers about runs, as far as pages read it. */

/** A number; `NaN`, `Infinity` and `-Infinity` as texts. */
export type MetricValue = number | string

export interface ExperimentBody {
  readonly id: string
  readonly name: string
  readonly createdAt: number
  readonly runs: number
  readonly lastRunAt?: number
  readonly isDeleted?: boolean
  readonly tags?: Readonly<Record<string, string>>
}

export interface ExperimentsBody {
  readonly experiments: readonly ExperimentBody[]
  readonly next?: string
}

interface Named {
  readonly id: string
  readonly name: string
}

export interface RunBody {
  readonly id: string
  readonly experiment: string
  readonly name: string
  readonly status: string
  readonly user: string
  readonly startedAt: number
  readonly endedAt?: number
  readonly isDeleted?: boolean
  readonly parent?: Named
  readonly children: number
  readonly metrics: Readonly<Record<string, MetricValue>>
  readonly params: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

export type ColumnKind = 'metrics' | 'params' | 'tags'

export interface RunsBody {
  readonly runs: readonly RunBody[]
  /** What there is to choose from, by how many of these runs have it. */
  readonly names: Readonly<Record<ColumnKind, readonly string[]>>
  /** As filters name them: `metrics.loss`. */
  readonly columns: readonly string[]
  readonly next?: string
}

export interface DatasetBody {
  readonly name: string
  readonly digest: string
  readonly source_type: string
  readonly source: string
  readonly schema?: string
  readonly profile?: string
  readonly tags: readonly { readonly key: string; readonly value: string }[]
}

export interface WholeRunBody extends RunBody {
  readonly latest: readonly {
    readonly name: string
    readonly value: MetricValue
    readonly step: number
    readonly at: number
  }[]
  readonly in: Named
  readonly nested: readonly (Named & { readonly status: string })[]
  readonly datasets: readonly DatasetBody[]
  readonly models: readonly string[]
  readonly versions: readonly { readonly name: string; readonly version: number }[]
}

export interface CurveBody {
  readonly run: string
  readonly metric: string
  readonly points: readonly (readonly [step: number, at: number, value: MetricValue])[]
}

export interface CurvesBody {
  readonly curves: readonly CurveBody[]
}

export interface FileBody {
  readonly path: string
  readonly isFolder: boolean
  readonly bytes?: number
  readonly address?: string
}

export interface FilesBody {
  readonly files: readonly FileBody[]
}

export function experimentPath(id: string): string {
  return `/runs/experiments/${encodeURIComponent(id)}`
}

export function runPath(id: string): string {
  return `/runs/${encodeURIComponent(id)}`
}

/** Ids are hexadecimal: nothing in them wants to be quoted. */
export function comparePath(ids: readonly string[]): string {
  return `/runs/compare?runs=${ids.join(',')}`
}
