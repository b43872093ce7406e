import { publicKeyOf, verifyBundle } from './bundle.ts'
import { type SignedModel, signedModel } from './model-signature.ts'

/**
 * What a signature says that lies beside a model somewhere; `verifyFolder` holds it against the files. Throws as `verifyBundle` does.
 *
 * @param keys PEM of public keys that are believed.
 * @param roots PEM of certificates that are.
 * @param now milliseconds since the epoch.
 */
export function signedElsewhere(
  bundle: string,
  keys: readonly string[],
  roots: readonly string[],
  now: number,
): SignedModel {
  const believed = new Map(keys.map(publicKeyOf).map(({ keyId, pem }) => [keyId, pem]))
  return signedModel(verifyBundle(bundle, { keys: believed, roots, now }).statement)
}
