/** Background samples as models take them, kept while they are in use. */
import type { Background as Rows } from '../predictor/explainer.ts'
import type { Registry } from '../registry/registry.ts'
import type { LoadedModel } from '../serving/lane.ts'

export interface Backgrounds {
  /** At most so many rows; undefined where the version was registered without reference data. */
  of(model: Pick<LoadedModel, 'version' | 'signature'>, rows: number): Promise<Rows | undefined>
}

const KEPT_MAX = 32

export function openBackgrounds(registry: Pick<Registry, 'background'>): Backgrounds {
  const kept = new Map<string, Promise<Rows | undefined>>()
  return {
    async of(model, rows) {
      const key = `${model.version.model}@${model.version.version}`
      let found = kept.get(key)
      if (found === undefined) {
        found = read(registry, model)
        found.catch(() => kept.delete(key))
      } else kept.delete(key)
      if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!)
      kept.set(key, found)
      const all = await found
      return all && { rows: all.rows, count: Math.min(rows, all.count) }
    },
  }
}

async function read(
  registry: Pick<Registry, 'background'>,
  { version, signature }: Pick<LoadedModel, 'version' | 'signature'>,
): Promise<Rows | undefined> {
  const sample = await registry.background(version.model, version.version)
  if (sample === undefined || sample.rows.length === 0) return undefined
  const { width, inputs, columns } = signature
  const rows = new Float64Array(sample.rows.length * width).fill(Number.NaN)
  for (const [at, name] of sample.features.entries()) {
    const input = inputs.findIndex(feature => feature.name === name)
    const column = input === -1 ? undefined : columns[input]
    if (column === undefined) continue
    for (const [row, cells] of sample.rows.entries()) rows[row * width + column] = cells[at] ?? Number.NaN
  }
  return { rows, count: sample.rows.length }
}
