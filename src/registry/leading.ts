/** Who may be champion without more ado. */
import type { ModelVersion } from './version.ts'

/** The alias that answers for a model; the first version of a model gets it where it may. */
export const CHAMPION = 'champion'

/** Versions that need a passed validation to become champion: those whose model.yaml says so, all, or none. */
export type LeadPolicy = 'declared' | 'always' | 'never'

/** Whether a version must have passed a validation before it is champion. */
export function needsValidation(policy: LeadPolicy, { validation }: Pick<ModelVersion, 'validation'>): boolean {
  if (policy === 'declared') return validation !== undefined && validation.required !== false
  return policy === 'always'
}

/** Whether a version may not be champion without more ado: it must be validated, or people must approve of it. */
export function isHeld(policy: LeadPolicy, version: Pick<ModelVersion, 'validation' | 'approvals'>): boolean {
  return needsValidation(policy, version) || (version.approvals ?? 0) > 0
}
