/**
 * The customers of a file, for the demo. Where the file tells countries, those of one of them arrive last, and the model is
 * registered with a part of the others as its reference: so the demo shows on real data whether a change of the world is seen.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Signature } from '../../src/registry/signature.ts'
import { openRows, preparerOf, type RowSource, type SourceRow } from './file-rows.ts'
import { bare, type MatchedColumns, matchColumns } from './match-columns.ts'
import type { Arrival, Person, Population } from './population.ts'
import { seededRandom } from './random.ts'

/** A file that was read, and who of it comes when. */
export interface FilePlan extends MatchedColumns {
  readonly source: RowSource
  /** Rows that the model is said to have been made from. */
  readonly reference: readonly SourceRow[]
  readonly live: readonly SourceRow[]
  readonly arrival: Arrival | undefined
}

export interface PlanOptions {
  readonly rowsMax: number
  /** Keeps half of the rows from before the arrival as reference. */
  readonly withReference: boolean
  /** Who arrives last: a value of the country column. Default: Germany if there is one, else the rarest country. */
  readonly arrives?: string | undefined
  /** Of the order in which people come. */
  readonly seed: string
}

const COUNTRY_COLUMNS = ['geography', 'country']
const COUNTRIES_MAX = 50
const ARRIVES_DEFAULT = 'Germany'
const TARGET = 'happened'
/** What `writeManifest` writes. */
export const MANIFEST = 'model.yaml'

/** @param features names of the model's features. */
export async function planOf(path: string, features: readonly string[], options: PlanOptions): Promise<FilePlan> {
  const source = await openRows(path)
  const matched = matchColumns(features, source.header)
  const rows: SourceRow[] = []
  for await (const row of source.rows) if (rows.length < options.rowsMax) rows.push(row)
  const { home, newcomers, place } = divided(rows, source.header, options.arrives)
  const random = seededRandom(options.seed)
  shuffle(home, random.uniform)
  shuffle(newcomers, random.uniform)
  const kept = options.withReference ? Math.floor(home.length / 2) : 0
  const arrival = place === undefined ? undefined : { place, at: home.length - kept }
  return { ...matched, source, reference: home.slice(0, kept), live: [...home.slice(kept), ...newcomers], arrival }
}

/** Writes what `bellwether register` takes for a bare model file: a model.yaml and its reference data, in the demo's folder. */
export function writeManifest(folder: string, artifact: string, plan: FilePlan, name: string, version: string): string {
  const names = [...plan.columns.keys()]
  const at = names.map(feature => plan.source.header.indexOf(plan.columns.get(feature)!))
  const targetAt = plan.target === undefined ? -1 : plan.source.header.indexOf(plan.target)
  const header = targetAt === -1 ? names : [...names, TARGET]
  const lines = plan.reference
    .filter(({ cells }) => cells.length === plan.source.header.length)
    .map(({ cells }) => [...at, ...(targetAt === -1 ? [] : [targetAt])].map(index => cellText(cells[index]!)).join(','))
  writeFileSync(join(folder, 'reference.csv'), `${[header.map(cellText).join(','), ...lines].join('\n')}\n`)
  const manifest = { name, version, artifact, reference: 'reference.csv', ...(targetAt !== -1 && { target: TARGET }) }
  const path = join(folder, MANIFEST)
  writeFileSync(path, `${JSON.stringify(manifest, undefined, 2)}\n`) // JSON is YAML
  return path
}

/** The people of a plan, for a model with this signature. */
export function peopleOf(plan: FilePlan, signature: Signature): Population {
  const { source, columns, target, subject, live } = plan
  const featureOf = new Map([...columns].map(([feature, column]) => [column, feature]))
  const header = source.header.map(column => featureOf.get(column) ?? column)
  const prepare = preparerOf({ ...source, header }, signature)
  const indexOf = (column: string | undefined): number => (column === undefined ? -1 : source.header.indexOf(column))
  const [targetAt, subjectAt] = [indexOf(target), indexOf(subject)]
  const people: Person[] = []
  let skippedBefore = 0
  let skipped = 0
  for (const [index, row] of live.entries()) {
    const prepared = prepare(row)
    if ('fault' in prepared) {
      skipped++
      if (plan.arrival !== undefined && index < plan.arrival.at) skippedBefore++
      continue
    }
    const left = truthOf(row.cells[targetAt])
    const person = { subject: row.cells[subjectAt] ?? `row-${row.line}`, body: prepared.json }
    people.push(left === undefined ? person : { ...person, left })
  }
  const arrival = plan.arrival && { ...plan.arrival, at: plan.arrival.at - skippedBefore }
  return { people, notes: notesOf(plan, skipped), ...(arrival !== undefined && { arrival }) }
}

function divided(
  rows: readonly SourceRow[],
  header: readonly string[],
  arrives: string | undefined,
): { home: SourceRow[]; newcomers: SourceRow[]; place: string | undefined } {
  const at = header.findIndex(column => COUNTRY_COLUMNS.includes(bare(column)))
  const counts = new Map<string, number>()
  if (at !== -1) for (const { cells } of rows) counts.set(cells[at] ?? '', (counts.get(cells[at] ?? '') ?? 0) + 1)
  if (counts.size < 2 || counts.size > COUNTRIES_MAX) return { home: [...rows], newcomers: [], place: undefined }
  const rarest = [...counts].reduce((few, next) => (next[1] < few[1] ? next : few))[0]
  const place = arrives ?? (counts.has(ARRIVES_DEFAULT) ? ARRIVES_DEFAULT : rarest)
  const isNew = ({ cells }: SourceRow): boolean => cells[at] === place
  return { home: rows.filter(row => !isNew(row)), newcomers: rows.filter(isNew), place }
}

/** Fisher and Yates. */
function shuffle(rows: SourceRow[], uniform: () => number): void {
  for (let last = rows.length - 1; last > 0; last--) {
    const other = Math.floor(uniform() * (last + 1))
    const row = rows[last]!
    rows[last] = rows[other]!
    rows[other] = row
  }
}

function cellText(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

function truthOf(cell: string | undefined): boolean | undefined {
  const text = (cell ?? '').trim().toLowerCase()
  if (['1', '1.0', 'true', 'yes'].includes(text)) return true
  return ['0', '0.0', 'false', 'no'].includes(text) ? false : undefined
}

function notesOf({ columns, target, arrival, reference }: FilePlan, skipped: number): readonly string[] {
  const renamed = [...columns].filter(([feature, column]) => feature !== column)
  const byMeaning = renamed.filter(([feature, column]) => bare(feature) !== bare(column))
  return [
    renamed.length === 0
      ? 'Every feature has a column of its name'
      : `Columns read as features: ${renamed.map(([feature, column]) => `${column} → ${feature}`).join(', ')}`,
    ...(byMeaning.length > 0 ? [`By meaning, not by name: ${byMeaning.map(([, column]) => column).join(', ')}`] : []),
    target === undefined ? 'No column tells what happened' : `${target} tells what happened`,
    ...(arrival === undefined ? [] : [`Customers of ${arrival.place} come last`]),
    ...(reference.length > 0
      ? [`${reference.length} rows from before are the reference, and are not asked about`]
      : []),
    ...(skipped > 0 ? [`${skipped} rows have another number of cells than the header: left out`] : []),
  ]
}
