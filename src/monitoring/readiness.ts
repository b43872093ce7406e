/** Whether this server can answer now, and if not, what is in the way. */
import { asProblem, Problem } from '../errors.ts'
import { isAwaited } from '../predictor/predictor.ts'
import { choose, defaultModel } from '../serving/choose.ts'
import type { Serving } from '../serving/predict.ts'

export interface ReadinessCheck {
  /** What is checked, in a word or two: `journal`, `default model`. */
  readonly name: string
  /** Throws where it is not so; what it throws is told to whoever asks. */
  check(): Promise<void> | void
}

export interface Readiness {
  readonly ready: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[]
}

export async function readiness(checks: readonly ReadinessCheck[]): Promise<Readiness> {
  const results = await Promise.all(
    checks.map(async ({ name, check }) => {
      try {
        await check()
        return { name, ok: true }
      } catch (error) {
        return { name, ok: false, detail: asProblem(error).message }
      }
    }),
  )
  return { ready: results.every(({ ok }) => ok), checks: results }
}

/**
 * That the model behind `/predict` can be loaded. A server with no model, or with several and none chosen, has no such
 * model and is ready all the same: it waits for a registration, or is called by name.
 */
export function defaultModelCheck(
  serving: Pick<Serving, 'catalogue' | 'releases' | 'models' | 'defaultModel'>,
): ReadinessCheck {
  const { catalogue, releases, models, defaultModel: configured } = serving
  return {
    name: 'default model',
    async check() {
      if (configured === undefined && catalogue.names().length !== 1) return
      const name = defaultModel(catalogue, configured)
      const { predictor } = await models.get(name, choose(catalogue, releases, name, undefined, undefined).version)
      const fault = isAwaited(predictor) ? predictor.fault?.() : undefined
      if (fault !== undefined) throw new Problem('unavailable', `Cannot ask the model ${name}: ${fault}`)
    },
  }
}
