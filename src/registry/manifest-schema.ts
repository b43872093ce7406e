/** The schema of model.yaml; published as JSON Schema at `GET /schemas/model.yaml`. */
import { type TSchema, Type } from 'typebox'
import { pythonSchema } from '../runtimes/python-keys.ts'
import { remoteSchema } from '../runtimes/remote-keys.ts'
import { driftSchema } from './drift-keys.ts'
import { explainSchema, reasonsSchema } from './explain-keys.ts'
import { SEMVER_LENGTH_MAX, SEMVER_PATTERN } from './semver.ts'
import { serviceSchema } from './service-keys.ts'
import { validationSchema } from './validation-keys.ts'

export const MODEL_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'

const closed = { additionalProperties: false }
const path = (description: string): TSchema =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 4096 }))
const words = (description: string): TSchema =>
  Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { description, maxItems: 1000 }))
const prose = (description: string): TSchema => Type.Optional(Type.String({ description, maxLength: 10_000 }))
const flag = (description: string): TSchema => Type.Optional(Type.Boolean({ description }))
const number = (description: string, limits = {}): TSchema => Type.Optional(Type.Number({ description, ...limits }))

const featureSchema = Type.Object(
  {
    name: Type.String({ description: 'As the artifact calls it', minLength: 1, maxLength: 500 }),
    type: Type.Optional(
      Type.Enum(['number', 'integer', 'boolean', 'string', 'numeric'], {
        description: 'Default: what the reference data shows; `numeric` (number or boolean) without reference data',
      }),
    ),
    description: prose('For people'),
    unit: prose('For people, e.g. EUR or years'),
    minimum: number('Smaller values are refused'),
    maximum: number('Larger values are refused'),
    categories: Type.Optional(
      Type.Array(Type.String({ maxLength: 1000 }), {
        description:
          'Allowed texts of a `string` feature in code order. Default: as the artifact or, sorted, the reference data has them',
        minItems: 1,
        maxItems: 10_000,
        uniqueItems: true,
      }),
    ),
    nullable: flag(
      'JSON null is a missing value. Default: true where the reference data has gaps, or without reference data',
    ),
    sensitive: flag('Never enters the ledger or a log in clear. Default: false'),
    protected: flag('A protected attribute, for fairness. Default: false'),
  },
  closed,
)

const outputSchema = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        description: 'Default: <model>_probability for a binary model, else prediction',
        minLength: 1,
        maxLength: 500,
      }),
    ),
    type: Type.Optional(Type.Enum(['number', 'integer'], { description: 'Default: number' })),
    description: prose('For people'),
    unit: prose('For people'),
    minimum: number('Smallest possible value, for documentation'),
    maximum: number('Largest possible value, for documentation'),
  },
  closed,
)

export const manifestSchema: TSchema = Type.Object(
  {
    name: Type.String({ description: 'Name of the model', pattern: MODEL_NAME_PATTERN }),
    version: Type.String({
      description: 'Semantic version, e.g. 1.0.0',
      pattern: SEMVER_PATTERN,
      maxLength: SEMVER_LENGTH_MAX,
    }),
    artifact: path('The model file, relative to this one'),
    reference: path(
      'Training data as CSV, relative to this file: makes the reference profile, and the signature where it is not declared',
    ),
    evaluation: path('Data the trainer measured on, as CSV, relative to this file: the metrics are recomputed on it'),
    target: Type.Optional(
      Type.String({
        description: 'Column of reference and evaluation data that holds what really happened',
        minLength: 1,
        maxLength: 500,
      }),
    ),
    owner: prose('Who answers for the model'),
    description: prose('What it is for'),
    signature: Type.Optional(
      Type.Object(
        {
          inputs: Type.Optional(
            Type.Array(featureSchema, { description: 'All features, if any', minItems: 1, maxItems: 100_000 }),
          ),
          output: Type.Optional(outputSchema),
        },
        closed,
      ),
    ),
    metrics: Type.Optional(
      Type.Record(Type.String({ maxLength: 100 }), Type.Number(), { description: 'Stated by the trainer' }),
    ),
    metrics_tolerance: number('Largest allowed difference of a recomputed metric. Default: 0.005', { minimum: 0 }),
    threshold: number(
      'A score from here on is a positive decision, for accuracy, precision, recall and f1, at registration and live. Default: 0.5',
    ),
    uses: Type.Optional(
      Type.Object(
        {
          permitted: words('Purposes it may be used for. Default: any that is not prohibited'),
          prohibited: words('Purposes it must not be used for'),
          required: flag('A request must state its purpose. Default: false'),
        },
        closed,
      ),
    ),
    limitations: words('What users must know of its limits'),
    drift: Type.Optional(driftSchema),
    service: Type.Optional(serviceSchema),
    trust: Type.Optional(
      Type.Enum(['code'], {
        description:
          'The artifact may run code of its own on the server, as a pickle does when it is loaded. Needs the permission model:trust',
      }),
    ),
    python: Type.Optional(pythonSchema),
    remote: Type.Optional(remoteSchema),
    durability: Type.Optional(
      Type.Enum(['process', 'power'], {
        description:
          'What an answered prediction survives: the death of the process, or a power cut as well. Default: process',
      }),
    ),
    explain: explainSchema,
    reasons: reasonsSchema,
    validation: Type.Optional(validationSchema),
  },
  {
    ...closed,
    $id: 'https://bellwether.dev/schemas/model.yaml',
    title: 'model.yaml',
    description: 'What `bellwether register` takes',
  },
)
