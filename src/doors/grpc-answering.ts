/** Answers one message of a call by its procedure: in its turn, by whoever may, and never without a trace. */
import { asProblem, Problem } from '../errors.ts'
import type { FeedRpc, InvocationRpc, PlainRpc } from '../route.ts'
import type { Answering, GrpcCall, Slot } from './grpc-call.ts'
import { type GrpcFloor, logFault } from './grpc-floor.ts'
import { RpcInvocation } from './grpc-invocation.ts'

const STOPPING = new Problem('unavailable', 'Cannot answer: the server is stopping')

export function invocationAnswering(floor: GrpcFloor, rpc: InvocationRpc): Answering {
  const { judged } = floor.parts.admission
  const enter: Answering = (call, slot, message, problem) => {
    const { gate, parts } = floor
    const refusal = problem ?? turnedAway(floor)
    const invocation = new RpcInvocation(call, rpc, slot.requestId, message, refusal, parts.timer?.() ?? 0)
    if (gate.enter()) void invoke(floor, rpc, call, slot, invocation, message)
    else {
      gate.wait(message?.length ?? 0, away => {
        if (away !== undefined) invocation.refusal ??= floor.crowded[away]
        void invoke(floor, rpc, call, slot, invocation, message, away !== undefined)
      })
    }
  }
  if (judged === undefined) return enter
  return (call, slot, message, problem) => {
    const judging = judged(call.headers.authorization)
    if (judging === undefined) enter(call, slot, message, problem)
    else void judging.then(() => enter(call, slot, message, problem))
  }
}

async function invoke(
  floor: GrpcFloor,
  rpc: InvocationRpc,
  call: GrpcCall,
  slot: Slot,
  invocation: RpcInvocation,
  message: Buffer | undefined,
  isAway = false,
): Promise<void> {
  try {
    slot.answer = await rpc.invoke(invocation)
  } catch (error) {
    const problem = asProblem(error)
    logFault(floor, problem, slot.requestId, call.procedure.path)
    const isTold = rpc.told !== undefined && message !== undefined
    if (isTold) slot.answer = { body: rpc.told(problem, message) }
    else slot.problem = problem
  }
  if (!isAway) floor.gate.leave()
  call.settled(slot)
}

/** Why nothing new is begun, if so. */
function turnedAway({ isClosing, gate, crowded }: GrpcFloor): Problem | undefined {
  if (isClosing) return STOPPING
  return gate.isFull ? crowded.full : undefined
}

export function plainAnswering(floor: GrpcFloor, rpc: PlainRpc): Answering {
  return (call, slot, message, problem) => {
    const { requestId } = slot
    admitted(floor, rpc, call, message, problem)
      .then(({ actor }) => rpc.handle({ requestId, actor, message: message! }))
      .then(body => settle(call, slot, body))
      .catch((error: unknown) => refuse(floor, call, slot, error))
  }
}

export function feedAnswering(floor: GrpcFloor, rpc: FeedRpc): Answering {
  return (call, slot, message, problem) => {
    const { requestId } = slot
    admitted(floor, rpc, call, message, problem)
      .then(({ actor }) => {
        if (call.isOver !== undefined) return
        call.endFeed = rpc.open({ requestId, actor, message: message! }, bytes => call.send(bytes))
      })
      .catch((error: unknown) => refuse(floor, call, slot, error))
  }
}

function settle(call: GrpcCall, slot: Slot, body: Buffer): void {
  slot.answer = { body }
  call.settled(slot)
}

function refuse(floor: GrpcFloor, call: GrpcCall, slot: Slot, error: unknown): void {
  slot.problem = asProblem(error)
  logFault(floor, slot.problem, slot.requestId, call.procedure.path)
  call.settled(slot)
}

/** Who calls, once everything that may stand in the way did not. */
async function admitted(
  floor: GrpcFloor,
  { permission }: PlainRpc | FeedRpc,
  call: GrpcCall,
  message: Buffer | undefined,
  problem: Problem | undefined,
): Promise<{ readonly actor: ReturnType<GrpcCall['admit']> }> {
  const { admission, rates } = floor.parts
  const refusal = problem ?? call.isOver ?? (floor.isClosing ? STOPPING : undefined)
  if (refusal !== undefined || message === undefined) throw refusal!
  if (permission === 'public') return { actor: NOBODY }
  await admission.judged?.(call.headers.authorization)
  const actor = call.admit(permission)
  const taken = await rates?.take({ source: call.source, actor, model: undefined })
  if (taken?.problem !== undefined) throw taken.problem
  return { actor }
}

const NOBODY: ReturnType<GrpcCall['admit']> = { id: 'unknown', name: 'unknown', roles: [] }
