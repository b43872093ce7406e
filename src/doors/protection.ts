/** What the configuration says of pages of others, proxies and TLS, as a door takes it. */
import type { Config } from '../platform/config.ts'
import { cors } from './cors.ts'
import type { HttpDoorParts } from './http-request.ts'
import { trustedProxies } from './proxies.ts'
import { tlsFiles } from './tls.ts'

/** Throws `misconfigured`. */
export function doorProtection({
  server: { corsOrigins, trustedProxies: proxies },
  tls,
}: Pick<Config, 'server' | 'tls'>): Pick<HttpDoorParts, 'cors' | 'proxies' | 'tls'> {
  return { cors: cors(corsOrigins), proxies: trustedProxies(proxies), tls: tlsFiles(tls) }
}
