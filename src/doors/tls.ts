/** TLS at the door: certificates from files, looked at again while the server runs, since they are renewed there. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls'
import { Problem } from '../errors.ts'
import type { Timers } from '../platform/timers.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificate, and those between it and its authority. */
  readonly cert: string
  readonly key: string
  /** Authorities of the certificates that callers must show. */
  readonly clientCa?: string | undefined
}

/** The files that are named, or undefined where none is. Throws `misconfigured` where one is missing of the pair. */
export function tlsFiles(named: {
  readonly cert?: string
  readonly key?: string
  readonly clientCa?: string
}): TlsFiles | undefined {
  const { cert, key, clientCa } = named
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa }
  const missing = cert === undefined ? 'tls.cert' : 'tls.key'
  throw new Problem('misconfigured', `Cannot speak TLS: ${missing} is not given, wanted a certificate and its key`)
}

/** What the files hold, as a server takes it. Throws `misconfigured` where it cannot be used. */
export function readTls({ cert, key, clientCa }: TlsFiles): TlsOptions & SecureContextOptions {
  const options = {
    cert: textOf(cert),
    key: textOf(key),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...(clientCa === undefined ? {} : { ca: textOf(clientCa), requestCert: true, rejectUnauthorized: true }),
  } as const
  try {
    if (!new X509Certificate(options.cert).checkPrivateKey(createPrivateKey(options.key))) {
      throw new Error('the key is not that of the certificate')
    }
    createSecureContext(options)
  } catch (error) {
    throw new Problem('misconfigured', `Cannot speak TLS with ${cert} and ${key}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return options
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Problem('misconfigured', `Cannot speak TLS: ${(error as Error).message}`, { cause: error })
  }
}

export interface TlsWatch {
  readonly files: TlsFiles
  readonly timers: Timers
  /** Takes what new files hold: connections from now on get it. */
  readonly apply: (options: SecureContextOptions) => void
  /** Hears of files that cannot be used: the old ones stay in force. */
  readonly onError: (problem: unknown) => void
}

/** How often the files are read: a few kilobytes. Watching them would miss the links that Kubernetes turns round. */
const LOOK_MS = 2_000

/** Returns how to stop. */
export function watchTls({ files, timers, apply, onError }: TlsWatch): () => void {
  let seen = fingerprint(files)
  let cancel = (): void => {}
  const look = (): void => {
    const found = fingerprint(files)
    if (found !== seen) {
      seen = found
      try {
        apply(readTls(files))
      } catch (error) {
        onError(error)
      }
    }
    cancel = timers.after(LOOK_MS, look)
  }
  cancel = timers.after(LOOK_MS, look)
  return () => cancel()
}

/** Files that are half written when they are read differ again once they are whole. */
function fingerprint({ cert, key, clientCa }: TlsFiles): string {
  return [cert, key, clientCa]
    .map(path => {
      try {
        return path === undefined ? '' : readFileSync(path, 'utf8')
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code)
      }
    })
    .join('\0')
}
