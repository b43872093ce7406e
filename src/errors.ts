/**
 * What a caller may meet, and the one table of codes behind it.
 *
 * A `Problem` is an error that a caller can expect and act on; every door turns it into its own kind of answer by
 * this table. Anything else that is thrown is a fault of ours: it is logged once, at the door, and told as `failed`.
 */

interface ProblemKind {
  /** Status of an HTTP answer. */
  readonly http: number
  /** Canonical gRPC status code. */
  readonly grpc: number
  /** Exit status of a command, after `sysexits.h`. */
  readonly exit: number
  /** What happened, in a sentence that never changes for this code. */
  readonly title: string
}

/** Stable: clients may decide by it. */
export type ProblemCode =
  | 'malformed'
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'too_large'
  | 'unsupported_type'
  | 'timeout'
  | 'rate_limited'
  | 'failed'
  | 'overloaded'
  | 'storage_full'
  | 'unavailable'
  | 'usage'
  | 'corrupt'
  | 'misconfigured'

export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = {
  malformed: { http: 400, grpc: 3, exit: 65, title: 'The request could not be read' },
  invalid: { http: 422, grpc: 3, exit: 65, title: 'The request was read, but its content is not valid' },
  unauthenticated: { http: 401, grpc: 16, exit: 77, title: 'The caller is not known' },
  forbidden: { http: 403, grpc: 7, exit: 77, title: 'The caller may not do this' },
  not_found: { http: 404, grpc: 5, exit: 66, title: 'There is no such thing' },
  method_not_allowed: { http: 405, grpc: 12, exit: 64, title: 'This path does not take this method' },
  conflict: { http: 409, grpc: 6, exit: 73, title: 'It clashes with what is there' },
  too_large: { http: 413, grpc: 8, exit: 65, title: 'The request is larger than allowed' },
  unsupported_type: { http: 415, grpc: 3, exit: 65, title: 'The content type is not supported' },
  timeout: { http: 408, grpc: 4, exit: 75, title: 'The request took too long to arrive' },
  rate_limited: { http: 429, grpc: 8, exit: 75, title: 'Too many requests' },
  failed: { http: 500, grpc: 13, exit: 70, title: 'Something went wrong on our side' },
  overloaded: { http: 503, grpc: 14, exit: 75, title: 'Too much work at once; try again shortly' },
  storage_full: { http: 503, grpc: 8, exit: 74, title: 'The record of this request cannot be stored now' },
  unavailable: { http: 503, grpc: 14, exit: 69, title: 'The service is not ready' },
  usage: { http: 400, grpc: 3, exit: 64, title: 'The command was not understood' },
  corrupt: { http: 500, grpc: 15, exit: 65, title: 'Stored data is damaged' },
  misconfigured: { http: 500, grpc: 9, exit: 78, title: 'The configuration cannot work' },
}

/** One wrong field: where it is (`age`, `[3].age`, `Bellwether-Purpose`) and what is wrong with it. */
export interface FieldProblem {
  readonly field: string
  readonly problem: string
}

interface ProblemDetail {
  readonly fields?: readonly FieldProblem[]
  readonly retryAfterSeconds?: number
  /** What a door that has headers sends along. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** An expected error. The message names the action that failed, then a colon, then what was found against what was wanted. */
export class Problem extends Error {
  override readonly name: string = 'Problem'
  readonly code: ProblemCode
  readonly fields: readonly FieldProblem[]
  readonly retryAfterSeconds: number | undefined
  readonly headers: Readonly<Record<string, string>> | undefined

  constructor(code: ProblemCode, message: string, detail: ProblemDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.fields = detail.fields ?? []
    this.retryAfterSeconds = detail.retryAfterSeconds
    this.headers = detail.headers
  }

  get status(): number {
    return PROBLEMS[this.code].http
  }
}

/** An RFC 9457 problem document, with our `code`, `requestId` and `errors`. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ProblemCode
  readonly requestId: string
  readonly errors?: readonly FieldProblem[]
}

export function problemDocument(problem: Problem, requestId: string): ProblemDocument {
  const { http, title } = PROBLEMS[problem.code]
  const type = `https://bellwether.dev/problems/${problem.code}`
  const document = { type, title, status: http, detail: problem.message, code: problem.code, requestId }
  return problem.fields.length === 0 ? document : { ...document, errors: problem.fields }
}

/** The problem that a caller is told: itself if it is one, else `failed` without a word of what went wrong inside. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('failed', 'Cannot answer: an unexpected fault, logged under this request id', { cause: error })
}
