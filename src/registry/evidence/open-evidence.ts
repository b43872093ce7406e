/** Evidence by the configuration: whose keys are believed, what is required, who signs. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../errors.ts'
import type { Config } from '../../platform/config.ts'
import { PROGRAM_VERSION } from '../../platform/program.ts'
import { publicKeyOf } from './bundle.ts'
import { type Evidence, type EvidenceParts, openEvidence } from './evidence.ts'
import { type EvidencePolicy, requiredTypes } from './requirements.ts'

export function configuredEvidence(
  parts: Omit<EvidenceParts, 'policy' | 'programVersion' | 'command'> & { readonly config: Pick<Config, 'evidence'> },
): Evidence {
  const { evidence } = parts.config
  const policy = policyOf(evidence)
  return openEvidence({ ...parts, policy, command: commandOf(evidence), programVersion: PROGRAM_VERSION })
}

function policyOf({ required, trustedKeys }: Config['evidence']): EvidencePolicy {
  const keys = new Map<string, string>()
  const roots: string[] = []
  for (const path of trustedKeys === '' ? [] : pemFiles(trustedKeys)) {
    const text = readFileSync(path, 'utf8')
    if (/PRIVATE KEY/.test(text)) {
      throw new Problem(
        'misconfigured',
        `Cannot use ${path} (evidence.trustedKeys): it is a private key, wanted public ones`,
      )
    }
    if (/BEGIN CERTIFICATE/.test(text)) {
      roots.push(...(text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []))
      continue
    }
    try {
      const { keyId, pem } = publicKeyOf(text)
      keys.set(keyId, pem)
    } catch (cause) {
      const why = (cause as Error).message
      throw new Problem('misconfigured', `Cannot use ${path} (evidence.trustedKeys): ${why}`, { cause })
    }
  }
  return { required: requiredTypes(required), keys, roots }
}

function pemFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(name => /\.(?:pem|pub|crt|cer)$/i.test(name))
      .sort()
      .map(name => join(folder, name))
  } catch (cause) {
    throw new Problem(
      'misconfigured',
      `Cannot read the folder ${folder} (evidence.trustedKeys): ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}

function commandOf({ command, publicKey }: Config['evidence']): EvidenceParts['command'] {
  if (command === '') return undefined
  if (publicKey === '') {
    throw new Problem(
      'misconfigured',
      'Cannot sign with evidence.command: evidence.publicKey is missing, the key that it signs with',
    )
  }
  try {
    return { run: command, publicKey: readFileSync(publicKey, 'utf8') }
  } catch (cause) {
    throw new Problem('misconfigured', `Cannot read ${publicKey} (evidence.publicKey): ${(cause as Error).message}`, {
      cause,
    })
  }
}
