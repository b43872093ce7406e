/** Windows of time put together, for judging them as one. */
import { sumOfCalls, sumOfCounts } from '../monitoring/steps.ts'
import type { WindowCounts } from '../monitoring/window-counts.ts'

/** One window of all; undefined for none. */
export function sumWindow(windows: readonly WindowCounts[]): WindowCounts | undefined {
  const [first] = windows
  if (first === undefined) return undefined
  const { model, version } = first
  let { from, to } = first
  for (const window of windows) {
    from = Math.min(from, window.from)
    to = Math.max(to, window.to)
  }
  return {
    model,
    version,
    from,
    to,
    ...sumOfCalls(windows),
    columns: first.columns.map(({ name, kind }, at) => {
      const counts = sumOfCounts(windows.map(({ columns }) => columns[at]?.counts ?? []))
      return { name, kind, counts }
    }),
  }
}
