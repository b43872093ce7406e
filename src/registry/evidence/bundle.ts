/**
 * Statements, signed: a DSSE envelope (https://github.com/secure-systems-lab/dsse, protocol 1.0.2) in a Sigstore bundle of version 0.3
 * (https://docs.sigstore.dev/about/bundle/), as OpenSSF Model Signing 1.0 writes it for keys and for certificates. There is no
 * transparency log: everything is verified offline.
 */
import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { isObject, isStatement, type Statement } from './statement.ts'

export interface Bundle {
  readonly mediaType: typeof MEDIA_TYPE
  readonly verificationMaterial: {
    /** SHA-256 of the key as PEM, hex. */
    readonly publicKey?: { readonly hint: string }
    readonly x509CertificateChain?: { readonly certificates: readonly { readonly rawBytes: string }[] }
    readonly tlogEntries: readonly never[]
  }
  readonly dsseEnvelope: {
    /** Base64. */
    readonly payload: string
    readonly payloadType: typeof PAYLOAD_TYPE
    readonly signatures: readonly { readonly sig: string; readonly keyid: string }[]
  }
}

/** Signs with a key that may lie elsewhere: in a file, in a module (PKCS#11), with a service (KMS). */
export interface SigningKey {
  /** SHA-256 of `publicKey`, hex. */
  readonly keyId: string
  /** PEM, SubjectPublicKeyInfo. */
  readonly publicKey: string
  /** ECDSA, as DER, with the hash of its curve; or Ed25519. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** Which keys and which authorities are believed. */
export interface Trust {
  /** PEM by key id. */
  readonly keys: ReadonlyMap<string, string>
  /** PEM of root certificates. */
  readonly roots?: readonly string[]
  /** When certificates have to be valid, milliseconds since the epoch. */
  readonly now: number
}

export interface Verified {
  readonly statement: Statement
  /** Of the key, or of the certificate's. */
  readonly keyId: string
}

const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
/** The hash that goes with each curve (FIPS 186-5 §6.1.1); Ed25519 brings its own. */
const HASH_OF_CURVE: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
}

export function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(publicKey).digest('hex')
}

/** Throws `invalid` where it is no public key that signatures can be checked with. */
export function publicKeyOf(pem: string): { readonly key: KeyObject; readonly keyId: string; readonly pem: string } {
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (cause) {
    throw new Problem('invalid', 'Cannot read the key: it is no public key, wanted PEM', { cause })
  }
  hashOf(key)
  const canonicalPem = key.export({ type: 'spki', format: 'pem' }) as string
  return { key, keyId: keyIdOf(canonicalPem), pem: canonicalPem }
}

/** Name of the hash to sign with, or null where the algorithm has its own. */
export function hashOf(key: KeyObject): string | null {
  if (key.asymmetricKeyType === 'ed25519') return null
  const curve = key.asymmetricKeyDetails?.namedCurve ?? ''
  const hash = key.asymmetricKeyType === 'ec' ? HASH_OF_CURVE[curve] : undefined
  if (hash !== undefined) return hash
  const found = key.asymmetricKeyType === 'ec' ? `the curve ${curve}` : `${key.asymmetricKeyType}`
  throw new Problem('invalid', `Cannot use the key: it is of ${found}, wanted P-256, P-384, P-521 or Ed25519`)
}

/** What is signed in a payload's place, so that it cannot pass for one of another type. */
function preAuthEncoding(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload])
}

export async function signStatement(statement: Statement, key: SigningKey): Promise<Bundle> {
  const payload = Buffer.from(JSON.stringify(statement))
  const signature = Buffer.from(await key.sign(preAuthEncoding(payload)))
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: key.keyId }, tlogEntries: [] },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: signature.toString('base64'), keyid: '' }],
    },
  }
}

/** Throws `malformed` for what is no bundle, `corrupt` for a false signature, `forbidden` for a key that is not believed. */
export function verifyBundle(text: string, trust: Trust): Verified {
  const bundle = parseBundle(text)
  const { dsseEnvelope } = bundle
  const payload = decoded(dsseEnvelope.payload, 'dsseEnvelope.payload')
  const { key, keyId } = believedKey(bundle, trust)
  const signed = preAuthEncoding(payload)
  const isRight = dsseEnvelope.signatures.some(({ sig }) => isSignedBy(key, signed, Buffer.from(sig, 'base64')))
  if (!isRight) throw new Problem('corrupt', `Cannot believe the signature: it is not one of key ${keyId.slice(0, 16)}`)
  const statement = parsed(payload.toString())
  if (!isStatement(statement)) throw notABundle('its payload is no in-toto statement of version 1')
  return { statement, keyId }
}

