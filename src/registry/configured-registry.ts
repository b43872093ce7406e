import type { Config } from '../platform/config.ts'
import type { Evidence } from './evidence/evidence.ts'
import { configuredEvidence } from './evidence/open-evidence.ts'
import { holdForApproval, parseApprovals } from './lifecycle/approvals.ts'
import { openRegistry, type Registry, type RegistryParts } from './registry.ts'

type World = Parameters<typeof configuredEvidence>[0] & Pick<RegistryParts, 'log'> & { readonly config: Config }

/** The registry and what is signed of its versions, by the configuration. */
export async function configuredRegistry(
  world: World,
  parts: Pick<RegistryParts, 'objects' | 'runtimes'>,
): Promise<{ readonly registry: Registry; readonly evidence: Evidence }> {
  const { limits, python, validation, versions } = world.config
  const evidence = configuredEvidence(world)
  const told = {
    limits,
    pythonCommand: python.command,
    leadPolicy: validation.champion,
    versionRule: versions.breaking,
  }
  const approvalsOf = parseApprovals(versions.approvals)
  const registry = await openRegistry({ ...world, ...told, ...parts, evidence, approvalsOf })
  holdForApproval({ db: world.db, registry, evidence, approvalsOf })
  return { registry, evidence }
}
