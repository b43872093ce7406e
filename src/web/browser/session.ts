/** The API key, where the server wants one: kept for this tab, and gone with it. */
import { type Signal, signal } from '@preact/signals'
import { ofTab } from './memory.ts'

const NAME = 'key'

export interface Session {
  /** Nothing is asked of the server before there is a key. */
  readonly wantsKey: boolean
  readonly key?: string
  /** Why the key page is shown again. */
  readonly refusal?: string
}

export const session: Signal<Session> = signal(first())

export function useKey(key: string): void {
  ofTab.set(NAME, key)
  session.value = { wantsKey: true, key }
}

/** @param refusal what the server said of the key, if it was that. */
export function forgetKey(refusal?: string): void {
  ofTab.set(NAME, undefined)
  session.value = { wantsKey: true, ...(refusal === undefined ? {} : { refusal }) }
}

function first(): Session {
  const key = ofTab.get(NAME)
  return { wantsKey: document.documentElement.dataset['key'] === 'wanted', ...(key === undefined ? {} : { key }) }
}