function isSignedBy(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(hashOf(key), bytes, key, signature)
  } catch {
    return false // no DER
  }
}

function parseBundle(text: string): Bundle {
  const bundle = parsed(text)
  if (!isObject(bundle)) throw notABundle('it is no JSON object')
  const { mediaType, verificationMaterial: material, dsseEnvelope: envelope } = bundle
  if (mediaType !== MEDIA_TYPE) throw notABundle(`its mediaType is ${JSON.stringify(mediaType)}, wanted ${MEDIA_TYPE}`)
  if (!isObject(material)) throw notABundle('verificationMaterial is missing')
  if (!isObject(envelope) || typeof envelope['payload'] !== 'string') throw notABundle('dsseEnvelope is missing')
  if (envelope['payloadType'] !== PAYLOAD_TYPE) throw notABundle(`its payloadType is not ${PAYLOAD_TYPE}`)
  const { signatures } = envelope
  const isSigned =
    Array.isArray(signatures) &&
    signatures.length > 0 &&
    signatures.every(each => isObject(each) && typeof each['sig'] === 'string')
  if (!isSigned) throw notABundle('it has no signatures')
  return bundle as unknown as Bundle
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notABundle('it is not JSON')
  }
}

function decoded(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length > 0) return bytes
  throw notABundle(`${what} is not base64`)
}

function notABundle(why: string): Problem {
  return new Problem('malformed', `Cannot read the signature: ${why}, wanted a Sigstore bundle of version 0.3`)
}

function believedKey({ verificationMaterial }: Bundle, trust: Trust): { key: KeyObject; keyId: string } {
  const { publicKey, x509CertificateChain } = verificationMaterial
  if (isObject(x509CertificateChain)) return certifiedKey(x509CertificateChain.certificates, trust)
  const hint = isObject(publicKey) ? publicKey.hint : undefined
  if (typeof hint !== 'string') throw notABundle('it does not say by which key it was signed')
  const pem = trust.keys.get(hint)
  if (pem !== undefined) return { key: createPublicKey(pem), keyId: hint }
  throw new Problem('forbidden', `Cannot believe the signature: nobody vouches for its key ${hint.slice(0, 16)}`)
}

/** The first is the signer's; each is signed by the next, and the last by one that is believed. */
function certifiedKey(
  certificates: unknown,
  { roots = [], now }: Trust,
): { readonly key: KeyObject; readonly keyId: string } {
  if (!Array.isArray(certificates) || certificates.length === 0) throw notABundle('its chain of certificates is empty')
  const chain = certificates.map(each => certificateOf(isObject(each) ? each['rawBytes'] : undefined))
  for (const [at, certificate] of chain.entries()) {
    if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) {
      throw notBelieved(
        `the certificate of ${certificate.subject} is valid from ${certificate.validFrom} to ${certificate.validTo}`,
      )
    }
    const next = chain[at + 1]
    if (next !== undefined && !isIssued(certificate, next)) {
      throw notBelieved(`the certificate of ${certificate.subject} is not signed by the next of its chain`)
    }
  }
  const last = chain.at(-1)!
  const isRooted = roots.some(pem => {
    const root = new X509Certificate(pem)
    return root.raw.equals(last.raw) || isIssued(last, root)
  })
  if (!isRooted) throw notBelieved(`nobody vouches for ${last.issuer}, who issued its certificate`)
  const key = chain[0]!.publicKey
  hashOf(key)
  return { key, keyId: keyIdOf(key.export({ type: 'spki', format: 'pem' }) as string) }
}

function isIssued(certificate: X509Certificate, by: X509Certificate): boolean {
  return by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey)
}

function certificateOf(rawBytes: unknown): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(rawBytes as string, 'base64'))
  } catch (cause) {
    throw new Problem('malformed', 'Cannot read the signature: a certificate of its chain is damaged', { cause })
  }
}

function notBelieved(why: string): Problem {
  return new Problem('forbidden', `Cannot believe the signature: ${why}`)
}
