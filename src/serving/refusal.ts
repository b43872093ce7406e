/** What is recorded of an invocation that was not answered. */
import type { Problem } from '../errors.ts'
import type { Refusal } from '../ledger/refusals.ts'
import type { Journey } from './journey.ts'

/** Who called, where nobody could tell. */
const UNKNOWN_ACTOR = 'unknown'

/** What the ledger keeps of an invocation that was not answered. */
export function refusalOf(journey: Journey, problem: Problem): Refusal {
  const { at, actor, source, door, requestId, model, version, trace } = journey
  const fields = knownFields(journey, problem)
  return {
    at,
    actor: actor?.id ?? UNKNOWN_ACTOR,
    ...(source === '' ? {} : { source }),
    door,
    code: problem.code,
    status: problem.status,
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
    requestId,
    ...(trace === undefined ? {} : { traceId: trace.traceId }),
    ...(fields.length === 0 ? {} : { fields }),
  }
}

/** The wrong fields that the signature knows, sorted; `[3].age` is `age`. */
function knownFields({ lane }: Journey, { fields }: Problem): string[] {
  if (lane === undefined || fields.length === 0) return []
  const known = new Set(lane.model.version.signature.inputs.map(({ name }) => name))
  const named = fields.map(({ field }) => field.replace(/^\[\d+\]\./, ''))
  return [...new Set(named)].filter(name => known.has(name)).sort()
}
