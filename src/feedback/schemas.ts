/** What the routes of this folder take and answer. */
import { type TSchema, Type } from 'typebox'

const PredictionId = Type.String({ minLength: 36, maxLength: 36, description: 'Id of the prediction' })
const Value = Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 200 })], {
  description:
    'What happened: true, false, 1 or 0 for a model of two classes; the name of a class for one of more; else a number',
})

export const Outcome: TSchema = Type.Object(
  {
    predictionId: Type.Optional(PredictionId),
    subject: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'Id of the subject, as it was said with the prediction',
      }),
    ),
    model: Type.Optional(Type.String({ maxLength: 200, description: 'With subject: of which model' })),
    value: Value,
    happenedAt: Type.Optional(
      Type.Union([Type.Integer({ minimum: 0, maximum: 8.64e15 }), Type.String({ maxLength: 40 })], {
        description: 'When it happened: milliseconds since the epoch, or RFC 3339, or a day',
      }),
    ),
    amount: Type.Optional(
      Type.Object(
        { amount: Type.Number(), currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }) },
        { additionalProperties: false, description: 'What it earned, or cost where it is below 0' },
      ),
    ),
    correction: Type.Optional(Type.Boolean({ description: 'It takes the place of what was told before' })),
  },
  { additionalProperties: false },
)

export const ToldOutcome: TSchema = Type.Object({
  status: Type.Enum(['recorded', 'corrected', 'repeated']),
  id: Type.String({ description: 'Of the record; of the first one, where it is repeated' }),
  predictionId: Type.String(),
})

export const ImportReport: TSchema = Type.Object({
  rows: Type.Integer(),
  recorded: Type.Integer(),
  corrected: Type.Integer(),
  repeated: Type.Integer(),
  rejected: Type.Integer(),
  rejections: Type.Array(
    Type.Object({ line: Type.Integer({ description: 'The header is 1' }), reason: Type.String() }),
  ),
  ignored: Type.Array(Type.String(), { description: 'Columns that mean nothing here' }),
})

export const ReviewBody: TSchema = Type.Object(
  {
    predictionId: PredictionId,
    verdict: Type.Enum(['agree', 'disagree', 'value'], { description: 'value: it should have been the value' }),
    value: Type.Optional(Value),
    comment: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
  },
  { additionalProperties: false },
)

export const Review: TSchema = Type.Object({
  id: Type.String(),
  at: Type.Integer(),
  reviewer: Type.String({ description: 'Id of the caller' }),
  verdict: Type.String(),
  value: Type.Optional(Value),
  comment: Type.Optional(Type.String()),
})

const Estimate = Type.Object({
  value: Type.Number(),
  low: Type.Number(),
  high: Type.Number(),
  level: Type.Number({ description: 'Of confidence' }),
  method: Type.String({ description: 'How the interval was made: docs/statistics.md' }),
  n: Type.Integer({ description: 'Rows it rests on' }),
})

const Reliability = Type.Array(
  Type.Object({
    from: Type.Number(),
    to: Type.Number(),
    rows: Type.Integer(),
    meanScore: Type.Number(),
    positiveShare: Type.Number(),
  }),
)

const LiveWindow: TSchema = Type.Object({
  from: Type.Integer(),
  to: Type.Integer({ description: 'Exclusive' }),
  predictions: Type.Integer(),
  outcomes: Type.Integer({ description: 'Predictions of the window whose outcome is known by now' }),
  maturity: Type.Optional(Type.Number({ description: 'outcomes / predictions' })),
  metrics: Type.Record(Type.String(), Estimate),
  confusion: Type.Optional(
    Type.Object({
      truePositives: Type.Integer(),
      falsePositives: Type.Integer(),
      trueNegatives: Type.Integer(),
      falseNegatives: Type.Integer(),
    }),
  ),
  reliability: Type.Optional(Reliability),
})

export const QualityBody: TSchema = Type.Object({
  model: Type.String(),
  version: Type.String(),
  task: Type.String(),
  threshold: Type.Optional(Type.Number({ description: 'Positive is what answers at least this' })),
  step: Type.Integer(),
  windows: Type.Array(LiveWindow, { description: 'Oldest first' }),
  total: LiveWindow,
  reliability: Type.Optional(Reliability),
})
