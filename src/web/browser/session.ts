/** The API key, where the server wants one: kept for this tab, and gone with it. */
import { type Signal, signal } from '@preact/signals'

const PLACE = 'bellwether.key'

export interface Session {
  /** Nothing is asked of the server before there is a key. */
  readonly wantsKey: boolean
  readonly key?: string
  /** Why the key page is shown again. */
  readonly refusal?: string
}

export const session: Signal<Session> = signal(first())

export function useKey(key: string): void {
  sessionStorage.setItem(PLACE, key)
  session.value = { wantsKey: true, key }
}

/** @param refusal what the server said of the key, if it was that. */
export function forgetKey(refusal?: string): void {
  sessionStorage.removeItem(PLACE)
  session.value = { wantsKey: true, ...(refusal === undefined ? {} : { refusal }) }
}

function first(): Session {
  const key = sessionStorage.getItem(PLACE)
  return { wantsKey: document.documentElement.dataset['key'] === 'wanted', ...(key === null ? {} : { key }) }
}
