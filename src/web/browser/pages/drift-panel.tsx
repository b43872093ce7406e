/** Which columns drifted, and since when. */
import type { VNode } from 'preact'
import { type HeatRow, heatMap } from '../../../ui/charts/heat-map.ts'
import { count, dateTime, duration } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import { StateMark } from '../../../ui/parts/state-mark.tsx'
import type { DriftBody } from '../api-watch.ts'
import { useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { featurePath, modelPath } from '../router.ts'
import { Term } from '../terms.tsx'
import type { Looked } from '../time-range.tsx'
import { statisticWord } from './words.ts'

const ROW = 20
const AXIS = 22
/** Pixels for the names of columns, on a screen and on a telephone. */
const NAMES = 156
const NAMES_NARROW = 104
const NARROW = 560

interface DriftPanelProps {
  readonly model: string
  readonly version: string
  readonly range: Looked
}

const EVERY_MS = 10_000
/** So few windows of time tell no story: then those of so many predictions each are shown. */
const WINDOWS_FEW = 4

export function DriftPanel({ model, version, range }: DriftPanelProps): VNode {
  const path = `${modelPath(model)}/drift?version=${encodeURIComponent(version)}`
  const byTime = useLive<DriftBody>(`${path}&since=${range.since}&until=${range.until}`, EVERY_MS)
  const isYoung = byTime.body !== undefined && byTime.body.matrix.windows.length < WINDOWS_FEW
  const bySize = useLive<DriftBody>(isYoung ? `${path}&by=size&since=${range.since}` : undefined, EVERY_MS)
  const windowsBySize = bySize.body?.matrix.windows.length ?? 0
  const isBySize = isYoung && windowsBySize > (byTime.body?.matrix.windows.length ?? 0)
  return (
    <LivePanel
      live={isBySize ? bySize : byTime}
      title={<Term name="drift">Drift</Term>}
      note={<HeatLegend />}
      lines={7}
      emptiness={emptiness}
      draw={body => (
        <>
          <Cause body={body} model={model} version={version} />
          <HeatMap body={body} model={model} version={version} range={range} columns={isBySize ? 'even' : 'time'} />
          <p class="panel-note under-chart">
            {isBySize ? `One column for each ${count(body.settings?.window)} predictions. ` : columnLength(body)}
            Choose a name or a field to see both distributions.
          </p>
        </>
      )}
    />
  )
}

/** The reading that made the state what it is, where that is not well. */
function Cause({
  body: { state, cause, since },
  model,
  version,
}: {
  body: DriftBody
  model: string
  version: string
}): VNode | null {
  if (cause === undefined || (state !== 'drift' && state !== 'warning')) return null
  const name = state === 'drift' ? 'alarm' : 'warning'
  return (
    <p class={`banner ${name}`}>
      <StateMark state={name} />
      <span>
        <a href={`${featurePath(model, cause.feature)}?version=${encodeURIComponent(version)}`}>{cause.sentence}</a>
        {since === undefined ? null : <span class="small"> since {dateTime(since)}</span>}
      </span>
    </p>
  )
}

function columnLength({ matrix: { windows } }: DriftBody): string {
  const [first] = windows
  return first === undefined ? '' : `One column for each ${duration(first.to - first.from)}. `
}

function emptiness({ state, matrix }: DriftBody): { title: string; text: string } | undefined {
  if (state === 'no reference')
    return {
      title: 'There is nothing to compare with',
      text: 'This version was registered without reference data: give its training data as reference.',
    }
  if (matrix.windows.length === 0) return { title: 'Nothing to judge', text: 'No prediction was made in this time.' }
  return undefined
}

function HeatLegend(): VNode {
  return (
    <span class="legend">
      <span class="heat-1">as in the reference</span>
      <span class="heat-3">warning</span>
      <span class="heat-4">drift</span>
      <span class="heat-0">too few to say</span>
    </span>
  )
}

interface HeatMapProps extends DriftPanelProps {
  readonly body: DriftBody
  readonly columns: 'time' | 'even'
}

function HeatMap({ body, model, version, range, columns }: HeatMapProps): VNode {
  const { matrix } = body
  const rows = heatRows(body)
  const href = (feature: string, cell?: { from: number; to: number }): string => {
    const window = cell === undefined ? '' : `&from=${cell.from}&to=${cell.to}`
    return `${featurePath(model, feature)}?version=${encodeURIComponent(version)}${window}`
  }
  const drifted = rows.filter(({ cells }) => cells.some(({ verdict }) => verdict === 'drift')).map(row => row.feature)
  const label = `Drift of ${rows.length} columns over the last ${range.words}: ${
    drifted.length === 0 ? 'none drifted' : `${drifted.join(', ')} drifted`
  }`
  return (
    <Measured
      height={rows.length * ROW + AXIS}
      draw={width =>
        heatMap(rows, {
          width,
          from: range.since,
          to: range.until,
          label,
          statistic: statisticWord(matrix.statistic),
          columns,
          names: width < NARROW ? NAMES_NARROW : NAMES,
          href,
        })
      }
    />
  )
}

/** The colour is the verdict on the column, by all statistics that decide; the number is that of one of them. */
function heatRows({ matrix: { windows, rows, statistic }, settings }: DriftBody): HeatRow[] {
  const threshold = settings?.thresholds?.[statistic]?.drift ?? 1
  return rows
    .filter(({ cells }) => cells.some(({ columnVerdict }) => columnVerdict !== 'not watched'))
    .map(({ feature, cells }) => ({
      feature,
      threshold,
      cells: cells.map(({ value, verdict: ownVerdict, columnVerdict: verdict }, index) => {
        const { from, to, rows: predictions } = windows[index]!
        return { from, to, rows: predictions, verdict, ownVerdict, ...(value === undefined ? {} : { value }) }
      }),
    }))
}
