/** What whoever computes an answer elsewhere learns of the trace that a call belongs to, and tells it. */
export interface CallTrace {
  /** Handed on to whom is asked. */
  readonly headers: Readonly<Record<string, string>>
  /** Begins a request of the call, where its trace is kept: each try is one of its own. */
  readonly request?: () => TracedRequest
}

export interface TracedRequest {
  /** In place of those of the call: whom is asked goes on from this try. */
  readonly headers: Readonly<Record<string, string>>
  /** To be called once, when it is over, however it went. */
  ended(told: RequestEnd): void
}

export interface RequestEnd {
  readonly method: string
  /** Name or address, and port, of who was asked. */
  readonly host: string
  readonly port: number
  /** Tries before this one. */
  readonly resends: number
  /** Absent where no answer came. */
  readonly status?: number
  /** What went wrong, in a word: a status, or the code of a problem. */
  readonly error?: string
}
