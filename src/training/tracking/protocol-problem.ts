import type { Problem, ProblemCode } from '../../errors.ts'
import type { Answer } from '../../route.ts'

/** Status and code that MLflow's clients know, by ours. */
const CODES: Readonly<Record<ProblemCode, readonly [status: number, code: string]>> = {
  malformed: [400, 'BAD_REQUEST'],
  invalid: [400, 'INVALID_PARAMETER_VALUE'],
  unauthenticated: [401, 'UNAUTHENTICATED'],
  forbidden: [403, 'PERMISSION_DENIED'],
  not_found: [404, 'RESOURCE_DOES_NOT_EXIST'],
  method_not_allowed: [405, 'ENDPOINT_NOT_FOUND'],
  conflict: [400, 'RESOURCE_ALREADY_EXISTS'],
  too_large: [413, 'INVALID_PARAMETER_VALUE'],
  unsupported_type: [415, 'INVALID_PARAMETER_VALUE'],
  timeout: [408, 'DEADLINE_EXCEEDED'],
  rate_limited: [429, 'REQUEST_LIMIT_EXCEEDED'],
  failed: [500, 'INTERNAL_ERROR'],
  overloaded: [503, 'TEMPORARILY_UNAVAILABLE'],
  storage_full: [503, 'TEMPORARILY_UNAVAILABLE'],
  unavailable: [503, 'TEMPORARILY_UNAVAILABLE'],
  usage: [400, 'INVALID_PARAMETER_VALUE'],
  corrupt: [500, 'DATA_LOSS'],
  misconfigured: [500, 'INTERNAL_ERROR'],
}

/** A problem as MLflow's own server tells it. */
export function trackingProblem({ code, message }: Problem): Answer {
  const [status, word] = CODES[code]
  return { status, type: 'application/json', body: { error_code: word, message } }
}
