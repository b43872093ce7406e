import type { Migrations } from '../../platform/database.ts'

export interface WebhookRow {
  readonly id: string
  readonly name: string
  readonly url: string
  /** Patterns of actions, each between commas: `,alias:*,key:revoked,`. */
  readonly actions: string
  /** What messages are signed with, sealed; base64. */
  readonly secret: string
  readonly created_at: number
  readonly created_by: string
}

export interface WebhookTables {
  readonly change_webhooks: WebhookRow
}

export const changeWebhookMigrations: Migrations = {
  slice: 'change-webhooks',
  steps: {
    '001_webhooks': async ({ schema }) => {
      await schema
        .createTable('change_webhooks')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('name', 'text', column => column.notNull().unique())
        .addColumn('url', 'text', column => column.notNull())
        .addColumn('actions', 'text', column => column.notNull())
        .addColumn('secret', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('created_by', 'text', column => column.notNull())
        .execute()
    },
  },
}
