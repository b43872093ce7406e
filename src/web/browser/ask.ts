/** Asks the API, with the key, and tells what went wrong in its own words. */
import { forgetKey, session } from './session.ts'

/** An answer that is no success, or none at all. */
export class AskProblem extends Error {
  /** HTTP status; 0 where the server could not be reached. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** The answer, unread; throws an `AskProblem` where it is none of success (304 is one). */
export async function ask(path: string, { headers = {}, signal }: AskOptions = {}): Promise<Response> {
  const { key } = session.peek()
  const response = await fetch(path, {
    headers: {
      accept: 'application/json',
      ...headers,
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    // Nobody but the page keeps answers: what a key may see, the next one may not.
    cache: 'no-store',
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error
    throw new AskProblem(0, 'The server cannot be reached')
  })
  if (response.ok || response.status === 304) return response
  const detail = await detailOf(response)
  if (response.status === 401) forgetKey(key === undefined ? undefined : detail)
  throw new AskProblem(response.status, detail)
}

export async function askJson<T>(path: string, options?: AskOptions): Promise<T> {
  return (await (await ask(path, options)).json()) as T
}

async function detailOf(response: Response): Promise<string> {
  try {
    const { detail } = (await response.json()) as { detail?: string }
    if (detail !== undefined) return detail
  } catch {
    // No problem document: something between us and the server has answered.
  }
  return `The server answered with status ${response.status}`
}
