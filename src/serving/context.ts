/** What a caller says about a call beside the features: headers, checked, and free of raw identities once read. */
import { Problem } from '../errors.ts'
import type { Pseudonyms } from '../ledger/pseudonyms.ts'
import type { TraceContext } from '../platform/trace-context.ts'
import type { InvocationRequest } from '../route.ts'

export interface CallContext {
  /** Keyed pseudonym of the subject. */
  readonly subject: string | undefined
  /** Keyed pseudonym of what an experiment divides traffic by. */
  readonly unit: string | undefined
  readonly purpose: string | undefined
  /** W3C Trace Context. */
  readonly traceId: string | undefined
  /** The trace is kept: what points to it leads somewhere. */
  readonly isSampled: boolean
  /** What moved the answer is to be told with it. */
  readonly explain: boolean
}

const ID_CHARACTERS_MAX = 256
const PURPOSE = /^[\w.:/-]{1,128}$/

/**
 * @param query of the address, if it has one.
 * @param trace that the call belongs to. Throws `invalid` naming each header that cannot be used.
 */
export function readContext(
  headers: InvocationRequest['headers'],
  pseudonyms: Pseudonyms,
  query?: URLSearchParams,
  trace?: TraceContext,
): CallContext {
  const subject = headers['bellwether-subject']
  const unit = headers['bellwether-unit']
  const purpose = headers['bellwether-purpose']
  const explain = headers['bellwether-explain'] ?? query?.get('explain') ?? undefined
  if (!isId(subject) || !isId(unit) || !isPurpose(purpose) || !isFlag(explain))
    throw contextProblem(subject, unit, purpose, explain)
  return {
    subject: subject === undefined ? undefined : pseudonyms.subject(subject),
    unit: unit === undefined ? undefined : pseudonyms.unit(unit),
    purpose,
    traceId: trace?.traceId,
    isSampled: trace?.isSampled ?? false,
    explain: explain === 'true',
  }
}

type Header = string | string[] | undefined

function isId(value: Header): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length > 0 && value.length <= ID_CHARACTERS_MAX)
}

function isPurpose(value: Header): value is string | undefined {
  return value === undefined || (typeof value === 'string' && PURPOSE.test(value))
}

function isFlag(value: Header): boolean {
  return value === undefined || value === 'true' || value === 'false'
}

function contextProblem(subject: Header, unit: Header, purpose: Header, explain: Header): Problem {
  const wrongId = `is not one text of 1 to ${ID_CHARACTERS_MAX} characters`
  const fields = [
    ...(isId(subject) ? [] : [{ field: 'Bellwether-Subject', problem: wrongId }]),
    ...(isId(unit) ? [] : [{ field: 'Bellwether-Unit', problem: wrongId }]),
    ...(isFlag(explain) ? [] : [{ field: 'Bellwether-Explain', problem: 'is neither true nor false' }]),
    ...(isPurpose(purpose)
      ? []
      : [{ field: 'Bellwether-Purpose', problem: 'is not 1 to 128 letters, digits and the characters _ . : / -' }]),
  ]
  const first = fields[0]!
  return new Problem('invalid', `Cannot read the headers: ${first.field} ${first.problem}`, { fields })
}
