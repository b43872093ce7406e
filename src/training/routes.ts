import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Objects } from '../platform/objects.ts'
import type { Evidence } from '../registry/evidence/evidence.ts'
import type { LeadPolicy } from '../registry/leading.ts'
import type { Registry } from '../registry/registry.ts'
import type { AnyRoute } from '../route.ts'
import { jobRoutes } from './jobs/routes.ts'
import { studyRoutes } from './studies/routes.ts'
import { openStudies } from './studies/studies.ts'
import { groupCommit } from './tracking/group-commit.ts'
import { putPlans } from './tracking/planned.ts'
import { trackingRoutes } from './tracking/routes.ts'
import { runViewRoutes } from './tracking/run-view-routes.ts'
import { servableRoutes } from './tracking/servable-routes.ts'
import { validationRoutes } from './validation/routes.ts'
import { openValidations } from './validation/validations.ts'

interface TrainingParts {
  readonly db: Database
  readonly clock: Clock
  readonly ids: Ids
  readonly objects: Objects
  readonly artifactBytesMax: number
  /** Of a whole registration, bytes. */
  readonly bytesMax: number
  readonly leadPolicy: LeadPolicy
  readonly registry: Registry
  readonly evidence: Evidence
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

/** What is done before a model is registered: it is searched for, and what was tried is kept track of. */
export function trainingRoutes({ recorded, ...parts }: TrainingParts): AnyRoute[] {
  const tracking = { ...parts, ...groupCommit(parts.db, putPlans) }
  return [
    ...studyRoutes({ studies: openStudies(parts), recorded }),
    ...trackingRoutes({ ...tracking, recorded }),
    ...runViewRoutes(tracking),
    ...servableRoutes({ ...parts, recorded }),
    ...jobRoutes({ ...parts, recorded }),
    ...validationRoutes({ ...parts, validations: openValidations(parts), recorded }),
  ]
}
