/** From where on a difference counts: the settings of the server, and what model.yaml says otherwise. */
import type { Config } from '../platform/config-keys.ts'
import {
  type DeclaredDrift,
  DRIFT_STATISTICS,
  type DriftStatistic,
  type DriftThreshold,
} from '../registry/drift-keys.ts'

export interface DriftSettings {
  /** The last so many predictions are judged. */
  readonly window: number
  /** Fewer predictions are not judged. */
  readonly minimum: number
  /** Probability that one judgement of all columns finds a change where there is none. */
  readonly alpha: number
  /** The statistics that decide about the state; the others are told. */
  readonly decide: readonly DriftStatistic[]
  readonly thresholds: Readonly<Record<DriftStatistic, DriftThreshold>>
}

const DECIDE: readonly DriftStatistic[] = ['psi', 'ks']

/**
 * PSI is about 2 KL and 8 JS where the change is small (all three are sums of δ²/p then), and (1/n + 1/m) χ² is about PSI: their
 * thresholds are those of PSI on their own scales. That of Wasserstein is the customary one of Evidently for the normed distance.
 */
const THRESHOLDS: Readonly<Record<Exclude<DriftStatistic, 'psi' | 'ks'>, DriftThreshold>> = {
  kl: { warning: 0.05, drift: 0.125 },
  js: { warning: 0.0125, drift: 0.03125 },
  js2: { warning: 0.018, drift: 0.045 },
  wasserstein: { warning: 0.1, drift: 0.25 },
  chi2: { warning: 0.1, drift: 0.25 },
}

export function driftSettings(config: Config['drift'], declared: DeclaredDrift = {}): DriftSettings {
  const window = declared.window ?? config.window
  const { psi, psiWarning, ks } = config
  const ofPsi = psiWarning < psi ? { warning: psiWarning, drift: psi } : { drift: psi }
  const defaults: DriftSettings['thresholds'] = { psi: ofPsi, ks: { drift: ks }, ...THRESHOLDS }
  const thresholds = DRIFT_STATISTICS.map(statistic => [statistic, declared[statistic] ?? defaults[statistic]])
  return {
    window,
    minimum: Math.min(declared.minimum ?? config.minimum, window),
    alpha: declared.alpha ?? config.alpha,
    decide: declared.decide ?? DECIDE,
    thresholds: Object.fromEntries(thresholds) as DriftSettings['thresholds'],
  }
}
