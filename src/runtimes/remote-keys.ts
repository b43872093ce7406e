/** What model.yaml may say about a model behind another server. */
import { type TSchema, Type } from 'typebox'

/** See `remoteSchema` for what each key means. */
export interface DeclaredRemote {
  readonly url: string
  readonly model: string
  readonly version?: string
  readonly inputs?: Readonly<Record<string, string>>
  readonly output?: string
  readonly task?: 'binary' | 'multiclass' | 'regression'
  readonly classes?: readonly string[]
  readonly timeoutMs?: number
  readonly retries?: number
  readonly rowsMax?: number
  readonly encoding?: 'json' | 'binary'
  readonly headers?: Readonly<Record<string, string>>
}

/** Variables that may be sent to other servers: a description of a model must not choose among all secrets there are. */
export const SECRET_PREFIX = 'BELLWETHER_REMOTE_'

const closed = { additionalProperties: false }
const text = (description: string): TSchema => Type.Optional(Type.String({ description, minLength: 1, maxLength: 500 }))
const whole = (description: string, minimum: number, maximum: number): TSchema =>
  Type.Optional(Type.Integer({ description, minimum, maximum }))

export const remoteSchema: TSchema = Type.Object(
  {
    url: Type.String({
      description: 'Where the server is, without `/v2`',
      pattern: '^https?://[^\\s@?#]+$',
      maxLength: 2000,
    }),
    model: Type.String({ description: 'What the model is called there', minLength: 1, maxLength: 500 }),
    version: text('Its version there. Default: what that server chooses'),
    inputs: Type.Optional(
      Type.Record(Type.String({ maxLength: 500 }), Type.String({ maxLength: 500 }), {
        description: 'Tensor by feature, where they are called otherwise. Default: features are called as the tensors',
      }),
    ),
    output: text('The tensor that is the answer. Default: the first of its metadata'),
    task: Type.Optional(
      Type.Enum(['binary', 'multiclass', 'regression'], {
        description: 'What the answer means: probabilities, or a number. Default: regression',
      }),
    ),
    classes: Type.Optional(
      Type.Array(Type.String({ maxLength: 500 }), {
        description: 'Names of the classes in the order of the answer',
        minItems: 2,
        maxItems: 10_000,
        uniqueItems: true,
      }),
    ),
    timeoutMs: whole('A request with all its repetitions takes no longer, milliseconds. Default: 5000', 10, 600_000),
    retries: whole('Repetitions of a request that could not be delivered or was put off. Default: 2', 0, 10),
    rowsMax: whole('Rows of one request, at most. Default: 1000', 1, 100_000),
    encoding: Type.Optional(
      Type.Enum(['json', 'binary'], {
        description: 'How tensors are sent. Default: binary where that server says it takes it, else JSON',
      }),
    ),
    headers: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }),
        Type.String({ pattern: `^${SECRET_PREFIX}[A-Z0-9_]{1,100}$` }),
        {
          description: `Headers to send: each names the environment variable, ${SECRET_PREFIX}…, that holds its value`,
        },
      ),
    ),
  },
  {
    ...closed,
    description: 'The model is behind another server that speaks the Open Inference Protocol v2; there is no artifact',
  },
)
