/** Keys and what is done with them. One master key; everything else is derived from it or wrapped by it. */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { link, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import { writeDurably } from './files.ts'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const MASTER_FILE = 'master.key'

export interface Keyring {
  /** A key of 32 bytes for one purpose: HKDF-SHA256 (RFC 5869) of the master key. */
  derive(purpose: string): Buffer
  /** AES-256-GCM under the purpose's key: nonce ‖ ciphertext ‖ tag. `context` must be given again to open it. */
  seal(purpose: string, plaintext: Uint8Array, context?: string): Buffer
  /** Throws `corrupt` where bytes, purpose or context are not those it was sealed with. */
  open(purpose: string, sealed: Uint8Array, context?: string): Buffer
}

/**
 * @param folder holds `master.key` (made with 32 random bytes where it is missing).
 * @param masterBase64 the master key itself, where the configuration gives it; nothing is read or written then.
 */
export async function openKeyring(folder: string, masterBase64?: string): Promise<Keyring> {
  const master = masterBase64 === undefined ? await masterOf(folder) : masterFrom(masterBase64, 'keys.master')
  const known = new Map<string, Buffer>()
  const derive = (purpose: string): Buffer => {
    let key = known.get(purpose)
    if (key === undefined) {
      key = Buffer.from(hkdfSync('sha256', master, '', `bellwether/${purpose}`, KEY_BYTES))
      known.set(purpose, key)
    }
    return key
  }
  return {
    derive,
    seal: (purpose, plaintext, context = '') => sealWith(derive(purpose), plaintext, context),
    open: (purpose, sealed, context = '') => openWith(derive(purpose), sealed, context),
  }
}

/** AES-256-GCM: nonce ‖ ciphertext ‖ tag. */
export function sealWith(key: Uint8Array, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Undoes `sealWith`; throws `corrupt`. */
export function openWith(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) {
    throw new Problem(
      'corrupt',
      `Cannot open sealed bytes: ${sealed.length} given, wanted at least ${NONCE_BYTES + TAG_BYTES}`,
    )
  }
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
  decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()])
  } catch (error) {
    throw new Problem('corrupt', 'Cannot open sealed bytes: they are damaged or were sealed with another key', {
      cause: error,
    })
  }
}

async function masterOf(folder: string): Promise<Buffer> {
  const file = join(folder, MASTER_FILE)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = `${file}.${process.pid}.new`
  await writeDurably(made, `${randomBytes(KEY_BYTES).toString('base64')}\n`, 0o600)
  try {
    await link(made, file) // unlike a rename it leaves a key that somebody else just made
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(made, { force: true })
  }
  return masterFrom(await readFile(file, 'utf8'), file)
}

function masterFrom(base64: string, origin: string): Buffer {
  const key = Buffer.from(base64.trim(), 'base64')
  if (key.length === KEY_BYTES) return key
  throw new Problem(
    'misconfigured',
    `Cannot use the master key of ${origin}: it has ${key.length} bytes, wanted ${KEY_BYTES} in base64`,
  )
}

/** Signs with one Ed25519 key. */
export interface Signer {
  /** First 16 hex digits of the SHA-256 of the raw public key. */
  readonly keyId: string
  /** Raw public key, base64. */
  readonly publicKey: string
  /** Signature, base64. */
  sign(bytes: Uint8Array): string
}

/** The signer kept in `<folder>/<name>.key`, sealed by the keyring; made where it is missing. */
export async function openSigner(folder: string, name: string, keyring: Keyring): Promise<Signer> {
  const file = join(folder, `${name}.key`)
  const context = `signer/${name}`
  let sealed: Buffer
  try {
    sealed = await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const { privateKey } = generateKeyPairSync('ed25519')
    sealed = keyring.seal('signers', privateKey.export({ type: 'pkcs8', format: 'der' }), context)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeDurably(file, sealed, 0o600)
  }
  const privateKey = createPrivateKey({ key: keyring.open('signers', sealed, context), format: 'der', type: 'pkcs8' })
  const raw = rawPublicKey(createPublicKey(privateKey))
  return {
    keyId: keyIdOf(raw),
    publicKey: raw.toString('base64'),
    sign: bytes => sign(null, bytes, privateKey).toString('base64'),
  }
}

/** First 16 hex digits of the SHA-256 of a raw public key. */
export function keyIdOf(raw: Uint8Array): string {
  return hash('sha256', raw, 'hex').slice(0, 16)
}

/** SubjectPublicKeyInfo of Ed25519 (RFC 8410) is this prefix and the 32 raw bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length)
}

/** @param publicKey raw, base64. @param signature base64. */
export function verifySignature(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const raw = Buffer.from(publicKey, 'base64')
  if (raw.length !== KEY_BYTES) return false
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
  return verify(null, bytes, key, Buffer.from(signature, 'base64'))
}
