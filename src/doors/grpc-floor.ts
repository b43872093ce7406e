/** What the calls of one gRPC door share, and what a procedure is to the door once its path is known. */
import { PROBLEMS, Problem } from '../errors.ts'
import type { Ids } from '../platform/ids.ts'
import type { Timers } from '../platform/timers.ts'
import type { AnyRpc, RpcService } from '../route.ts'
import type { Crowded, Gate } from './gate.ts'
import type { Admission, DoorLog, HttpLimits, RateLimits } from './http-request.ts'
import type { Patience } from './patience.ts'
import type { Proxies } from './proxies.ts'
import type { TlsFiles } from './tls.ts'

export interface GrpcDoorParts {
  readonly services: readonly RpcService[]
  readonly admission: Admission
  readonly rates?: RateLimits | undefined
  readonly ids: Ids
  readonly log: DoorLog
  readonly limits: HttpLimits
  readonly timers: Timers
  /** As `HttpDoorParts.timer`. */
  readonly timer?: (() => number) | undefined
  readonly tls?: TlsFiles | undefined
  readonly proxies?: Proxies | undefined
  /** Whether the server can answer now; for its health. */
  readonly isReady: () => Promise<boolean>
}

export interface GrpcFloor {
  readonly parts: GrpcDoorParts
  readonly gate: Gate
  readonly crowded: Readonly<Record<Crowded, Problem>>
  /** Calls whose message has not come yet. */
  readonly arrival: Patience<{ late(): void }>
  /** What unfinished messages of all calls hold. */
  arrivingBytes: number
  isClosing: boolean
}

export interface Procedure {
  /** `/inference.GRPCInferenceService/ModelInfer` */
  readonly path: string
  readonly rpc: AnyRpc
  /** Whether it takes one message after the other. */
  readonly isStream: boolean
}

/** As `toldProblem` of the HTTP door: a fault of ours is logged here, once. */
export function logFault({ parts }: GrpcFloor, problem: Problem, requestId: string, path: string): void {
  if (PROBLEMS[problem.code].http !== 500) return
  const fields = { requestId, method: 'gRPC', path, code: problem.code, err: problem.cause ?? problem }
  parts.log.error(fields, problem.message)
}

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 }
const TIMEOUT = /^(\d{1,8})([HMSmun])$/

/**
 * The time that a caller gives, in milliseconds: `grpc-timeout`. Undefined where it gives none.
 *
 * @throws Problem `malformed`.
 */
export function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined
  const found = typeof header === 'string' ? TIMEOUT.exec(header) : null
  if (found === null) throw new Problem('malformed', 'Cannot read the headers: grpc-timeout is no time, such as 100m')
  return Number(found[1]) * UNITS[found[2]!]!
}
