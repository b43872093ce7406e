/** What model.yaml may say about the service: what a version's answers must be like. */
import { type TSchema, Type } from 'typebox'

/** See `serviceSchema` for what each key means. */
export interface DeclaredService {
  readonly p99LatencyMs?: number
  readonly alertP99LatencyMs?: number
  readonly errorRate?: number
  readonly requestsPerSecond?: number
  readonly availability?: number
}

const milliseconds = (description: string): TSchema =>
  Type.Optional(Type.Number({ description, exclusiveMinimum: 0, maximum: 600_000 }))
const share = (description: string): TSchema => Type.Optional(Type.Number({ description, minimum: 0, maximum: 1 }))

export const serviceSchema: TSchema = Type.Object(
  {
    p99LatencyMs: milliseconds('99 of 100 predictions take no longer, milliseconds. Default: 200'),
    alertP99LatencyMs: milliseconds(
      'Where 99 of 100 take longer than this, it is an alarm, milliseconds. Default: 500',
    ),
    errorRate: share('Share of the calls that may fail by the fault of the server. Default: 0.01'),
    requestsPerSecond: Type.Optional(
      Type.Number({
        description: 'Predictions a second that the service is made for; told, not judged. Default: 10',
        exclusiveMinimum: 0,
      }),
    ),
    availability: share('Share of the calls of 30 days that must be answered. Default: 0.999'),
  },
  { additionalProperties: false, description: 'What the service must be like' },
)
