/** Opens the gRPC door where the configuration wants one; its libraries are loaded only then. */
import type { Access } from '../access/access.ts'
import { admission } from '../access/admission.ts'
import { doorProtection } from '../doors/protection.ts'
import { PROGRAM_VERSION } from '../platform/program.ts'
import { systemTimers } from '../platform/timers.ts'
import type { World } from '../platform/world.ts'
import type { StatisticsBook } from '../serving/call-statistics.ts'
import type { Serving } from '../serving/predict.ts'

export interface GrpcParts {
  readonly access: Access
  readonly serving: Serving
  readonly statistics: StatisticsBook
  /** The header by which the owner of the data folder is known. */
  readonly ownerAuthorization: string
  /** Whether a load balancer may send requests. */
  readonly isReady: () => Promise<boolean>
  /** How long requests may go on after the door was asked to close, in milliseconds. */
  readonly closeMsMax: number
}

/** Where it answers, `127.0.0.1:8081`; undefined where no port is configured. How to close it is pushed onto `closing`. */
export async function openGrpc(
  { config, ids, log }: World,
  { access, serving, statistics, ownerAuthorization, isReady, closeMsMax }: GrpcParts,
  closing: (() => Promise<void>)[],
): Promise<string | undefined> {
  if (config.server.grpcPort === undefined) return undefined
  const { grpcDoor } = await import('../doors/grpc.ts')
  const { grpcServices } = await import('../serving/grpc-services.ts')
  const door = grpcDoor({
    services: grpcServices({ serving, statistics, programVersion: PROGRAM_VERSION, isReady }),
    admission: admission(access, ownerAuthorization, true),
    rates: serving.rates,
    timers: systemTimers,
    timer: serving.tracing && serving.timer,
    ...doorProtection(config),
    isReady,
    ids,
    log,
    limits: config.limits,
  })
  closing.push(() => door.close(closeMsMax))
  return await door.listen(config.server.host, config.server.grpcPort)
}
