import type { Watches } from '../drift/open-watches.ts'
import { driftSigns } from '../drift/signs.ts'
import type { Feedback } from '../feedback/feedback.ts'
import type { ModelSigns } from './overview.ts'

/** What is known of a version in memory. */
export function signsOf(
  { service, drift, targetsOf }: Watches,
  { signs }: Feedback,
): (model: string, version: string) => ModelSigns {
  return (model, version) => ({
    service: service.recent(model, version, targetsOf(model, version)),
    drift: driftSigns(drift.state(model, version)),
    quality: signs(model, version),
  })
}
