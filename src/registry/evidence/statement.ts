/**
 * What is said of a version, as in-toto statements (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md): a subject, named
 * by its digest, and a predicate of a type that its readers know.
 */

export interface Subject {
  readonly name: string
  readonly digest: Readonly<Record<string, string>>
}

export interface Statement {
  readonly _type: typeof STATEMENT
  readonly subject: readonly Subject[]
  readonly predicateType: string
  readonly predicate: object
}

export const STATEMENT = 'https://in-toto.io/Statement/v1'
/** OpenSSF Model Signing, version 1. */
export const SIGNATURE = 'https://model_signing/signature/v1.0'
/** Where it came from: https://slsa.dev/spec/v1.0/provenance */
export const PROVENANCE = 'https://slsa.dev/provenance/v1'
/** The kind of provenance that registering says; `externalParameters.record` is the SHA-256 of all that is kept of the version. */
export const REGISTRATION = 'urn:bellwether:registration:1'
/** What was measured on the evaluation data at registration. */
export const MEASUREMENT = 'urn:bellwether:measurement:1'
/** The verdict of a gate: https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md */
export const TEST_RESULT = 'https://in-toto.io/attestation/test-result/v0.1'
/** That somebody answers for it. */
export const APPROVAL = 'urn:bellwether:approval:1'

/** What the configuration may ask for, by the word that it uses. */
export const REQUIRABLE: Readonly<Record<string, string>> = {
  signature: SIGNATURE,
  provenance: PROVENANCE,
  measurement: MEASUREMENT,
  validation: TEST_RESULT,
  approval: APPROVAL,
}

/** The word for a type of predicate, or the type itself. */
export function wordOf(predicateType: string): string {
  return Object.keys(REQUIRABLE).find(word => REQUIRABLE[word] === predicateType) ?? predicateType
}

export function statementOf(subject: Subject, predicateType: string, predicate: object): Statement {
  return { _type: STATEMENT, subject: [subject], predicateType, predicate }
}

/** Whether a parsed JSON value is one. */
export function isStatement(value: unknown): value is Statement {
  if (!isObject(value)) return false
  const { _type, subject, predicateType, predicate } = value
  return (
    _type === STATEMENT &&
    typeof predicateType === 'string' &&
    isObject(predicate) &&
    Array.isArray(subject) &&
    subject.length > 0 &&
    subject.every(
      each =>
        isObject(each) &&
        isObject(each['digest']) &&
        Object.values(each['digest']).every(digest => typeof digest === 'string'),
    )
  )
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
