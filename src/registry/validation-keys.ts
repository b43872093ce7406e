/** What model.yaml may say about validation: what a version must show before it may be champion. */
import { type TSchema, Type } from 'typebox'

/** Metrics that a version can be judged by; those of another task are refused when it is validated. */
export const JUDGED_METRICS = [
  'accuracy',
  'precision',
  'recall',
  'f1_score',
  'auc_roc',
  'average_precision',
  'log_loss',
  'brier',
  'calibration_error',
  'f1_macro',
  'f1_weighted',
  'auc_ovr',
  'auc_ovo',
  'mae',
  'mse',
  'rmse',
  'r2',
] as const
export type JudgedMetric = (typeof JUDGED_METRICS)[number]

/** The probes for what a model cannot know in production. */
export const LEAK_PROBES = ['targetCopy', 'singleFeature', 'id', 'future', 'overlap', 'groups', 'time'] as const
export type LeakProbe = (typeof LEAK_PROBES)[number]

/** See `validationSchema` for what each key means. */
export interface DeclaredValidation {
  readonly required?: boolean
  readonly level?: number
  readonly judge?: 'interval' | 'value'
  readonly metrics?: Readonly<Partial<Record<JudgedMetric, { readonly minimum?: number; readonly maximum?: number }>>>
  readonly calibration?: {
    readonly slope?: readonly [number, number]
    readonly alpha?: number
  }
  readonly leaks?: {
    readonly singleFeature?: number
    readonly overlap?: number
    readonly group?: string
    readonly time?: string
    readonly gap?: number
    readonly accepted?: readonly string[]
    readonly off?: readonly LeakProbe[]
  }
  readonly slices?: {
    readonly columns?: readonly string[]
    readonly metric?: JudgedMetric
    readonly maximumDrop?: number
    readonly minimumRows?: number
  }
  readonly stress?: {
    readonly missing?: DeclaredStress
    readonly shifted?: DeclaredStress
    readonly perturbed?: DeclaredStress & { readonly maximumFlips?: number; readonly size?: number }
  }
  readonly comparison?: {
    readonly metric?: JudgedMetric
    readonly rule?: 'better' | 'not-worse'
    readonly margin?: number
    readonly level?: number
  }
  readonly seed?: number
}

interface DeclaredStress {
  readonly maximumDrop?: number
}

const closed = { additionalProperties: false }
const share = (description: string): TSchema => Type.Optional(Type.Number({ description, minimum: 0, maximum: 1 }))
const level = (description: string): TSchema =>
  Type.Optional(Type.Number({ description, minimum: 0.5, maximum: 0.9999 }))
const column = (description: string): TSchema =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 500 }))
const metric = (description: string): TSchema => Type.Optional(Type.Enum([...JUDGED_METRICS], { description }))
const drop = 'Largest loss of the metric, as a share of its value on the untouched data. Default: none, told only'
const stress = (description: string, more: Record<string, TSchema> = {}): TSchema =>
  Type.Optional(Type.Object({ maximumDrop: share(drop), ...more }, { ...closed, description }))

const metricsSchema = Type.Optional(
  Type.Object(
    Object.fromEntries(
      JUDGED_METRICS.map(name => [
        name,
        Type.Optional(
          Type.Object({ minimum: Type.Optional(Type.Number()), maximum: Type.Optional(Type.Number()) }, closed),
        ),
      ]),
    ),
    { ...closed, description: 'By metric: what the evaluation data must show, `minimum` or `maximum` or both' },
  ),
)

const leaksSchema = Type.Optional(
  Type.Object(
    {
      singleFeature: share(
        'A feature that alone ranks the rows as well as this (ROC-AUC; |Spearman| of regression) is too good. Default: 0.98',
      ),
      overlap: share('Largest share of evaluation rows that stand in the reference data beyond chance. Default: 0.01'),
      group: column('Column of both data sets, such as a customer id, of which no value may stand in both'),
      time: column(
        'Column of both data sets: when the row was asked. No feature may be later, no evaluation row earlier than the reference data',
      ),
      gap: Type.Optional(
        Type.Number({
          description:
            'By how much the evaluation data must begin after the reference data ends, in the unit of `time` (dates: milliseconds). Default: 0',
          minimum: 0,
        }),
      ),
      accepted: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
          description: 'Features that are known and right to look like a leak: told, not judged',
          maxItems: 1000,
        }),
      ),
      off: Type.Optional(
        Type.Array(Type.Enum([...LEAK_PROBES]), { description: 'Probes that are not made', uniqueItems: true }),
      ),
    },
    { ...closed, description: 'Probes for what a model cannot know in production' },
  ),
)

