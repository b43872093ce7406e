/** What `GET /models/{name}/drift` tells: the newest readings, and how it went. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import { bySteps } from '../monitoring/steps.ts'
import type { Watch } from '../monitoring/watch.ts'
import type { WindowCounts } from '../monitoring/window-counts.ts'
import type { DriftStatistic } from '../registry/drift-keys.ts'
import type { ModelVersion } from '../registry/version.ts'
import { type Comparison, type Judgement, judgeWindow, type Verdict } from './judge.ts'
import { cellOf, columnVerdict, type JudgedWindow, judgedWindow } from './judged-window.ts'
import { type Reading, readingsOf } from './reading.ts'
import { sumWindow } from './sum-counts.ts'
import type { DriftWatch } from './watch-drift.ts'
import type { DriftChange, WatchedVersion } from './watched-version.ts'

export interface DriftQuestion {
  readonly since?: number
  readonly until?: number
  readonly step?: number
  /** What the matrix shows. */
  readonly statistic: DriftStatistic
  /** Windows of the matrix: of time, or of so many predictions as are judged at a time. */
  readonly by: 'time' | 'size'
  readonly source: 'live' | 'ledger'
}

export interface JudgedSpan {
  /** Of the first and to the last prediction for the last ones; of the windows for a range. */
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly verdict: Verdict
}

export interface Matrix {
  readonly statistic: DriftStatistic
  readonly windows: readonly JudgedSpan[]
  readonly rows: readonly {
    readonly feature: string
    readonly kind: 'feature' | 'output'
    readonly cells: readonly { readonly value?: number; readonly verdict: Verdict; readonly columnVerdict: Verdict }[]
  }[]
}

export interface DriftReport {
  readonly model: string
  readonly version: string
  /** `idle`: nothing has been predicted; `no reference`: it was registered without reference data. */
  readonly state: Verdict | 'idle' | 'no reference'
  readonly since?: number
  /** The reading that made the state. */
  readonly cause?: Reading
  readonly settings?: Comparison['settings'] & { readonly level: number }
  /** What `readings` are of: the last predictions, or all of the range that was asked for. */
  readonly window?: JudgedSpan
  readonly readings: readonly Reading[]
  readonly changes: readonly DriftChange[]
  readonly matrix: Matrix
}

export interface ReportParts {
  readonly drift: Pick<DriftWatch, 'version'>
  readonly watch: Pick<Watch, 'latest' | 'windows' | 'recount'>
  readonly now: () => number
  readonly windowMs: number
}

const WINDOWS_DEFAULT = 48
const WINDOWS_MAX = 500

export async function driftReport(
  parts: ReportParts,
  version: ModelVersion,
  question: DriftQuestion,
): Promise<DriftReport> {
  const name = { model: version.model, version: version.version }
  const watched = await parts.drift.version(version)
  if (watched === undefined) {
    const matrix = { statistic: question.statistic, windows: [], rows: [] }
    return { ...name, state: 'no reference', readings: [], changes: [], matrix }
  }
  const { compared, state, latest } = watched
  const steps = question.by === 'time' || isRange(question) ? await stepsOf(parts, watched, question) : []
  const judgement = isRange(question) ? judgedSum(compared, steps) : latest
  const matrix = matrixOf(compared, question, await judgedSteps(watched, steps, question))
  return {
    ...name,
    state: latest === undefined ? 'idle' : state.verdict,
    ...(latest === undefined ? {} : { since: state.since }),
    ...(state.cause === undefined ? {} : { cause: state.cause }),
    settings: { ...compared.settings, level: compared.level },
    ...(judgement === undefined ? {} : { window: spanOf(judgement) }),
    readings: judgement === undefined ? [] : readingsOf(compared, judgement),
    changes: watched.changes,
    matrix,
  }
}

/** Counts of a column in a range, or of the last predictions. */
export async function judgedRange(
  parts: ReportParts,
  { model, version }: ModelVersion,
  { from, to, source }: { readonly from?: number; readonly to?: number; readonly source: 'live' | 'ledger' },
): Promise<WindowCounts | undefined> {
  if (from === undefined && to === undefined && source === 'live') return parts.watch.latest(model, version)
  const range = { since: from ?? 0, until: to ?? parts.now() + 1 }
  requireRange(range, ['from', 'to'])
  return sumWindow(await windowsOf(parts, source, { model, version }, range))
}

function isRange({ since, until, source }: DriftQuestion): boolean {
  return since !== undefined || until !== undefined || source === 'ledger'
}

async function stepsOf(
  parts: ReportParts,
  watched: WatchedVersion,
  { since, until = parts.now() + 1, step, source }: DriftQuestion,
): Promise<WindowCounts[]> {
  const { windowMs } = parts
  const range = { since: since ?? Math.max(0, until - WINDOWS_DEFAULT * Math.max(step ?? 0, windowMs)), until }
  requireRange(range, ['since', 'until'])
  const length = until - range.since
  const stepMs = Math.max(1, Math.ceil((step ?? length / WINDOWS_DEFAULT) / windowMs)) * windowMs
  if (length / stepMs > WINDOWS_MAX) {
    throw invalid('step', `is ${step}: that makes more than ${WINDOWS_MAX} windows`)
  }
  const windows = await windowsOf(parts, source, watched, range)
  return bySteps(windows, stepMs).map(({ from, to, windows: inStep }) => ({ ...sumWindow(inStep)!, from, to }))
}

function windowsOf(
  { watch }: Pick<ReportParts, 'watch'>,
  source: 'live' | 'ledger',
  { model, version }: { readonly model: string; readonly version: string },
  range: { readonly since: number; readonly until: number },
): Promise<WindowCounts[]> {
  return source === 'ledger' ? watch.recount(model, version, range) : watch.windows(model, version, range)
}

/** @param names what the two times are called in the question. */
function requireRange(
  { since, until }: { readonly since: number; readonly until: number },
  [first, last]: readonly [string, string],
): void {
  if (since >= until) throw invalid(first, `is ${since}, wanted a time before ${last}, which is ${until}`)
}

function invalid(field: string, problem: string): Problem {
  return new Problem('invalid', `Cannot tell the drift: ${field} ${problem}`, { fields: [{ field, problem }] })
}

function judgedSum(compared: Comparison, steps: readonly WindowCounts[]): Judgement | undefined {
  const all = sumWindow(steps)
  return all && judgeWindow(compared, all)
}

/** Others are answered between one window and the next. */
async function judgedSteps(
  { compared, history }: WatchedVersion,
  steps: readonly WindowCounts[],
  { by, since = 0, until = Infinity }: DriftQuestion,
): Promise<readonly JudgedWindow[]> {
  if (by === 'size') return history.filter(({ from, to }) => to >= since && from < until)
  const judged: JudgedWindow[] = []
  for (const step of steps) {
    judged.push(judgedWindow(judgeWindow(compared, step)))
    await nextTurn()
  }
  return judged
}

function matrixOf({ columns }: Comparison, { statistic }: DriftQuestion, windows: readonly JudgedWindow[]): Matrix {
  return {
    statistic,
    windows: windows.map(spanOf),
    rows: columns.map(({ name, kind }, at) => ({
      feature: name,
      kind,
      cells: windows.map(window => ({ ...cellOf(window, at, statistic), columnVerdict: columnVerdict(window, at) })),
    })),
  }
}

function spanOf({ from, to, rows, verdict }: JudgedSpan): JudgedSpan {
  return { from, to, rows, verdict }
}
