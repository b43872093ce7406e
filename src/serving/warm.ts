/** The models of a server: kept in memory within its limits, put away when idle, and loaded before traffic moves to them. */
import { Problem } from '../errors.ts'
import type { ModelsConfig } from '../platform/config-models.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { AliasMove, Registry } from '../registry/registry.ts'
import { noticeOf } from '../registry/standing.ts'
import { memoryMetrics } from './memory.ts'
import { type IdleLimits, type Models, type ModelsParts, openModels } from './models.ts'

export interface WarmParts extends Pick<ModelsParts, 'clock' | 'timers' | 'numberOf'> {
  readonly timer: () => number
  readonly registry: Pick<Registry, 'catalogue' | 'load' | 'beforeMove' | 'onChange'>
  readonly metrics: Pick<Metrics, 'family'>
  readonly settings: ModelsConfig
  readonly budgetMs: IdleLimits['budgetMs']
}

export function openWarmModels({ registry, metrics, settings, budgetMs, ...time }: WarmParts): Models {
  const { modelsBytesMax: bytesMax, idleAfterMs: afterMs } = settings
  const idle = afterMs === 0 ? {} : { idle: { afterMs, budgetMs } }
  const notice = (model: string, version: string) => noticeOf(registry.catalogue.standing(model, version))
  const load: ModelsParts['load'] = async (model, version) => {
    notice(model, version) // what is not served is not loaded to find that out
    return registry.load(model, version)
  }
  const models = openModels({ load, notice, ...time, bytesMax, ...idle })
  registry.onChange(({ model, version, standing }) => {
    if (standing !== undefined) models.reconsider(model, version!)
  })
  registry.beforeMove(warmBeforeMove(models))
  metrics.family(memoryMetrics(models))
  return models
}

/**
 * For `registry.beforeMove`: where the version that an alias leaves is in memory, the one it moves to is loaded first. One
 * that cannot be loaded is thus never put in the place of one that answers. A model that nobody asks for is left on the disk.
 */
export function warmBeforeMove(models: Pick<Models, 'get' | 'isLoaded'>): (move: AliasMove) => Promise<void> {
  return async ({ model, alias, from, to }) => {
    if (from === undefined || !models.isLoaded(model, from)) return
    try {
      await models.get(model, to)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const why = error.message.replace(/^Cannot [^:]*: /, '')
      throw new Problem(
        error.code,
        `Cannot move the alias ${alias} to ${model}@${to}: it cannot be loaded (${why}); ${from} goes on answering`,
        { cause: error },
      )
    }
  }
}
