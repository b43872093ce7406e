/** What the routes of explanations answer. */
import { type TSchema, Type } from 'typebox'

const Named: TSchema = Type.Record(Type.String(), Type.Unknown(), {
  description: 'By feature; of a model with several margins by margin first',
})
const Margin: TSchema = Type.Union([Type.Number(), Type.Record(Type.String(), Type.Number())])

const Reason: TSchema = Type.Object({
  feature: Type.String(),
  value: Type.Optional(Type.Unknown({ description: 'Absent where it is missing or may not be told' })),
  contribution: Type.Number(),
  effect: Type.Optional(Type.Number()),
  text: Type.String({ description: 'A sentence for people: from model.yaml, or made of name and value' }),
})

const told = {
  method: Type.String({ description: 'tree-shap, linear-shap, kernel-shap, lime…' }),
  scale: Type.String({
    description:
      'Units of margin and contributions: output (the answer itself), log-odds, log, class-log-odds, or margin where the link function is not known',
  }),
  explanation: Type.Object({ bias: Margin, contributions: Named }),
  margin: Type.Optional(Margin),
  effects: Type.Optional(Named),
  standardErrors: Type.Optional(Named),
  rSquared: Type.Optional(Margin),
  interactions: Type.Optional(Type.Unknown()),
  reasons: Type.Array(Reason, { description: 'The strongest first' }),
}
const textOrNull = Type.Union([Type.String(), Type.Null()])
const outputs = Type.Record(Type.String(), Type.Unknown())

export const Explained: TSchema = Type.Object({
  id: Type.String(),
  model: Type.String(),
  version: Type.String(),
  release: textOrNull,
  arm: textOrNull,
  outputs,
  ...told,
})
export const ExplainedCall: TSchema = Type.Object({ explanations: Type.Array(Explained) })

export const ExplainedPredictionSchema: TSchema = Type.Object({
  id: Type.String(),
  at: Type.Integer(),
  model: Type.String(),
  version: Type.String(),
  outputs,
  features: Type.Record(Type.String(), Type.Unknown()),
  kept: Type.Boolean({ description: 'Whether the record says it; else it was computed now' }),
  ...told,
  withheld: Type.Optional(
    Type.Object({
      features: Type.Array(Type.String()),
      because: Type.Union([Type.Literal('sealed'), Type.Literal('erased')]),
    }),
  ),
})

export const OverviewSchema: TSchema = Type.Object({
  model: Type.String(),
  version: Type.String(),
  explain: Type.Union([Type.Literal('always'), Type.Literal('on-request')]),
  since: Type.Integer(),
  until: Type.Integer(),
  output: Type.Optional(Type.String()),
  rows: Type.Integer({ description: 'Explained predictions' }),
  features: Type.Array(
    Type.Object({
      feature: Type.String(),
      importance: Type.Number({ description: 'Mean size of its contributions' }),
      mean: Type.Number({ description: 'Mean of its contributions' }),
    }),
    { description: 'The one that moves answers most first' },
  ),
  sealed: Type.Array(Type.String(), { description: 'Sensitive features, whose contributions are sealed' }),
  sample: Type.Array(
    Type.Object({
      id: Type.String(),
      values: Type.Array(Type.Unknown({ description: 'null where it is missing' })),
      contributions: Type.Array(Type.Union([Type.Number(), Type.Null()])),
    }),
    { description: 'Rows drawn by chance, in the order of `features`' },
  ),
})