const slicesSchema = Type.Optional(
  Type.Object(
    {
      columns: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 500 }), {
          description:
            'Columns of the evaluation data, features or not. Default: protected features, texts and booleans',
          maxItems: 100,
          uniqueItems: true,
        }),
      ),
      metric: metric('Default: auc_roc, accuracy (several classes), mae (regression)'),
      maximumDrop: share(
        'A slice that is shown to be worse than all rows by more than this share fails. Default: none, 0.1 warns',
      ),
      minimumRows: Type.Optional(
        Type.Integer({
          description: 'Smaller slices are told, not judged. Default: 50',
          minimum: 10,
          maximum: 1_000_000,
        }),
      ),
    },
    { ...closed, description: 'Parts of the evaluation data, each judged alone' },
  ),
)

const comparisonSchema = Type.Optional(
  Type.Object(
    {
      metric: metric('Default: auc_roc, accuracy (several classes), rmse (regression)'),
      rule: Type.Optional(
        Type.Enum(['better', 'not-worse'], {
          description:
            '`better`: the whole interval of the difference is above 0; `not-worse`: above −margin. Default: not-worse',
        }),
      ),
      margin: share("Loss that does not matter, as a share of the champion's value. Default: 0.01"),
      level: level('Of the interval of the difference. Default: 0.95'),
    },
    { ...closed, description: 'How it must compare with the champion, on the same rows' },
  ),
)

export const validationSchema: TSchema = Type.Object(
  {
    required: Type.Optional(
      Type.Boolean({ description: 'Without a passed validation the version cannot become champion. Default: true' }),
    ),
    level: level('Of the intervals of metrics. Default: 0.95'),
    judge: Type.Optional(
      Type.Enum(['interval', 'value'], {
        description:
          'Whether a limit must be kept by the whole interval of a metric, or by its value. Default: interval',
      }),
    ),
    metrics: metricsSchema,
    calibration: Type.Optional(
      Type.Object(
        {
          slope: Type.Optional(
            Type.Tuple([Type.Number(), Type.Number()], {
              description: 'The interval of the calibration slope must touch this range, e.g. [0.8, 1.2]',
            }),
          ),
          alpha: Type.Optional(
            Type.Number({
              description: "Fails where Spiegelhalter's test has a smaller p-value",
              exclusiveMinimum: 0,
              maximum: 0.5,
            }),
          ),
        },
        { ...closed, description: 'Of probabilities of a binary model. Default: told only' },
      ),
    ),
    leaks: leaksSchema,
    slices: slicesSchema,
    stress: Type.Optional(
      Type.Object(
        {
          missing: stress('Each nullable feature in turn is missing'),
          shifted: stress('Each number in turn is one standard deviation higher, and lower'),
          perturbed: stress('All numbers are disturbed at once', {
            maximumFlips: share('Largest share of decisions that change. Default: none, told only'),
            size: Type.Optional(
              Type.Number({
                description: 'Of the disturbance, in standard deviations of each feature. Default: 0.05',
                exclusiveMinimum: 0,
                maximum: 1,
              }),
            ),
          }),
        },
        {
          ...closed,
          description: 'What becomes of the answers when the data is worse. Answers must be numbers in any case',
        },
      ),
    ),
    comparison: comparisonSchema,
    seed: Type.Optional(
      Type.Integer({ description: 'Of everything random. Default: 0', minimum: 0, maximum: 4_294_967_295 }),
    ),
  },
  { ...closed, description: 'What a version must show before it may be champion' },
)

/** What the schema cannot say. */
export function* validationProblems({
  validation: declared,
  evaluation,
  target,
}: {
  readonly validation?: DeclaredValidation
  readonly evaluation?: string
  readonly target?: string
}): Generator<{ path: readonly string[]; problem: string }> {
  if (declared === undefined) return
  for (const [name, { minimum = -Infinity, maximum = Infinity } = {}] of Object.entries(declared.metrics ?? {})) {
    if (minimum <= maximum) continue
    const problem = `is ${minimum}, more than the maximum ${maximum}`
    yield { path: ['validation', 'metrics', name, 'minimum'], problem }
  }
  const [low = 0, high = 0] = declared.calibration?.slope ?? []
  if (low > high) yield { path: ['validation', 'calibration', 'slope'], problem: `is from ${low} to ${high}` }
  if (evaluation === undefined || target === undefined) {
    const missing = evaluation === undefined ? 'evaluation' : 'target'
    yield { path: ['validation'], problem: `cannot be done without ${missing}` }
  }
}
