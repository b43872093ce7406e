/** How brokers are spoken to: in clear or over TLS, as nobody or as a user. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { ConnectionOptions, SASLMechanismValue } from '@platformatic/kafka'
import { Problem } from '../../errors.ts'
import type { StreamConfig } from '../../platform/config-stream.ts'

export type BrokerSecurity = Pick<ConnectionOptions, 'tls' | 'tlsServerName' | 'sasl'>

/** Reads the files of certificates, each time anew: they are renewed there. Throws `misconfigured` where they cannot be used. */
export function brokerSecurity(config: StreamConfig): BrokerSecurity {
  const { user, password, mechanism } = config
  return {
    ...tlsOf(config),
    ...(user !== '' && { sasl: { mechanism: mechanism as SASLMechanismValue, username: user, password } }),
  }
}

function tlsOf({ tls, ca, cert, key, brokers }: StreamConfig): BrokerSecurity {
  const given = Object.entries({ 'stream.ca': ca, 'stream.cert': cert, 'stream.key': key }).filter(
    ([, path]) => path !== undefined,
  )
  if (tls !== 'true') {
    if (given.length === 0) return {}
    const names = given.map(([name]) => name).join(' and ')
    throw new Problem('misconfigured', `Cannot speak TLS with the brokers: ${names} given, and stream.tls is not true`)
  }
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'stream.cert' : 'stream.key'
    throw new Problem(
      'misconfigured',
      `Cannot speak TLS with the brokers: ${missing} not given, wanted both or neither`,
    )
  }
  const files = {
    ...(ca !== undefined && { ca: textOf('stream.ca', ca) }),
    ...(cert !== undefined && { cert: textOf('stream.cert', cert) }),
    ...(key !== undefined && { key: textOf('stream.key', key) }),
  }
  judge(files)
  // The name is told in the handshake, as shared front doors want it; addresses are not told so (RFC 6066 §3).
  const areNamed = brokers.split(',').every(broker => isIP(broker.replace(/:\d+$/, '')) === 0)
  return { tls: { minVersion: 'TLSv1.2', ...files }, ...(areNamed && { tlsServerName: true }) }
}

function textOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Problem('misconfigured', `Cannot read ${name}: ${(cause as Error).message}`, { cause })
  }
}

/** A handshake would fail with these too, and say less. */
function judge({ ca, cert, key }: { readonly ca?: string; readonly cert?: string; readonly key?: string }): void {
  try {
    if (ca !== undefined) new X509Certificate(ca)
    if (cert === undefined) return
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key!))) {
      throw new Error('stream.key is not the key of stream.cert')
    }
  } catch (cause) {
    const detail = `Cannot speak TLS with the brokers: ${(cause as Error).message}`
    throw new Problem('misconfigured', detail, { cause })
  }
}
