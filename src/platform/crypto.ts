/** Keys: one master key from which all others are derived, sealing with it, and signatures. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import { createFile, errorCode } from './durable-file.ts'

export interface Keyring {
  /** A key of 32 bytes that is always the same for one master key and one purpose, and tells nothing of either. */
  derive(purpose: string): Buffer
  /**
   * Encrypts and authenticates: AES-256-GCM with a random nonce (61 bytes longer than 32 bytes of plaintext).
   * What was sealed opens only with the same purpose and context, so that it cannot be put in another's place.
   * At most 2³² seals a purpose (NIST SP 800-38D §8.3): what comes by the million takes a derived key of its own.
   */
  seal(purpose: string, plaintext: Uint8Array, context?: string): Buffer
  /** Throws a `corrupt` problem where the bytes are not what was sealed, or not for this purpose, context and key. */
  open(purpose: string, sealed: Uint8Array, context?: string): Buffer
}

export interface Signer {
  /** Names the key: the first 16 hex digits of the SHA-256 of its public half. */
  readonly keyId: string
  /** Ed25519 public key (RFC 8032): 32 bytes, base64. */
  readonly publicKey: string
  /** Ed25519 signature of the bytes: 64 bytes, base64. Deterministic. */
  sign(bytes: Uint8Array): string
}

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const FORMAT = 1
/** By how much a sealed text is longer than its plaintext: format, nonce, tag. */
export const SEAL_BYTES: number = 1 + NONCE_BYTES + TAG_BYTES

/**
 * Opens the keys of a data folder, and makes a master key where there is none.
 *
 * @param folder the data folder; keys lie in `keys/` below it.
 * @param masterBase64 the master key, where the configuration gives it instead of the file `keys/master.key`.
 */
export async function openKeyring(folder: string, masterBase64?: string): Promise<Keyring> {
  const keys = keysFolder(folder)
  const check = join(keys, 'master.check')
  const wasUsed = readIfThere(check) !== undefined
  const master =
    masterBase64 === undefined
      ? readMaster(join(keys, 'master.key'), wasUsed)
      : decodeMaster(masterBase64, 'the key of the configuration (keys.master)', 'misconfigured')
  const keyring = keyringOf(master)
  // Without this mark a wrong key would show only later, as one damaged thing after another.
  const mark = keyring.derive('check').toString('hex')
  if (!wasUsed) createFile(check, `${mark}\n`)
  if (!sameText(readFileSync(check, 'utf8').trim(), mark)) {
    const given = masterBase64 === undefined ? 'keys/master.key' : 'keys.master of the configuration'
    throw new Problem(
      'misconfigured',
      `Cannot open the keys in ${keys}: ${given} is not the master key they were made with`,
    )
  }
  return keyring
}

function keyringOf(master: Buffer): Keyring {
  const sealing = new Map<string, Buffer>()
  const sealingKey = (purpose: string): Buffer => {
    const known = sealing.get(purpose)
    if (known !== undefined) return known
    const key = hkdf(master, `bellwether/seal/${purpose}`)
    sealing.set(purpose, key)
    return key
  }
  return {
    derive: purpose => hkdf(master, `bellwether/derive/${purpose}`),
    seal: (purpose, plaintext, context = '') => sealBytes(sealingKey(purpose), plaintext, context),
    open(purpose: string, sealed: Uint8Array, context = ''): Buffer {
      const plaintext = openBytes(sealingKey(purpose), sealed, context)
      if (plaintext !== undefined) return plaintext
      throw new Problem(
        'corrupt',
        `Cannot open what was sealed for ${purpose}: it was changed, or sealed by another key`,
      )
    },
  }
}

/** HKDF-SHA256 (RFC 5869). The master key is uniformly random, so that no salt is needed (§3.1). */
function hkdf(master: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), info, KEY_BYTES))
}

function sealBytes(key: Buffer, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  const body = cipher.update(plaintext)
  return Buffer.concat([Buffer.of(FORMAT), nonce, body, cipher.final(), cipher.getAuthTag()])
}

