/** Keys in PEM files, as people have them; and keys that lie where only a program gets at them. */
import { spawn } from 'node:child_process'
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { hashOf, publicKeyOf, type SigningKey } from './bundle.ts'

const COMMAND_MS_MAX = 30_000
const ANSWER_BYTES_MAX = 1 << 16

/** @param pem a private key, P-256, P-384, P-521 or Ed25519. */
export function signingKeyOf(pem: string | Buffer, passphrase?: string): SigningKey {
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (cause) {
    const found = /ENCRYPTED/.test(String(pem)) ? 'it is encrypted, and the passphrase is not right' : 'it is none'
    throw new Problem('invalid', `Cannot read the private key: ${found}, wanted PEM`, { cause })
  }
  const { keyId, pem: publicKey } = publicKeyOf(
    createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string,
  )
  const hash = hashOf(privateKey)
  return { keyId, publicKey, sign: async bytes => sign(hash, bytes, privateKey) }
}

/**
 * A key in a hardware module (PKCS#11) or with a service (KMS): a command is given the bytes on its standard input and answers with the
 * signature, as bytes or in base64. Where the key's hash is SHA-256 and the tool wants a digest, the command makes it.
 *
 * @param command of the configuration, run by the shell.
 */
export function commandKey(command: string, publicKey: string): SigningKey {
  const { keyId, pem } = publicKeyOf(publicKey)
  return { keyId, publicKey: pem, sign: bytes => run(command, bytes) }
}

function run(command: string, bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ['pipe', 'pipe', 'pipe'], timeout: COMMAND_MS_MAX })
    const parts: Buffer[] = []
    let size = 0
    let said = ''
    const fail = (why: string): void => {
      reject(new Problem('unavailable', `Cannot sign: the command of evidence.command ${why}`))
    }
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= ANSWER_BYTES_MAX) parts.push(chunk)
      else child.kill('SIGKILL')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-500)
    })
    child.on('error', error => fail(`did not start: ${error.message}`))
    child.stdin.on('error', () => {}) // one that ends without reading says so by its status
    child.on('close', (code, signal) => {
      if (code === 0 && size > 0) resolve(signatureOf(Buffer.concat(parts)))
      else if (code === 0) fail('answered nothing')
      else fail(`ended with ${signal ?? `status ${code}`}${said === '' ? '' : `: ${said.trim()}`}`)
    })
    child.stdin.end(bytes)
  })
}

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/
/** The first byte of DER, which is no letter of base64. */
const SEQUENCE = 0x30

function signatureOf(answer: Buffer): Uint8Array {
  const text = answer.toString('latin1')
  const isText = BASE64.test(text) && !(answer[0] === SEQUENCE && answer[1] === answer.length - 2)
  return isText ? Buffer.from(text, 'base64') : answer
}
