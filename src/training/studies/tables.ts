import type { Migrations } from '../../platform/database.ts'

export interface StudiesRow {
  readonly id: string
  readonly name: string
  /** JSON of `GivenStudy`, and of the seed. */
  readonly given: string
  readonly seed: number
  readonly created_at: number
  readonly created_by: string
  /** Trials made so far: the number of the next one. */
  readonly trials: number
  /** Counts the changes. Who changes the study updates it first, and so waits for those before. */
  readonly revision: number
}

export type TrialState = 'waiting' | 'running' | 'complete' | 'pruned' | 'failed'

export interface TrialsRow {
  readonly study: string
  readonly number: number
  readonly state: TrialState
  /** JSON of `Settings`. */
  readonly params: string
  /** JSON of what the sampler wants to know of it later; null where that is nothing. */
  readonly trace: string | null
  /** JSON of the objectives' values in their order, those that are not finite as texts; null while there are none. */
  readonly outcome: string | null
  /** How often it was begun. */
  readonly attempt: number
  readonly worker: string | null
  /** Until when its worker need not be heard of; null while nobody works on it. */
  readonly lease_until: number | null
  /** The highest step reported by this attempt, and what was reported, as text. */
  readonly last_step: number | null
  readonly last_value: string | null
  readonly error: string | null
  readonly created_at: number
  readonly started_at: number | null
  readonly finished_at: number | null
  /** That of the study when the trial changed its state last. */
  readonly revision: number
}

export interface ReportsRow {
  readonly study: string
  readonly number: number
  readonly attempt: number
  readonly step: number
  /** A number as JavaScript writes it: both databases keep it to the last digit, and NaN and infinities too. */
  readonly value: string
}

export interface RungsRow {
  readonly study: string
  readonly bracket: number
  readonly rung: number
  readonly number: number
  readonly value: string
}

export interface StudyTables {
  readonly studies: StudiesRow
  readonly study_trials: TrialsRow
  readonly study_reports: ReportsRow
  readonly study_rungs: RungsRow
}

export const studyMigrations: Migrations = {
  slice: 'studies',
  steps: {
    '001_studies': async db => {
      await db.schema
        .createTable('studies')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('name', 'text', column => column.notNull().unique())
        .addColumn('given', 'text', column => column.notNull())
        .addColumn('seed', 'bigint', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('created_by', 'text', column => column.notNull())
        .addColumn('trials', 'integer', column => column.notNull())
        .addColumn('revision', 'bigint', column => column.notNull())
        .execute()
      await db.schema
        .createTable('study_trials')
        .addColumn('study', 'text', column => column.notNull())
        .addColumn('number', 'integer', column => column.notNull())
        .addColumn('state', 'text', column => column.notNull())
        .addColumn('params', 'text', column => column.notNull())
        .addColumn('trace', 'text')
        .addColumn('outcome', 'text')
        .addColumn('attempt', 'integer', column => column.notNull())
        .addColumn('worker', 'text')
        .addColumn('lease_until', 'bigint')
        .addColumn('last_step', 'bigint')
        .addColumn('last_value', 'text')
        .addColumn('error', 'text')
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('started_at', 'bigint')
        .addColumn('finished_at', 'bigint')
        .addColumn('revision', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('study_trials_key', ['study', 'number'])
        .execute()
      await db.schema.createIndex('study_trials_revision').on('study_trials').columns(['study', 'revision']).execute()
      // Of the trials that somebody works on or shall work on: few, however many there were.
      await db.schema
        .createIndex('study_trials_open')
        .on('study_trials')
        .columns(['study', 'state', 'lease_until'])
        .where('finished_at' as never, 'is', null)
        .execute()
      await db.schema
        .createTable('study_reports')
        .addColumn('study', 'text', column => column.notNull())
        .addColumn('number', 'integer', column => column.notNull())
        .addColumn('attempt', 'integer', column => column.notNull())
        .addColumn('step', 'bigint', column => column.notNull())
        .addColumn('value', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('study_reports_key', ['study', 'number', 'attempt', 'step'])
        .execute()
      await db.schema.createIndex('study_reports_step').on('study_reports').columns(['study', 'step']).execute()
      await db.schema
        .createTable('study_rungs')
        .addColumn('study', 'text', column => column.notNull())
        .addColumn('bracket', 'integer', column => column.notNull())
        .addColumn('rung', 'integer', column => column.notNull())
        .addColumn('number', 'integer', column => column.notNull())
        .addColumn('value', 'text', column => column.notNull())
        .addPrimaryKeyConstraint('study_rungs_key', ['study', 'bracket', 'rung', 'number'])
        .execute()
    },
  },
}
