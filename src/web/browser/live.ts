/** Answers that stay true: asked again and again, drawn again only when something changed. */
import { type Signal, signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { AskProblem, ask } from './ask.ts'

/** Since when the server has not been reached, by our own clock; undefined while it answers. */
export const lostSince: Signal<number | undefined> = signal(undefined)

export interface Live<T> {
  /** The newest answer; that of an earlier address until the first of this one has come. */
  readonly body: T | undefined
  /** Why there is none, or no newer one. */
  readonly problem: AskProblem | undefined
  /** The body is of an earlier address. */
  readonly isStale: boolean
}

/** What takes long to answer is asked less often: a page that stays open takes a tenth of that work's time at most. */
const REST = 9
const RETRY_MS = 1_000
const RETRY_MS_MAX = 15_000

/** @param path nothing is asked while it is undefined. @param everyMs how long an answer is good for; 0: for ever. */
export function useLive<T>(path: string | undefined, everyMs: number): Live<T> {
  const [state, setState] = useState<{ path?: string; body?: T; problem?: AskProblem }>({})
  const latest = useRef<Latest>({})
  useEffect(() => {
    if (path === undefined) return
    const poll = startPolling(path, everyMs, latest.current, {
      onBody: text => setState({ path, body: JSON.parse(text) as T }),
      onSame: () => setState(before => (before.problem === undefined ? before : withoutProblem(before))),
      onProblem: problem => setState(before => ({ ...before, problem, ...(problem.status === 0 ? {} : { path }) })),
    })
    return poll
  }, [path, everyMs])
  return { body: state.body, problem: state.problem, isStale: state.body !== undefined && state.path !== path }
}

function withoutProblem<T>({ problem: _, ...rest }: { path?: string; body?: T; problem?: AskProblem }): {
  path?: string
  body?: T
} {
  return rest as { path?: string; body?: T }
}

interface Latest {
  path?: string
  text?: string
  etag?: string
}

interface Listeners {
  onBody(text: string): void
  onSame(): void
  onProblem(problem: AskProblem): void
}

/** Asks until it is told to stop. A hidden page asks nothing; once it is looked at, at once. */
function startPolling(path: string, everyMs: number, latest: Latest, listeners: Listeners): () => void {
  const stop = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let retryMs = RETRY_MS
  if (latest.path !== path) for (const name of ['text', 'etag', 'path'] as const) delete latest[name]
  latest.path = path

  const again = (ms: number): void => {
    clearTimeout(timer)
    if (!stop.signal.aborted) timer = setTimeout(() => void look(), ms)
  }
  const look = async (): Promise<void> => {
    const startedAt = performance.now()
    try {
      await lookOnce(path, latest, listeners, stop.signal)
      lostSince.value = undefined
      retryMs = RETRY_MS
      const pause = REST * (performance.now() - startedAt)
      if (everyMs > 0 && !document.hidden) again(Math.max(everyMs, pause))
    } catch (error) {
      if (stop.signal.aborted) return
      const problem = error instanceof AskProblem ? error : new AskProblem(0, String(error))
      if (problem.status === 0) lostSince.value ??= performance.now()
      else lostSince.value = undefined
      listeners.onProblem(problem)
      again(retryMs)
      // What is refused or not there will not be otherwise in a second; who cannot be reached may be.
      retryMs = Math.min(RETRY_MS_MAX, problem.status === 0 ? retryMs * 2 : RETRY_MS_MAX)
    }
  }
  const onShown = (): void => {
    if (!document.hidden && everyMs > 0) again(0)
  }
  document.addEventListener('visibilitychange', onShown)
  void look()
  return () => {
    stop.abort()
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', onShown)
  }
}

async function lookOnce(path: string, latest: Latest, listeners: Listeners, signal: AbortSignal): Promise<void> {
  const headers = latest.etag === undefined ? {} : { 'if-none-match': latest.etag }
  const response = await ask(path, { signal, headers })
  if (response.status === 304) return listeners.onSame()
  const text = await response.text()
  const etag = response.headers.get('etag')
  if (etag !== null) latest.etag = etag
  if (text === latest.text) return listeners.onSame()
  latest.text = text
  listeners.onBody(text)
}
