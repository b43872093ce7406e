/** The verdict of a validation as an in-toto predicate: what others read who do not know our report. */
import type { Check, Report } from './report.ts'

/** https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md */
export const TEST_RESULT = 'https://in-toto.io/attestation/test-result/v0.1'

interface ResourceDescriptor {
  readonly name: string
  readonly digest: { readonly sha256: string }
}

export interface TestResult {
  readonly result: 'PASSED' | 'WARNED' | 'FAILED'
  /** What the verdict rests on: the data, the opponent, and our whole report. */
  readonly configuration: readonly ResourceDescriptor[]
  readonly passedTests: readonly string[]
  readonly warnedTests: readonly string[]
  readonly failedTests: readonly string[]
}

/** @param sha256 of the report in canonical JSON. */
export function testResult(report: Report, sha256: string): TestResult {
  const { checks, counts, passed, evaluation, reference, comparison } = report
  const named = (status: Check['status']): string[] =>
    checks.filter(check => check.status === status).map(({ name }) => name)
  return {
    result: !passed ? 'FAILED' : counts.warned > 0 ? 'WARNED' : 'PASSED',
    configuration: [
      { name: 'report', digest: { sha256 } },
      { name: 'evaluation data', digest: { sha256: evaluation.sha256 } },
      ...(reference === undefined ? [] : [{ name: 'reference data', digest: { sha256: reference.sha256 } }]),
      ...(comparison === undefined ? [] : [{ name: comparison.against, digest: { sha256: comparison.artifact } }]),
    ],
    passedTests: named('passed'),
    warnedTests: named('warned'),
    failedTests: named('failed'),
  }
}
