/** Windows added up to longer ones, for whoever looks at a day or a month. */
import type { WindowCounts } from './window-counts.ts'

/** Windows of any versions by step, oldest first; a step without a window is not there. */
export function bySteps(
  windows: readonly WindowCounts[],
  stepMs: number,
): { readonly from: number; readonly to: number; readonly windows: readonly WindowCounts[] }[] {
  const steps = Map.groupBy(windows, ({ from }) => Math.floor(from / stepMs) * stepMs)
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map(([from, inStep]) => ({ from, to: Math.max(from + stepMs, ...inStep.map(({ to }) => to)), windows: inStep }))
}

/** Traffic, latency and refusals of all of them. */
export function sumOfCalls(
  windows: readonly WindowCounts[],
): Pick<WindowCounts, 'rows' | 'invocations' | 'refusals' | 'latency'> {
  const refusals: Record<string, number> = {}
  for (const window of windows) {
    for (const [code, count] of Object.entries(window.refusals)) refusals[code] = (refusals[code] ?? 0) + count
  }
  return {
    rows: windows.reduce((sum, { rows }) => sum + rows, 0),
    invocations: windows.reduce((sum, { invocations }) => sum + invocations, 0),
    refusals,
    latency: sumOfCounts(windows.map(({ latency }) => latency)),
  }
}

/** Counts of the same slots, added up. */
export function sumOfCounts(all: readonly (readonly number[])[]): number[] {
  const sum = [...(all[0] ?? [])]
  for (const counts of all.slice(1)) for (let slot = 0; slot < sum.length; slot++) sum[slot]! += counts[slot]!
  return sum
}
