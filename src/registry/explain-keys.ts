/** What model.yaml may say about explanations. */
import { type TSchema, Type } from 'typebox'

/** With each answer and its record, or only when somebody asks. */
export type ExplainMode = 'always' | 'on-request'

/** What a feature that moved an answer is called, in a sentence for people. */
export interface DeclaredReason {
  readonly raises?: string
  readonly lowers?: string
}

export type DeclaredReasons = Readonly<Record<string, DeclaredReason>>

export const explainSchema: TSchema = Type.Optional(
  Type.Enum(['always', 'on-request'], {
    description:
      'Whether each answer is explained with its record, or only when asked. Default: always, where an explanation takes less than 10 µs',
  }),
)

const sentence = (description: string): TSchema =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 1000 }))

export const reasonsSchema: TSchema = Type.Optional(
  Type.Record(
    Type.String({ minLength: 1, maxLength: 500 }),
    Type.Object(
      {
        raises: sentence('Where the feature raised the answer; {value} stands for its value'),
        lowers: sentence('Where it lowered the answer'),
      },
      { additionalProperties: false },
    ),
    { description: 'By feature: sentences for people. Default: made of name, unit and value' },
  ),
)
