/** What a model may be used for, as its registration says; fixed before deployment. */
import { Problem } from '../errors.ts'
import type { Uses } from '../registry/version.ts'

/**
 * Why a request with this purpose may not be answered, if it may not. A prohibited purpose never; one that is not in a
 * non-empty list of permitted ones neither. Without a purpose a request is answered, unless the model requires one.
 */
export function permitUse(uses: Uses, purpose: string | undefined): Problem | undefined {
  if (purpose === undefined) {
    if (!uses.required) return undefined
    return refused('a purpose is required for this model, and none was given', 'is missing')
  }
  if (uses.prohibited.includes(purpose)) {
    return refused(
      `the purpose ${JSON.stringify(purpose)} is prohibited for this model`,
      'is prohibited for this model',
    )
  }
  if (uses.permitted.length > 0 && !uses.permitted.includes(purpose)) {
    const wanted = `wanted one of ${uses.permitted.join(', ')}`
    return refused(
      `the purpose ${JSON.stringify(purpose)} is not permitted for this model, ${wanted}`,
      `is not permitted, ${wanted}`,
    )
  }
  return undefined
}

function refused(detail: string, problem: string): Problem {
  return new Problem('forbidden', `Cannot predict: ${detail}`, { fields: [{ field: 'Bellwether-Purpose', problem }] })
}
