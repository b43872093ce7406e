/** Who was answered by a version, how often and when last. Runs in the engine process; a scan of three columns, and of nothing else. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CallersQuestion, VersionCaller } from './caller-question.ts'
import type { Catalogue } from './catalogue.ts'
import { parseRecord } from './columns.ts'
import { type Duck, eachChunk } from './duck.ts'
import { matches, mayHold, needles, sqlCondition } from './filter.ts'
import { readJournalFile } from './journal-files.ts'
import { parquetSource } from './parquet.ts'
import { literal } from './sql-text.ts'
import { readFragments } from './vectors.ts'

const FILES_AT_ONCE_MAX = 256

/** @returns those who called last first. */
export async function callersOf(duck: Duck, catalogue: Catalogue, question: CallersQuestion): Promise<VersionCaller[]> {
  const { snapshot, model, version, since, until } = question
  const filter = { kind: 'prediction', model, version, since, until }
  const found = new Map<string, VersionCaller>()
  const add = (actor: string, calls: number, rows: number, lastAt: number): void => {
    const there = found.get(actor) ?? { calls: 0, rows: 0, lastAt: 0 }
    const latest = Math.max(there.lastAt, lastAt)
    found.set(actor, { actor, calls: there.calls + calls, rows: there.rows + rows, lastAt: latest })
  }
  const manifests = await catalogue.first(snapshot.segments)
  const paths = manifests.flatMap(({ files }) =>
    files.filter(file => mayHold(file, filter)).map(({ path }) => `${catalogue.folder}/${path}`),
  )
  const where = `${sqlCondition({ since, until })} AND version = ${literal(version)}`
  const counted = 'count(*) FILTER (batch_row IS NULL)::DOUBLE, count(*)::DOUBLE, max(epoch_ms(recorded_at))::DOUBLE'
  for (let from = 0; from < paths.length; from += FILES_AT_ONCE_MAX) {
    const source = parquetSource(paths.slice(from, from + FILES_AT_ONCE_MAX))
    const sql = `SELECT actor, ${counted} FROM ${source} WHERE ${where} AND actor IS NOT NULL GROUP BY actor`
    await duck.use(connection =>
      eachChunk(connection, sql, (chunk, rows) => {
        const actor = readFragments(chunk, 0, 'text', rows)
        const [calls, all, last] = [1, 2, 3].map(index => readFragments(chunk, index, 'number', rows))
        for (let row = 0; row < rows; row++) {
          add(JSON.parse(actor(row)) as string, Number(calls!(row)), Number(all!(row)), Number(last!(row)))
        }
        return undefined
      }),
    )
  }
  const wanted = needles(filter).map(needle => Buffer.from(needle))
  for (const file of snapshot.journal) {
    for (const lines of readJournalFile(file)) {
      for (const line of lines) {
        if (!wanted.every(needle => line.includes(needle))) continue
        const record = parseRecord(line.toString())
        if (record === undefined || !matches(record, filter)) continue
        add(String(record['actor']), record['row'] === undefined ? 1 : 0, 1, Number(record['at']))
      }
      await nextTurn()
    }
  }
  return [...found.values()].sort((a, b) => b.lastAt - a.lastAt || (a.actor < b.actor ? -1 : 1))
}
