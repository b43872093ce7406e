/** Holds the alias `champion`: it goes to no version that did not pass what it must. */
import { Problem } from '../../errors.ts'
import type { Objects } from '../../platform/objects.ts'
import { CHAMPION, type LeadPolicy, needsValidation } from '../../registry/leading.ts'
import { type AliasMove, type Registry, versionIn } from '../../registry/registry.ts'
import { readReport } from './report-object.ts'
import type { Validation, ValidationStore } from './store.ts'

export interface HoldParts {
  readonly objects: Objects
  readonly registry: Registry
  readonly store: Pick<ValidationStore, 'list'>
  readonly leadPolicy: LeadPolicy
}

const TOLD_MAX = 3

/** Returns how to let go. */
export function holdChampion(parts: HoldParts): () => void {
  return parts.registry.beforeMove(move => requireFit(parts, move))
}

async function requireFit({ registry, objects, store, leadPolicy }: HoldParts, move: AliasMove): Promise<void> {
  const { model, alias, from, to } = move
  if (alias !== CHAMPION || !needsValidation(leadPolicy, versionIn(registry.catalogue, model, to))) return
  const refuse = (why: string): Problem =>
    new Problem('conflict', `Cannot make ${model}@${to} the champion: ${why}; run: bellwether validate ${model}@${to}`)
  const [latest] = await store.list(model, to, 1)
  if (latest === undefined) throw refuse('it has no validation')
  if (!latest.passed) throw refuse(`its validation failed: ${await failures(objects, latest)}`)
  if (from === undefined || latest.against === `${model}@${from}` || (await isStepBack(store, move))) return
  const compared = latest.against === undefined ? 'with none' : `with ${latest.against}`
  throw refuse(`it was compared ${compared}, and the champion is ${model}@${from}`)
}

/** Back to the version that the champion was compared with when it took the place: a way back must not wait for data. */
async function isStepBack(store: HoldParts['store'], { model, from, to }: AliasMove): Promise<boolean> {
  if (from === undefined) return false
  const made = await store.list(model, from, 100)
  return made.some(({ passed, against }) => passed && against === `${model}@${to}`)
}

async function failures(objects: Objects, latest: Validation): Promise<string> {
  const { checks } = await readReport(objects, latest)
  const failed = checks.filter(({ status }) => status === 'failed').map(({ says }) => says)
  const more = failed.length > TOLD_MAX ? `; and ${failed.length - TOLD_MAX} more` : ''
  return `${failed.slice(0, TOLD_MAX).join('; ')}${more}`
}
