/** What is answered over gRPC: the Open Inference Protocol, and an interface of our own. */
import type { RpcService } from '../route.ts'
import { type OipRpcParts, oipService } from './grpc-oip.ts'
import { ownService } from './grpc-own.ts'

export function grpcServices(parts: OipRpcParts): RpcService[] {
  return [ownService(parts.serving), oipService(parts)]
}
