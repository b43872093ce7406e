import { createHash } from 'node:crypto'
import { Problem } from '../errors.ts'
import { loadArtifact } from '../predictor/load-artifact.ts'
import type { Model } from '../predictor/model.ts'

/** The artifact as a model, if the bytes are those that were registered; throws `corrupt` if not. */
export function loadVerified(bytes: Uint8Array, sha256: string): Model {
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found === sha256) return loadArtifact(bytes)
  throw new Problem('corrupt', `Cannot load the artifact: its SHA-256 is ${found}, wanted ${sha256}`)
}
