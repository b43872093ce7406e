/** A registry of thousands, made of one registered model: its rows again under other names, in a data folder that nobody has open. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export function multipliedName(index: number): string {
  return `model-${String(index).padStart(5, '0')}`
}

/** Adds `model-00001` to `model-0count`, each with the versions, files and aliases of `model`. */
export function multiplyModel(data: string, model: string, count: number): void {
  const database = new DatabaseSync(join(data, 'metadata.sqlite'))
  const numbered = 'with recursive numbered(i) as (select 1 union all select i + 1 from numbered where i < ?)'
  const name = `printf('model-%05d', i)`
  // As versions that were registered before there were signatures: nobody signed these.
  const run = (sql: string): void => void database.prepare(`${sql}`).run(count, model)
  database.exec('begin immediate')
  run(
    `${numbered} insert into models (name, folded, created_at) select ${name}, ${name}, created_at from models, numbered where name = ?`,
  )
  run(
    `${numbered} insert into versions (model, version, digest, body, revision) select ${name}, version, digest, json_set(json_remove(body, '$.evidence'), '$.model', ${name}), (select value from registry_revision) + i from versions, numbered where model = ?`,
  )
  run(
    `${numbered} insert into aliases (model, alias, version, moved_at, moved_by, revision) select ${name}, alias, version, moved_at, moved_by, (select value from registry_revision) + i from aliases, numbered where model = ?`,
  )
  database.prepare('update registry_revision set value = value + ?').run(count)
  database.exec('commit')
  database.close()
}
