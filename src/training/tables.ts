import type { Migrations } from '../platform/database.ts'
import { studyMigrations } from './studies/tables.ts'
import { trackingMigrations } from './tracking/tables.ts'
import { webhookMigrations } from './tracking/webhook-tables.ts'
import { validationMigrations } from './validation/tables.ts'

export const trainingMigrations: readonly Migrations[] = [
  studyMigrations,
  trackingMigrations,
  webhookMigrations,
  validationMigrations,
]
