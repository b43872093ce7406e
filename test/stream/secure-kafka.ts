/** A Kafka that is also spoken to over TLS: by users (SASL), and by those who show a certificate (mTLS). */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, startKafka, type TestKafka } from './kafka.ts'

export interface SecureKafka extends TestKafka {
  /** Listener that wants a user, by name and by address. */
  readonly users: string
  readonly usersByAddress: string
  /** Listener that wants a certificate. */
  readonly certificates: string
  /** Paths of PEM files: the authority, and a caller's certificate and key. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export const USER = { name: 'ann', password: 'pass word:1' }

/** @param folder takes keys and certificates. */
export async function startSecureKafka(folder: string): Promise<SecureKafka> {
  const files = makeCertificates(folder)
  const [users, certificates] = [await freePort(), await freePort()]
  const login = 'org.apache.kafka.common.security'
  const scram = `${login}.scram.ScramLoginModule required;`
  const sasl = 'listener.name.sasl_ssl'
  const kafka = await startKafka({
    properties: {
      listeners: `,SASL_SSL://localhost:${users},SSL://localhost:${certificates}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL',
      'inter.broker.listener.name': 'PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      [`${sasl}.plain.sasl.jaas.config`]: `${login}.plain.PlainLoginModule required user_${USER.name}="${USER.password}";`,
      [`${sasl}.scram-sha-256.sasl.jaas.config`]: scram,
      [`${sasl}.scram-sha-512.sasl.jaas.config`]: scram,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': files.broker,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': files.ca,
      'listener.name.ssl.ssl.client.auth': 'required',
    },
    formatted: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
      '--add-scram',
      `${mechanism}=[name=${USER.name},password=${USER.password}]`,
    ]),
  })
  return {
    ...kafka,
    ...files,
    users: `localhost:${users}`,
    usersByAddress: `127.0.0.1:${users}`,
    certificates: `localhost:${certificates}`,
  }
}

/** An authority, and what it signed: for the broker (by name and address) and for a caller. */
function makeCertificates(folder: string): Record<'ca' | 'broker' | 'cert' | 'key', string> {
  const path = (name: string): string => join(folder, `${name}.pem`)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = ['-x509', '-days', '2', '-subj', '/CN=authority', '-keyout', path('ca-key'), '-out', path('ca')]
  openssl('req', ...made, ...authority)
  const sign = (name: string, subject: string): void => {
    openssl('req', ...made, '-subj', subject, '-keyout', path(`${name}-key`), '-out', path(`${name}-request`))
    writeFileSync(path(`${name}-names`), 'subjectAltName=DNS:localhost,IP:127.0.0.1')
    const by = ['-CA', path('ca'), '-CAkey', path('ca-key'), '-CAcreateserial', '-extfile', path(`${name}-names`)]
    openssl('x509', '-req', '-days', '2', '-in', path(`${name}-request`), ...by, '-out', path(name))
  }
  sign('broker', '/CN=localhost')
  sign('caller', '/CN=caller')
  const both = [path('broker-key'), path('broker')].map(file => readFileSync(file, 'utf8')).join('')
  writeFileSync(path('broker-store'), both)
  return { ca: path('ca'), broker: path('broker-store'), cert: path('caller'), key: path('caller-key') }
}
