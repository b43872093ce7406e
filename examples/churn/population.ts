/** Whom the demo asks about: customers of the simulated bank, or the rows of a file. */

import type { Signature } from '../../src/registry/signature.ts'
import { openRows, preparerOf } from '../../src/serving/predict-rows.ts'
import { customers, features } from './bank.ts'
import { bare, matchColumns } from './match-columns.ts'

export interface Person {
  readonly subject: string
  /** The features, as a JSON object. */
  readonly body: string
  /** Whether they left, where it is known. */
  readonly left?: boolean
  /** The probability with which they were to leave: known in a simulation only. */
  readonly trueProbability?: number
}

export interface Population {
  readonly people: readonly Person[]
  /** Sentences on how the data was understood. */
  readonly notes: readonly string[]
}

/** New customers of the simulated bank, none of whom the model has seen. */
export function simulated(count: number, signature: Signature): Population {
  const source = customers('bank, live, 1')
  const people = Array.from({ length: count }, () => {
    const customer = source.next().value
    return {
      subject: customer.id,
      body: JSON.stringify(features(customer)),
      left: customer.churned,
      trueProbability: customer.trueProbability,
    }
  })
  matchColumns(
    signature.inputs.map(({ name }) => name),
    Object.keys(JSON.parse(people[0]!.body) as object),
  )
  return { people, notes: [] }
}

/** The first rows of a CSV file, its columns matched with the model's features. */
export async function fromFile(path: string, signature: Signature, rowsMax: number): Promise<Population> {
  const source = await openRows(path)
  const names = signature.inputs.map(({ name }) => name)
  const { columns, target, subject } = matchColumns(names, source.header)
  const featureOf = new Map([...columns].map(([feature, column]) => [column, feature]))
  const header = source.header.map(column => featureOf.get(column) ?? column)
  const prepare = preparerOf({ ...source, header }, signature)
  const at = (column: string | undefined): number => (column === undefined ? -1 : source.header.indexOf(column))
  const [targetAt, subjectAt] = [at(target), at(subject)]
  const people: Person[] = []
  let skipped = 0
  for await (const row of source.rows) {
    if (people.length >= rowsMax) break
    const prepared = prepare(row)
    if ('fault' in prepared) {
      skipped++
      continue
    }
    const left = truthOf(row.cells[targetAt])
    const person = { subject: row.cells[subjectAt] ?? `row-${row.line}`, body: prepared.json }
    people.push(left === undefined ? person : { ...person, left })
  }
  return { people, notes: notesOf(columns, target, skipped) }
}

function truthOf(cell: string | undefined): boolean | undefined {
  const text = (cell ?? '').trim().toLowerCase()
  if (['1', '1.0', 'true', 'yes'].includes(text)) return true
  return ['0', '0.0', 'false', 'no'].includes(text) ? false : undefined
}

function notesOf(columns: ReadonlyMap<string, string>, target: string | undefined, skipped: number): readonly string[] {
  const renamed = [...columns].filter(([feature, column]) => feature !== column)
  const byMeaning = renamed.filter(([feature, column]) => bare(feature) !== bare(column))
  return [
    renamed.length === 0
      ? 'Every feature has a column of its name'
      : `Columns read as features: ${renamed.map(([feature, column]) => `${column} → ${feature}`).join(', ')}`,
    ...(byMeaning.length > 0 ? [`By meaning, not by name: ${byMeaning.map(([, column]) => column).join(', ')}`] : []),
    target === undefined ? 'No column tells what happened' : `${target} tells what happened`,
    ...(skipped > 0 ? [`${skipped} rows have another number of cells than the header: left out`] : []),
  ]
}
