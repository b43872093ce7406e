/** A message of a call that asks a model, as `invoke` takes it: whatever is wrong with it is thrown there, and recorded. */
import type { Problem } from '../errors.ts'
import type { Actor, InvocationRequest, InvocationRpc } from '../route.ts'

/** The part of a call that its invocations have in common. */
export interface CallHead {
  readonly headers: InvocationRequest['headers']
  readonly source: string
  readonly procedure: { readonly path: string }
  /** Throws `unauthenticated` or `forbidden`. */
  admit(permission: string): Actor
  /** Why nobody waits for the answer any more, if so. */
  readonly isOver: Problem | undefined
}

const NO_PARAMS: InvocationRequest['params'] = Object.freeze({})

export class RpcInvocation implements InvocationRequest {
  readonly requestId: string
  readonly source: string
  readonly route: string
  readonly arrivedMs: number
  readonly params: InvocationRequest['params']
  readonly headers: InvocationRequest['headers']
  /** Why it is not answered, whatever it asks: no message, or no turn. */
  refusal: Problem | undefined
  readonly #call: CallHead
  readonly #message: Buffer | undefined

  constructor(
    call: CallHead,
    rpc: InvocationRpc,
    requestId: string,
    message: Buffer | undefined,
    refusal: Problem | undefined,
    arrivedMs: number,
  ) {
    this.requestId = requestId
    this.source = call.source
    this.route = call.procedure.path
    this.arrivedMs = arrivedMs
    this.refusal = refusal
    this.#call = call
    this.#message = message
    const address = message === undefined ? undefined : rpc.address(message)
    this.params = address?.params ?? NO_PARAMS
    const own = address?.headers
    this.headers = own === undefined ? call.headers : { ...call.headers, ...own }
  }

  admit(permission: string): Actor {
    return this.#call.admit(permission)
  }

  bytes(): Buffer {
    const refusal = this.refusal ?? this.#call.isOver
    if (refusal !== undefined) throw refusal
    return this.#message!
  }
}
