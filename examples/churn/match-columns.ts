/** Finds the features of a model among the columns of a file that somebody else named. */
import { type FieldProblem, Problem } from '../../src/errors.ts'

/**
 * Names that mean the same, written without case and separators. Each line begins with the name that this example's model
 * uses; any name of a line is found under any other.
 */
export const SYNONYMS: readonly (readonly string[])[] = [
  ['age', 'ageyears', 'customerage'],
  ['tenure', 'tenureyears', 'yearswithbank'],
  ['balance', 'accountbalance'],
  ['numproducts', 'numofproducts', 'numberofproducts', 'productsnumber', 'products'],
  ['hascrcard', 'hascreditcard', 'creditcard'],
  ['isactivemember', 'activemember', 'isactive', 'active'],
  ['estimatedsalary', 'salary', 'estsalary'],
  ['creditscore', 'score'],
  ['geography', 'country'],
  ['gender', 'sex'],
]

/** What a column that tells the outcome may be called. */
const TARGETS = ['exited', 'churned', 'churn', 'left', 'attrited', 'target', 'label']
const SUBJECTS = ['customerid', 'clientid', 'subject', 'id']

export interface MatchedColumns {
  /** Column of each feature. */
  readonly columns: ReadonlyMap<string, string>
  /** Column of what happened, if the file has one. */
  readonly target: string | undefined
  /** Column that tells customers apart, if the file has one. */
  readonly subject: string | undefined
}

/** A name without case and separators: `Num_Of-Products` and `numOfProducts` are one. */
export function bare(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

/** @throws Problem `invalid` naming the features without a column and the columns without a feature. */
export function matchColumns(features: readonly string[], header: readonly string[]): MatchedColumns {
  const columns = new Map<string, string>()
  for (const feature of features) {
    const column = columnOf(feature, header)
    if (column !== undefined) columns.set(feature, column)
  }
  const missing = features.filter(feature => !columns.has(feature))
  const used = new Set(columns.values())
  const free = header.filter(column => !used.has(column))
  if (missing.length > 0) throw unmatched(missing, free)
  const find = (names: readonly string[]): string | undefined =>
    names.flatMap(name => free.filter(column => bare(column) === name))[0]
  return { columns, target: find(TARGETS), subject: find(SUBJECTS) }
}

/** The same name, else the same but for case and separators, else a synonym. */
function columnOf(feature: string, header: readonly string[]): string | undefined {
  if (header.includes(feature)) return feature
  const wanted = bare(feature)
  const alike = header.find(column => bare(column) === wanted)
  if (alike !== undefined) return alike
  const names = SYNONYMS.find(line => line.includes(wanted)) ?? []
  return header.find(column => names.includes(bare(column)))
}

function unmatched(missing: readonly string[], free: readonly string[]): Problem {
  const fields: FieldProblem[] = missing.map(name => ({ field: name, problem: 'has no column' }))
  const columns = free.length === 0 ? 'no others' : free.join(', ')
  return new Problem(
    'invalid',
    `Cannot match the data with the model: it wants ${missing.join(', ')}, and the columns left over are ${columns}`,
    { fields },
  )
}
