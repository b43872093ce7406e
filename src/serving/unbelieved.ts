import type { Models } from './models.ts'

/** What of the keys of evidence matters here. */
interface Keys {
  list(): Promise<readonly { readonly id: string; readonly state: string }[]>
}

/**
 * Puts loaded models away when a key was revoked since the last call: the next request loads them again, if what was signed of them is
 * still believed. Called whenever something was changed.
 */
export function forgetUnbelieved(keys: Keys, models: Pick<Models, 'loaded' | 'unload'>): () => Promise<void> {
  let known: string | undefined
  const revoked = async (): Promise<string> =>
    (await keys.list())
      .filter(({ state }) => state === 'revoked')
      .map(({ id }) => id)
      .sort()
      .join()
  const first = revoked().catch(() => undefined)
  return async () => {
    known ??= await first
    const now = await revoked()
    if (now !== known) for (const { model, version } of models.loaded()) models.unload(model, version)
    known = now
  }
}
