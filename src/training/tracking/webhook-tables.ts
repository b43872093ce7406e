import type { Migrations } from '../../platform/database.ts'

export const webhookMigrations: Migrations = {
  slice: 'webhooks',
  steps: {
    '001_webhooks': async db => {
      await db.schema
        .createTable('mlflow_webhooks')
        .addColumn('id', 'text', column => column.primaryKey())
        .addColumn('name', 'text', column => column.notNull())
        .addColumn('url', 'text', column => column.notNull())
        .addColumn('description', 'text')
        .addColumn('events', 'text', column => column.notNull())
        .addColumn('secret', 'text')
        .addColumn('status', 'text', column => column.notNull())
        .addColumn('created_at', 'bigint', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .execute()
    },
  },
}
