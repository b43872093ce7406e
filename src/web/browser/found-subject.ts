/** Whose predictions are looked for. A subject's id is personal: it is never in an address, a history or a log. */
import { type Signal, signal } from '@preact/signals'

export const wantedSubject: Signal<string | undefined> = signal(undefined)

export function findSubject(id: string | undefined): void {
  wantedSubject.value = id
}
