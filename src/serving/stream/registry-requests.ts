/** Requests to a schema registry that speaks Confluent's REST interface. */
import { Problem } from '../../errors.ts'

export interface RegistrySettings {
  /** Address without the path of the interface; empty: there is none. */
  readonly registry: string
  readonly registryUser: string
  readonly registryPassword: string
}

/**
 * Posts what it is given, and gets otherwise. The body is undefined where it is no JSON. Rejects with `unavailable` where nobody answers.
 */
export type AskRegistry = (
  path: string,
  posted?: string,
) => Promise<{ readonly status: number; readonly body: unknown }>

const ASK_MS_MAX = 10_000
const REGISTRY_JSON = 'application/vnd.schemaregistry.v1+json'

export function registryAsker({ registry, registryUser, registryPassword }: RegistrySettings): AskRegistry {
  const base = registry.replace(/\/+$/, '')
  const basic = Buffer.from(`${registryUser}:${registryPassword}`).toString('base64')
  const headers = {
    accept: `${REGISTRY_JSON}, application/json`,
    ...(registryUser !== '' && { authorization: `Basic ${basic}` }),
  }
  return async (path, posted) => {
    const sent =
      posted === undefined
        ? { headers }
        : { method: 'POST', body: posted, headers: { ...headers, 'content-type': REGISTRY_JSON } }
    try {
      // Whoever redirects could be told the password.
      const answer = await fetch(`${base}${path}`, {
        ...sent,
        signal: AbortSignal.timeout(ASK_MS_MAX),
        redirect: 'error',
      })
      return { status: answer.status, body: await answer.json().catch(() => undefined) }
    } catch (cause) {
      throw new Problem('unavailable', 'Cannot ask the schema registry: it does not answer', { cause })
    }
  }
}
