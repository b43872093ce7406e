/**
 * OpenSSF Model Signing 1.0 (https://github.com/ossf/model-signing-spec): the files of a model by name and SHA-256, in one signed
 * statement whose subject is the SHA-256 of these digests in their order.
 */
import { createHash } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { isObject, SIGNATURE, type Statement, statementOf } from './statement.ts'

/** A file of a model: its path with slashes, and the SHA-256 of its bytes, hex. */
export interface SignedFile {
  readonly name: string
  readonly sha256: string
}

/** Of one size, beginning at each multiple of it; where files were signed in pieces. */
export interface SignedPiece extends SignedFile {
  readonly start: number
  readonly end: number
}

export interface SignedModel {
  readonly name: string
  readonly files: readonly (SignedFile | SignedPiece)[]
  /** Paths that were left out. */
  readonly ignored: readonly string[]
}

/** @param name of the model: the folder it lies in, for whoever verifies it there. */
export function modelStatement(name: string, files: readonly SignedFile[], ignored: readonly string[] = []): Statement {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1))
  const root = rootDigest(sorted.map(({ sha256 }) => sha256))
  const serialization = {
    method: 'files',
    hash_type: 'sha256',
    allow_symlinks: false,
    ...(ignored.length === 0 ? {} : { ignore_paths: ignored }),
  }
  const resources = sorted.map(({ name, sha256 }) => ({ name, algorithm: 'sha256', digest: sha256 }))
  return statementOf({ name, digest: { sha256: root } }, SIGNATURE, { serialization, resources })
}

function rootDigest(digests: readonly string[]): string {
  const hash = createHash('sha256')
  for (const digest of digests) hash.update(Buffer.from(digest, 'hex'))
  return hash.digest('hex')
}

const DIGEST = /^[0-9a-f]{64}$/
const PIECE = /^(.+):(\d+):(\d+)$/s

/** What a statement of this kind says; throws `malformed` where it contradicts itself or uses what we cannot compute. */
export function signedModel({ predicateType, predicate, subject }: Statement): SignedModel {
  if (predicateType !== SIGNATURE) throw unreadable(`its predicate is ${predicateType}, wanted ${SIGNATURE}`)
  const { serialization, resources } = predicate as Readonly<Record<string, unknown>>
  if (!isObject(serialization) || !Array.isArray(resources)) throw unreadable('it names no files')
  const { method, hash_type: hashType, ignore_paths: ignored = [] } = serialization
  if (hashType !== 'sha256') throw unreadable(`its hash is ${JSON.stringify(hashType)}, wanted sha256`)
  if (method !== 'files' && method !== 'shards') throw unreadable(`its method is ${JSON.stringify(method)}`)
  const files = resources.map(resource => fileOf(resource, method === 'shards'))
  const root = subject[0]!
  if (root.digest['sha256'] !== rootDigest(files.map(({ sha256 }) => sha256))) {
    throw unreadable('the digest of its subject is not that of its files')
  }
  if (!Array.isArray(ignored)) throw unreadable('ignore_paths is no list')
  return { name: root.name, files, ignored: ignored.map(String) }
}

function fileOf(resource: unknown, isPiece: boolean): SignedFile | SignedPiece {
  const { name, algorithm, digest } = isObject(resource) ? resource : {}
  const isRight =
    typeof name === 'string' && typeof digest === 'string' && algorithm === 'sha256' && DIGEST.test(digest)
  if (!isRight) throw unreadable(`a file of it is ${JSON.stringify(resource)?.slice(0, 200)}`)
  const piece = isPiece ? PIECE.exec(name) : null
  if (isPiece && piece === null) throw unreadable(`a piece of it is named ${JSON.stringify(name)}`)
  const path = piece?.[1] ?? name
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw unreadable(`${JSON.stringify(path)} is no path in the model`)
  }
  if (piece === null) return { name: path, sha256: digest }
  return { name: path, sha256: digest, start: Number(piece[2]), end: Number(piece[3]) }
}

function unreadable(why: string): Problem {
  return new Problem('malformed', `Cannot read the signature of a model: ${why}`)
}
