/** What a caller says about a call beside the features: headers, checked, and free of raw identities once read. */
import { Problem } from '../errors.ts'
import type { Pseudonyms } from '../ledger/pseudonyms.ts'
import type { InvocationRequest } from '../route.ts'

export interface CallContext {
  /** Keyed pseudonym of the subject. */
  readonly subject: string | undefined
  /** Keyed pseudonym of what an experiment divides traffic by. */
  readonly unit: string | undefined
  readonly purpose: string | undefined
  /** W3C Trace Context. */
  readonly traceId: string | undefined
  /** The trace is kept by whoever began it, as its flags say: what points to it leads somewhere. */
  readonly isSampled: boolean
  /** What moved the answer is to be told with it. */
  readonly explain: boolean
}

const ID_CHARACTERS_MAX = 256
const PURPOSE = /^[\w.:/-]{1,128}$/
/**
 * https://www.w3.org/TR/trace-context/#traceparent-header-field-values. Version 00 ends after the flags; what a later
 * version adds has to begin with a dash, and ff is none.
 */
const TRACEPARENT =
  /^(?!ff)(?!00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]([0-9a-f])(?:-|$)/

/** @param query of the address, if it has one. Throws `invalid` naming each header that cannot be used. A `traceparent` that is none is ignored, as its standard asks. */
export function readContext(
  headers: InvocationRequest['headers'],
  pseudonyms: Pseudonyms,
  query?: URLSearchParams,
): CallContext {
  const subject = headers['bellwether-subject']
  const unit = headers['bellwether-unit']
  const purpose = headers['bellwether-purpose']
  const traceparent = headers['traceparent']
  const explain = headers['bellwether-explain'] ?? query?.get('explain') ?? undefined
  if (!isId(subject) || !isId(unit) || !isPurpose(purpose) || !isFlag(explain))
    throw contextProblem(subject, unit, purpose, explain)
  const trace = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null
  return {
    subject: subject === undefined ? undefined : pseudonyms.subject(subject),
    unit: unit === undefined ? undefined : pseudonyms.unit(unit),
    purpose,
    traceId: trace?.[1],
    isSampled: trace !== null && (Number.parseInt(trace[2]!, 16) & 1) === 1,
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
