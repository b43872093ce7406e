/** Which traces are kept. The names of samplers are those of OpenTelemetry's `OTEL_TRACES_SAMPLER`. */
import { RANDOMNESS_END, randomnessOf, type TraceContext } from './trace-context.ts'

export const SAMPLERS = [
  'parentbased_traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'traceidratio',
  'always_on',
  'always_off',
] as const

export type SamplerName = (typeof SAMPLERS)[number]

export interface Sampler {
  /** Whether a trace that begins here is kept. @param randomness of its id. */
  begins(randomness: number): boolean
  /** Whether our part of a trace is kept that somebody else began. */
  joins(parent: TraceContext): boolean
}

/**
 * A share of all traces is kept, judged by the id alone, so that every system which keeps a share keeps the same ones: the
 * id's last 56 bits, against the share that is not kept (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/).
 *
 * @param ratio from 0 to 1; matters only to the samplers that have `ratio` in their names.
 */
export function sampler(name: SamplerName, ratio: number): Sampler {
  const isParentBased = name.startsWith('parentbased_')
  const share = name.endsWith('always_on') ? 1 : name.endsWith('always_off') ? 0 : ratio
  const threshold = Math.round((1 - share) * RANDOMNESS_END)
  const begins = (randomness: number): boolean => randomness >= threshold
  return {
    begins,
    joins: parent => (isParentBased ? parent.isSampled : begins(randomnessOf(parent.traceId))),
  }
}
