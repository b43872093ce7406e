/** What the model answers, against what it answers for its training data. */
import type { VNode } from 'preact'
import { histogramPair } from '../../../ui/charts/histogram-pair.ts'
import { type CountedBin, shownBins } from '../../../ui/charts/shown-bins.ts'
import { count } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import { Empty } from '../../../ui/parts/notice.tsx'
import type { DistributionBody } from '../api-watch.ts'
import { useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { modelPath } from '../router.ts'
import type { Looked } from '../time-range.tsx'

const HEIGHT = 300
const HEIGHT_OF_MANY = 132
const EVERY_MS = 10_000
/** Columns with fewer bins have one for each value. */
const FINE_BINS = 128

interface OutputPanelProps {
  readonly model: string
  readonly version: string
  readonly hasReference: boolean
  readonly range: Looked
}

export function OutputPanel({ model, version, hasReference, range: { since, until, words } }: OutputPanelProps): VNode {
  const path = `${modelPath(model)}/distribution?version=${encodeURIComponent(version)}`
  const live = useLive<DistributionBody>(hasReference ? `${path}&since=${since}&until=${until}` : undefined, EVERY_MS)
  if (!hasReference) {
    return (
      <section class="panel half">
        <h2>What it answers</h2>
        <Empty title="Its answers are not counted">
          This version was registered without reference data, so there are no bins to count in.
        </Empty>
      </section>
    )
  }
  return (
    <LivePanel
      live={live}
      width="half"
      title="What it answers"
      note={<PairLegend />}
      emptiness={({ windows }) =>
        windows.some(({ rows }) => rows > 0)
          ? undefined
          : { title: 'Nobody asked', text: `No prediction was made in the last ${words}.` }
      }
      draw={body => (
        <>
          {body.outputs.map((output, index) => (
            <Output key={output.name} body={body} index={index} words={words} />
          ))}
        </>
      )}
    />
  )
}

export function PairLegend(): VNode {
  return (
    <span class="legend">
      <span class="box">served</span>
      <span class="outline">reference</span>
    </span>
  )
}

function Output({ body, index, words }: { body: DistributionBody; index: number; words: string }): VNode {
  const output = body.outputs[index]!
  const height = body.outputs.length === 1 ? HEIGHT : HEIGHT_OF_MANY
  const bars = shownBins(binsOf(output, currentOf(body, index)))
  const rows = body.windows.reduce((sum, window) => sum + window.rows, 0)
  const label = `Distribution of ${output.name}: ${count(rows)} predictions of the last ${words} against ${count(body.referenceRows)} rows of the reference`
  return (
    <>
      <Measured height={height} draw={width => histogramPair(bars, { width, height, label })} />
      <p class="panel-note under-chart">
        <code>{output.name}</code>, {count(rows)} predictions against {count(body.referenceRows)} rows
      </p>
    </>
  )
}

function currentOf({ windows, outputs }: DistributionBody, index: number): number[] {
  const sum = new Array<number>(outputs[index]!.reference.length).fill(0)
  for (const window of windows) {
    for (const [slot, rows] of (window.outputs[index] ?? []).entries()) sum[slot]! += rows
  }
  return sum
}

/** Slots as they are counted: bins or categories, then below and above, or other, then missing. */
function binsOf(output: DistributionBody['outputs'][number], current: readonly number[]): CountedBin[] {
  const { lowers = [], maximum = 0, categories, reference } = output
  const counts = (slot: number) => ({ reference: reference[slot] ?? 0, current: current[slot] ?? 0 })
  const inside: CountedBin[] =
    categories === undefined
      ? lowers.map((from, slot) =>
          lowers.length < FINE_BINS
            ? { kind: 'value', from, to: from, ...counts(slot) }
            : { kind: 'range', from, to: lowers[slot + 1] ?? maximum, ...counts(slot) },
        )
      : categories.map((category, slot) => ({ kind: 'category', category, ...counts(slot) }))
  const names = categories === undefined ? (['below', 'above', 'missing'] as const) : (['other', 'missing'] as const)
  const aside = names.map((kind, index) => ({ kind, ...counts(inside.length + index) }))
  return [...inside, ...aside.filter(bin => bin.reference + bin.current > 0)]
}
