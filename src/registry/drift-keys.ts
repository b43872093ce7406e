/** What model.yaml may say about drift: how a version is compared with its reference data. */
import { type TSchema, Type } from 'typebox'

/** Statistics of a column; `js` in nats, `js2` in bits, `wasserstein` in standard deviations of the reference. */
export const DRIFT_STATISTICS = ['psi', 'ks', 'kl', 'js', 'js2', 'wasserstein', 'chi2'] as const
export type DriftStatistic = (typeof DRIFT_STATISTICS)[number]

/** From where on a statistic warns, if it does, and from where on it is drift. */
export interface DriftThreshold {
  readonly warning?: number
  readonly drift: number
}

/** See `driftSchema` for what each key means. */
export type DeclaredDrift = {
  readonly window?: number
  readonly minimum?: number
  readonly alpha?: number
  readonly decide?: readonly DriftStatistic[]
} & { readonly [statistic in DriftStatistic]?: DriftThreshold }

const DRIFT_WINDOW_MIN = 50
const DRIFT_WINDOW_MAX = 1_000_000
const DRIFT_ROWS_MIN = 20

const closed = { additionalProperties: false }

const threshold = (what: string): TSchema =>
  Type.Optional(
    Type.Object(
      {
        warning: Type.Optional(Type.Number({ description: 'From here on a warning', exclusiveMinimum: 0 })),
        drift: Type.Number({ description: 'From here on drift', exclusiveMinimum: 0 }),
      },
      { ...closed, description: what },
    ),
  )

export const driftSchema: TSchema = Type.Object(
  {
    window: Type.Optional(
      Type.Integer({
        description:
          'The last so many predictions are compared with the reference data. Default: the setting drift.window',
        minimum: DRIFT_WINDOW_MIN,
        maximum: DRIFT_WINDOW_MAX,
      }),
    ),
    minimum: Type.Optional(
      Type.Integer({
        description: 'Fewer predictions are not judged. Default: the setting drift.minimum',
        minimum: DRIFT_ROWS_MIN,
        maximum: DRIFT_WINDOW_MAX,
      }),
    ),
    alpha: Type.Optional(
      Type.Number({
        description:
          'Probability that one judgement of all columns finds a change where there is none. Default: the setting drift.alpha',
        exclusiveMinimum: 0,
        maximum: 0.5,
      }),
    ),
    decide: Type.Optional(
      Type.Array(Type.Enum([...DRIFT_STATISTICS]), {
        description: 'The statistics that decide about the state of the model; the others are told. Default: psi, ks',
        minItems: 1,
        uniqueItems: true,
      }),
    ),
    psi: threshold('Population stability index. Default: warning 0.1, drift 0.25'),
    ks: threshold('Greatest difference of the cumulative shares (Kolmogorov–Smirnov). Default: drift 0.05'),
    kl: threshold('Kullback–Leibler divergence in nats. Default: warning 0.05, drift 0.125'),
    js: threshold('Jensen–Shannon divergence in nats. Default: warning 0.0125, drift 0.03125'),
    js2: threshold('Jensen–Shannon divergence in bits. Default: warning 0.018, drift 0.045'),
    wasserstein: threshold('In standard deviations of the reference. Default: warning 0.1, drift 0.25'),
    chi2: threshold('χ² times (1/n + 1/m), which is on the scale of PSI. Default: warning 0.1, drift 0.25'),
  },
  { ...closed, description: 'How drift is judged' },
)
