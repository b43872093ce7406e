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
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../errors.ts'
import { createFile, replaceFile } from './durable-file.ts'
import { addMaster, decodeExactly, dropMasters, type MasterKeys, readIfThere, readMasters } from './master-keys.ts'

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
  /**
   * The same plaintext sealed by the newest master key; undefined where it is sealed by it already. Throws as `open` does.
   */
  rewrap(purpose: string, sealed: Uint8Array, context?: string): Buffer | undefined
  readonly rotation: MasterRotation
}

/** The change of the master key: begin, `rewrap` whatever was sealed, end. Broken off, it is begun again where it was. */
export interface MasterRotation {
  /** From now on a newer master key seals: a new one, or where the configuration gives them, its first. */
  begin(): void
  /** Forgets the older keys of the data folder: what was not rewrapped is lost. Those of the configuration are its owner's. */
  end(): void
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
 * @param masterBase64 the master key, where the configuration gives it instead of the file `keys/master.key`; while it is being
 *   changed, the new one, a comma, and those before.
 */
export async function openKeyring(folder: string, masterBase64?: string): Promise<Keyring> {
  const keys = keysFolder(folder)
  const check = join(keys, 'master.check')
  const wasUsed = readIfThere(check) !== undefined
  const state = openState(keys, readMasters(keys, wasUsed, masterBase64))
  const keyring = keyringOf(keys, state)
  // Without this mark a wrong key would show only later, as one damaged thing after another.
  const mark = keyring.derive('check').toString('hex')
  if (!wasUsed) createFile(check, `${mark}\n`)
  if (!sameText(readFileSync(check, 'utf8').trim(), mark)) throw notTheMaster(keys, state.isConfigured)
  return keyring
}

function notTheMaster(keys: string, isConfigured: boolean): Problem {
  const given = isConfigured ? 'keys.master of the configuration' : 'keys/master.key'
  return new Problem(
    'misconfigured',
    `Cannot open the keys in ${keys}: ${given} is not the master key they were made with`,
  )
}

interface KeyringState extends MasterKeys {
  /** What all is derived from: the first master key there was. */
  readonly root: Buffer
}

/** How the root is sealed once there was another master key. */
const ROOT = 'root-key'

function openState(keys: string, found: MasterKeys): KeyringState {
  const stored = readIfThere(rootFile(keys))
  if (stored === undefined) return { ...found, root: found.masters.at(-1)! }
  const sealed = Buffer.from(stored, 'base64')
  for (const master of found.masters) {
    const root = openBytes(sealingKey(master, ROOT), sealed, ROOT)
    if (root !== undefined) return { ...found, root }
  }
  throw notTheMaster(keys, found.isConfigured)
}

function rootFile(keys: string): string {
  return join(keys, 'root.key')
}

function sealingKey(master: Buffer, purpose: string): Buffer {
  return hkdf(master, `bellwether/seal/${purpose}`)
}

function keyringOf(keys: string, opened: KeyringState): Keyring {
  let state = opened
  /** Of each purpose, a key by each master. */
  const sealing = new Map<string, readonly Buffer[]>()
  const keysFor = (purpose: string): readonly Buffer[] => {
    const known = sealing.get(purpose)
    if (known !== undefined) return known
    const made = state.masters.map(master => sealingKey(master, purpose))
    sealing.set(purpose, made)
    return made
  }
  const opens = (purpose: string, sealed: Uint8Array, context: string): { plaintext: Buffer; isNewest: boolean } => {
    for (const [at, key] of keysFor(purpose).entries()) {
      const plaintext = openBytes(key, sealed, context)
      if (plaintext !== undefined) return { plaintext, isNewest: at === 0 }
    }
    throw new Problem('corrupt', `Cannot open what was sealed for ${purpose}: it was changed, or sealed by another key`)
  }
  const seal = (purpose: string, plaintext: Uint8Array, context = ''): Buffer =>
    sealBytes(keysFor(purpose)[0]!, plaintext, context)
  const change = (masters: MasterKeys): void => {
    state = { ...state, ...masters }
    sealing.clear()
  }
  return {
    derive: purpose => hkdf(state.root, `bellwether/derive/${purpose}`),
    seal,
    open: (purpose, sealed, context = '') => opens(purpose, sealed, context).plaintext,
    rewrap(purpose, sealed, context = ''): Buffer | undefined {
      const { plaintext, isNewest } = opens(purpose, sealed, context)
      return isNewest ? undefined : seal(purpose, plaintext, context)
    },
    rotation: {
      begin(): void {
        if (!state.isConfigured) change(addMaster(keys, state))
        if (state.masters.length > 1)
          replaceFile(rootFile(keys), `${seal(ROOT, state.root, ROOT).toString('base64')}\n`)
      },
      end(): void {
        if (!state.isConfigured) change(dropMasters(keys, state))
      },
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

function keysFolder(folder: string): string {
  const keys = join(folder, 'keys')
  mkdirSync(keys, { recursive: true, mode: 0o700 })
  return keys
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
