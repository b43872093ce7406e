/** `grpc.health.v1`: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
import { Problem } from '../errors.ts'
import { decodeMessage, encodeMessage } from '../platform/proto-codec.ts'
import { protoFile } from '../platform/proto-file.ts'
import type { Timers } from '../platform/timers.ts'
import type { FeedRpc, PlainRpc, RpcRequest, RpcService } from '../route.ts'

const NAME = 'grpc.health.v1.Health'
const PROTO = {
  name: 'grpc/health/v1/health.proto',
  text: `syntax = "proto3";
package grpc.health.v1;

message HealthCheckRequest { string service = 1; }

message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}

message HealthListRequest {}

message HealthListResponse { map<string, HealthCheckResponse> statuses = 1; }

service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
  rpc List(HealthListRequest) returns (HealthListResponse);
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
`,
}
const FILE = protoFile(PROTO.name, PROTO.text)
const REQUEST = FILE.message('HealthCheckRequest')
const RESPONSE = FILE.message('HealthCheckResponse')

const SERVING = 1
const NOT_SERVING = 2
const SERVICE_UNKNOWN = 3

/** How often one who watches is told of a change at the latest. */
const LOOK_MS = 1_000

export interface HealthParts {
  /** Of the services whose health is that of the server. */
  readonly names: readonly string[]
  readonly isReady: () => Promise<boolean>
  readonly timers: Timers
}

export function healthService({ names, isReady, timers }: HealthParts): RpcService {
  const known = new Set(['', ...names])
  const state = async (): Promise<number> => ((await isReady()) ? SERVING : NOT_SERVING)
  const check: PlainRpc['handle'] = async ({ message }) => {
    const service = serviceOf(message)
    if (!known.has(service)) throw new Problem('not_found', 'Cannot tell its health: there is no such service')
    return encodeMessage(RESPONSE, { status: await state() })
  }
  const list: PlainRpc['handle'] = async () => {
    const status = await state()
    const statuses = new Map([...known].map(name => [name, { status }]))
    return encodeMessage(FILE.message('HealthListResponse'), { statuses })
  }
  const watch: FeedRpc['open'] = ({ message }, send) => {
    const isKnown = known.has(serviceOf(message))
    return watching(isKnown ? state : async () => SERVICE_UNKNOWN, timers, status =>
      send(encodeMessage(RESPONSE, { status })),
    )
  }
  return {
    name: NAME,
    proto: PROTO,
    procedures: {
      Check: { kind: 'plain', permission: 'public', handle: check },
      List: { kind: 'plain', permission: 'public', handle: list },
      Watch: { kind: 'feed', permission: 'public', open: watch },
    },
  }
}

function serviceOf(message: RpcRequest['message']): string {
  return decodeMessage(REQUEST, message)['service'] as string
}

/** Tells the state, and every other that it becomes. */
function watching(state: () => Promise<number>, timers: Timers, tell: (status: number) => void): () => void {
  let told = -1
  let isOver = false
  let callOff = (): void => {}
  const look = async (): Promise<void> => {
    const status = await state()
    if (isOver) return
    if (status !== told) tell(status)
    told = status
    callOff = timers.after(LOOK_MS, () => void look())
  }
  void look()
  return () => {
    isOver = true
    callOff()
  }
}
