/** Bodies of MLflow's scoring protocol, and those of KServe v1, which are one of its forms: to rows by the names of features. */
import { Problem } from '../errors.ts'
import type { Feature } from '../registry/signature.ts'
import { type Cells, csvLines } from './csv-cells.ts'
import type { LoadedModel } from './lane.ts'
import type { Rows } from './signature.ts'

type Row = Record<string, unknown>

/** https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally: a body has exactly one of them. */
const FORMS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const
type Form = (typeof FORMS)[number]

/** @throws Problem `invalid` naming what is wrong, `too_large`. */
export function rowsOfForms(body: unknown, forms: readonly Form[], { signature }: LoadedModel, rowsMax: number): Rows {
  const given = isRow(body) ? forms.filter(form => Object.hasOwn(body, form)) : []
  if (given.length !== 1) {
    const found = given.length === 0 ? 'has none of its forms' : `has ${given.join(' and ')}`
    return refuse('body', `${found}, exactly one of ${forms.join(', ')} was wanted`)
  }
  const [form] = given
  const value = (body as Row)[form!]
  const { inputs } = signature
  // One row by itself is a batch of one here: these protocols know lists alone.
  if (form === 'dataframe_split') return signature.read(ofSplit(value, inputs), rowsMax)
  if (form === 'inputs') return signature.read(ofInputs(value, inputs), rowsMax)
  if (form === 'dataframe_records') {
    return signature.read(
      listOf(value, form).map((row, at) => (isRow(row) ? row : refuse(`${form}[${at}]`, 'is no object of features'))),
      rowsMax,
    )
  }
  return signature.read(ofInstances(value, 'instances', inputs), rowsMax)
}

/** @throws Problem `malformed`, `invalid`, `too_large`. */
export function rowsOfCsv(text: string, { signature }: LoadedModel, rowsMax: number): Rows {
  const [head, ...lines] = csvLines(text)
  if (head === undefined) throw new Problem('invalid', 'Cannot read the CSV: it is empty, a line of names was wanted')
  const names = head.map(name => name ?? '')
  requireUnique(names, 'The CSV')
  const byName = new Map(signature.inputs.map(input => [input.name, input]))
  const readers = names.map(name => cellReader(byName.get(name)))
  return signature.read(
    lines.map((line: Cells) =>
      rowOf(
        names,
        line.map((cell, at) => readers[at]!(cell)),
      ),
    ),
    rowsMax,
  )
}

/** What a cell says, as the feature would have it in JSON; what it cannot be stays a text, for the signature to refuse. */
function cellReader(feature: Feature | undefined): (cell: string | null) => unknown {
  if (feature === undefined || feature.type === 'string') return cell => cell
  return cell => {
    if (cell === null) return null
    if (/^(?:true|false)$/i.test(cell)) return cell.toLowerCase() === 'true'
    const text = cell.trim()
    if (/^nan$/i.test(text)) return null
    return text !== '' && Number.isFinite(Number(text)) ? Number(text) : cell
  }
}

function ofSplit(value: unknown, inputs: readonly Feature[]): Row[] {
  if (!isRow(value)) return refuse('dataframe_split', 'is no object of columns and data')
  const { columns, data } = value
  const names = columns === undefined ? inputs.map(({ name }) => name) : listOf(columns, 'dataframe_split.columns')
  if (!names.every(name => typeof name === 'string')) return refuse('dataframe_split.columns', 'are not all texts')
  requireUnique(names, 'dataframe_split')
  return listOf(data, 'dataframe_split.data').map((row, at) => ofCells(row, names, `dataframe_split.data[${at}]`))
}

/** Objects of features, or lists of their values in the order of the signature, or the values of the only feature. */
function ofInstances(value: unknown, field: string, inputs: readonly Feature[]): Row[] {
  const names = inputs.map(({ name }) => name)
  return listOf(value, field).map((row, at) => {
    if (isRow(row)) return unpacked(row)
    if (Array.isArray(row)) return ofCells(row, names, `${field}[${at}]`)
    return ofCells([row], names, `${field}[${at}]`)
  })
}

/** Columns by their names; or as `ofInstances`, where they have none. A single row may come without the lists. */
function ofInputs(value: unknown, inputs: readonly Feature[]): Row[] {
  if (!isRow(value)) return ofInstances(value, 'inputs', inputs)
  const columns = Object.entries(value).map(([name, cells]) => ({
    name,
    cells: Array.isArray(cells) ? cells : [cells],
  }))
  const count = columns[0]?.cells.length ?? 0
  const other = columns.find(({ cells }) => cells.length !== count)
  if (other !== undefined) {
    return refuse(
      `inputs.${shorten(other.name)}`,
      `has ${other.cells.length} values, ${count} were wanted as in the first column`,
    )
  }
  const names = columns.map(({ name }) => name)
  return Array.from({ length: count }, (_, row) =>
    unpacked(
      rowOf(
        names,
        columns.map(({ cells }) => cells[row]),
      ),
    ),
  )
}

function ofCells(cells: unknown, names: readonly string[], field: string): Row {
  if (!Array.isArray(cells)) return refuse(field, 'is no list of values')
  if (cells.length !== names.length) return refuse(field, `has ${cells.length} values, ${names.length} were wanted`)
  return rowOf(names, cells)
}

/** A tensor of one value, `[47]`, is that value: clients write columns of shape [n, 1] so. */
function unpacked(row: Row): Row {
  const names = Object.keys(row)
  if (!names.some(name => Array.isArray(row[name]))) return row
  return rowOf(
    names,
    names.map(name => {
      const value = row[name]
      return Array.isArray(value) && value.length === 1 ? value[0] : value
    }),
  )
}

/** Without a prototype: a feature may have any name. */
function rowOf(names: readonly string[], cells: readonly unknown[]): Row {
  const row = Object.create(null) as Row
  for (const [at, name] of names.entries()) row[name] = cells[at]
  return row
}

function requireUnique(names: readonly string[], what: string): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) refuse(shorten(twice), `is given twice as a column: ${what} was wanted with each once`)
}

function listOf(value: unknown, field: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(field, 'is no list')
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shorten(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 64).toWellFormed()}…`
}

function refuse(field: string, problem: string): never {
  throw new Problem('invalid', `Cannot read the rows: ${field} ${problem}`, { fields: [{ field, problem }] })
}
