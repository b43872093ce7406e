/** Windows of time put together into longer ones. */
import type { WindowCounts } from '../monitoring/window-counts.ts'

type Judged = Pick<WindowCounts, 'model' | 'version' | 'from' | 'to' | 'rows' | 'columns'>

/** One window of all, for judging: latency and refusals are left out. Undefined for none. */
export function sumCounts(windows: readonly WindowCounts[]): WindowCounts | undefined {
  const [first] = windows
  if (first === undefined) return undefined
  const rest = { invocations: 0, refusals: {}, latency: [] }
  let from = first.from
  let to = first.to
  let rows = 0
  for (const window of windows) {
    from = Math.min(from, window.from)
    to = Math.max(to, window.to)
    rows += window.rows
  }
  const columns: Judged['columns'] = first.columns.map(({ name, kind, counts }, at) => {
    const sum = [...counts]
    for (const window of windows.slice(1)) {
      const added = window.columns[at]?.counts ?? []
      for (let slot = 0; slot < added.length; slot++) sum[slot]! += added[slot]!
    }
    return { name, kind, counts: sum }
  })
  return { model: first.model, version: first.version, from, to, rows, ...rest, columns }
}

/** Windows by multiples of `stepMs`, oldest first; a step in which nothing was counted is left out. */
export function byStep(windows: readonly WindowCounts[], stepMs: number): WindowCounts[] {
  const groups = Map.groupBy(windows, ({ from }) => Math.floor(from / stepMs))
  const steps = [...groups].sort(([a], [b]) => a - b)
  return steps.map(([step, members]) => ({
    ...sumCounts(members)!,
    from: step * stepMs,
    to: Math.max((step + 1) * stepMs, ...members.map(({ to }) => to)),
  }))
}