function openBytes(key: Buffer, sealed: Uint8Array, context: string): Buffer | undefined {
  if (sealed.length < SEAL_BYTES || sealed[0] !== FORMAT) return undefined
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(
    Buffer.from(context),
  )
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const body = decipher.update(sealed.subarray(1 + NONCE_BYTES, sealed.length - TAG_BYTES))
  try {
    return Buffer.concat([body, decipher.final()])
  } catch {
    return undefined
  }
}

/**
 * Opens a signing key of a data folder, and makes it where it is not there yet.
 *
 * @param name of the key: it lies in `keys/<name>.key`, sealed by the keyring.
 */
export async function openSigner(folder: string, name: string, keyring: Keyring): Promise<Signer> {
  const path = join(keysFolder(folder), `${name}.key`)
  const context = `keys/${name}.key`
  let stored = readIfThere(path)
  if (stored === undefined) {
    const made = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' })
    createFile(path, `${keyring.seal('signing-key', made, context).toString('base64')}\n`)
    // Whoever came first made the key: it is the file that counts, not what was made here.
    stored = readFileSync(path, 'utf8')
  }
  const pkcs8 = keyring.open('signing-key', Buffer.from(stored, 'base64'), context)
  return signerOf(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
}

function signerOf(privateKey: KeyObject): Signer {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const raw = spki.subarray(SPKI_PREFIX.length)
  return {
    keyId: createHash('sha256').update(raw).digest('hex').slice(0, 16),
    publicKey: raw.toString('base64'),
    sign: bytes => sign(null, bytes, privateKey).toString('base64'),
  }
}

/** What comes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** Whether a signature (base64) of the bytes was made by the key (32 bytes, base64). False also where either is malformed. */
export function verifySignature(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const raw = decodeExactly(publicKey, KEY_BYTES)
  const signed = decodeExactly(signature, 64)
  if (raw === undefined || signed === undefined) return false
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
  return verify(null, bytes, key, signed)
}

/** Base64 of exactly so many bytes, in its one canonical form; Node's own decoder skips whatever it does not know. */
function decodeExactly(text: string, bytes: number): Buffer | undefined {
  const decoded = Buffer.from(text, 'base64')
  return decoded.length === bytes && decoded.toString('base64') === text ? decoded : undefined
}

function keysFolder(folder: string): string {
  const keys = join(folder, 'keys')
  mkdirSync(keys, { recursive: true, mode: 0o700 })
  return keys
}

function readMaster(path: string, wasUsed: boolean): Buffer {
  const stored = readIfThere(path)
  if (stored === undefined) {
    // A new key would open nothing of what is there and hide that the old one is lost.
    if (wasUsed)
      throw new Problem(
        'misconfigured',
        `Cannot open the keys: ${path} is not there, though data was sealed with it; put it back, or give keys.master`,
      )
    createFile(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`)
  }
  guardPermissions(path)
  return decodeMaster(readFileSync(path, 'utf8').trim(), path, 'corrupt')
}

/** Closes a key file that others may read; volumes of orchestrators are known to open them. */
function guardPermissions(path: string): void {
  if ((statSync(path).mode & 0o077) === 0) return
  try {
    chmodSync(path, 0o600)
  } catch (error) {
    const found = (statSync(path).mode & 0o777).toString(8)
    if ((statSync(path).mode & 0o007) === 0) return
    throw new Problem('misconfigured', `Cannot use ${path}: everybody may read it (mode ${found}), wanted mode 600`, {
      cause: error,
    })
  }
}

function decodeMaster(text: string, what: string, code: 'misconfigured' | 'corrupt'): Buffer {
  const master = decodeExactly(text, KEY_BYTES)
  if (master !== undefined) return master
  throw new Problem(code, `Cannot use ${what}: it is not a master key, wanted ${KEY_BYTES} bytes in base64`)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
