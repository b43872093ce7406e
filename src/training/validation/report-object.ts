import type { Objects } from '../../platform/objects.ts'
import type { Report } from './report.ts'
import type { Validation } from './store.ts'

/** The report of a validation. Throws `not_found` or `corrupt`. */
export async function readReport(objects: Objects, { report }: Validation): Promise<Report> {
  return JSON.parse(new TextDecoder().decode(await objects.bytes(report))) as Report
}
