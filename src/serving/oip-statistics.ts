/** The statistics of the Open Inference Protocol, the same over REST and gRPC. */
import type { StatisticsBook } from './call-statistics.ts'
import { choose } from './choose.ts'
import type { Serving } from './predict.ts'

interface StatisticsParts {
  readonly serving: Serving
  readonly statistics: StatisticsBook
}

/** Texts, both. */
type Asked = Readonly<Record<string, unknown>>
type Statistics = { model_stats: { name: string; version: string; [field: string]: unknown }[] }

const NS_PER_MS = 1_000_000

function duration(count: number, ms: number): { count: number; ns: number } {
  return { count, ns: Math.round(ms * NS_PER_MS) }
}

/**
 * What versions were asked, as protocols of inference tell it.
 *
 * @param asked an empty name means all models, an empty version all of the model's. Throws `not_found`.
 */
export function statisticsOf({ serving, statistics }: StatisticsParts, { name, version }: Asked): Statistics {
  const { catalogue, releases, models } = serving
  const asked = { name: name as string, version: version as string }
  const pairs =
    asked.name === ''
      ? catalogue.names().flatMap(model => catalogue.versions(model).map(of => ({ model, version: of })))
      : asked.version === '' && catalogue.has(asked.name)
        ? catalogue.versions(asked.name).map(of => ({ model: asked.name, version: of }))
        : [choose(catalogue, releases, asked.name, asked.version === '' ? undefined : asked.version, undefined)]
  const bytes = new Map(models.loaded().map(loaded => [`${loaded.model}@${loaded.version}`, loaded.bytes]))
  return {
    model_stats: pairs.map(pair => {
      const of = statistics.of(pair.model, pair.version)
      const held = bytes.get(`${pair.model}@${pair.version}`)
      return {
        name: pair.model,
        version: pair.version,
        last_inference: of.lastAt,
        inference_count: of.rows,
        execution_count: of.calls,
        inference_stats: {
          success: duration(of.calls, of.tookMs),
          fail: duration(of.refused, of.refusedMs),
          compute_infer: duration(of.calls, of.predictedMs),
        },
        memory_usage: held === undefined ? [] : [{ type: 'CPU', id: 0, byte_size: held }],
      }
    }),
  }
}
