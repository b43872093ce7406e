/** Keys of the configuration that say what must be signed, and by whom. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface EvidenceConfig {
  /** Words or types of predicates, separated by commas; empty: what was signed must be right, nothing else is asked. */
  readonly required: string
  /** A folder of PEM files: public keys, and certificates of authorities; empty: only our own keys. */
  readonly trustedKeys: string
  /** Empty: keys of our own, in the data folder. */
  readonly command: string
  /** Path of the PEM file that goes with `command`. */
  readonly publicKey: string
}

type Key = `evidence.${keyof EvidenceConfig}`

export const EVIDENCE_KEYS: { readonly [Name in Key]: Omit<ConfigKey, 'env'> } = {
  'evidence.required': {
    schema: Type.String(),
    wanted: 'signature, provenance, measurement, validation, approval or URIs, separated by commas',
    default: '',
    doc: 'Signed statements without which a version is not served: signature, provenance, measurement, validation, approval, or a URI',
  },
  'evidence.trustedKeys': {
    schema: Type.String(),
    wanted: 'the path of a folder',
    default: '',
    doc: 'Folder of PEM files: public keys, and certificates of authorities, whose signatures count as ours do',
  },
  'evidence.command': {
    schema: Type.String(),
    wanted: 'a command',
    default: '',
    doc: 'Signs in our place, for keys in a module (PKCS#11) or a service (KMS): bytes on its input, the signature on its output',
  },
  'evidence.publicKey': {
    schema: Type.String(),
    wanted: 'the path of a PEM file',
    default: '',
    doc: 'The public key that `evidence.command` signs with',
  },
}
