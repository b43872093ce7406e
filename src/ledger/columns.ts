/**
 * Record ↔ columns, a bijection: the columns of a sealed segment *are* the records, and their canonical bytes are put
 * together again from the columns. Pure; `parquet.ts` moves columns to and from files.
 */
import { canonical, quote } from './canonical.ts'
import {
  type Column,
  type ColumnType,
  fits,
  fixedColumns,
  openLevels,
  openName,
  openObjects,
  POSITION,
  REST,
} from './schema.ts'

export type Cell = string | number | boolean | null

export interface FilledColumn extends Column {
  /** One cell a row; what is missing at the end is null. */
  readonly values: readonly Cell[]
}

/** Rows of one kind and model, ready to be stored. */
export interface Table {
  readonly rows: number
  /** `position` first, `rest` last. */
  readonly columns: readonly FilledColumn[]
}

/** More columns than this are no features any more: what comes on top goes into `rest`. */
const COLUMNS_MAX = 4096

interface Filling extends Column {
  readonly values: Cell[]
}

type Members = Readonly<Record<string, unknown>>

/** What is stored of a member that is not known beforehand: a column for each type it comes in, and its own members. */
interface Branch {
  readonly columns: Partial<Record<ColumnType, Filling>>
  readonly inner: Map<string, Branch>
}

/** Collects records of one kind and model. Neither is stored: the file they are in says them. */
export class TableBuilder {
  #rows = 0
  readonly #positions: Filling = { name: POSITION, type: 'integer', path: [], values: [] }
  readonly #rest: Filling = { name: REST, type: 'json', path: [], values: [] }
  readonly #columns: Filling[]
  readonly #fixed: ReadonlyMap<string, readonly Filling[]>
  readonly #kind: string | undefined
  readonly #required: readonly string[]
  readonly #dynamic: Branch = { columns: {}, inner: new Map() }
  #dynamicCount = 0
  readonly #taken: Set<string>

  /** @param known columns of a table of this kind, to go on with. */
  constructor(kind: string | undefined, known: readonly Column[] = []) {
    this.#columns = fixedColumns(kind).map(column => ({ ...column, values: [] }))
    this.#fixed = Map.groupBy(this.#columns, column => column.path[0]!)
    this.#kind = kind
    this.#required = Object.keys(openObjects(kind))
    this.#taken = new Set([POSITION, REST, ...this.#columns.map(column => column.name)])
    for (const { path, type } of known) {
      if (path.length > 1 && openLevels(kind, path[0]!) > 0) {
        this.#addDynamic(path.reduce(branchOf, this.#dynamic), path, type)
      }
    }
  }

  get rows(): number {
    return this.#rows
  }

  /**
   * @param position index of the record in the log.
   * @param line its canonical text.
   * @param record the parsed text, if it could be parsed.
   * @param whole stores the text as it is beside the columns, which then only serve queries.
   */
  add(position: number, line: string, record: Members | undefined, whole = false): void {
    this.#put(this.#positions, position)
    const others = record === undefined ? undefined : this.#spread(record)
    const rest = others === undefined || whole ? quote(line) : others
    if (rest !== '{}') this.#fill(this.#rest, rest)
    this.#rows++
  }

  finish(): Table {
    return { rows: this.#rows, columns: [this.#positions, ...this.#columns, this.#rest] }
  }

  /** Puts the members into their columns; returns the others as JSON, or undefined where columns cannot tell the record. */
  #spread(record: Members): string | undefined {
    const others: [string, unknown][] = []
    try {
      for (const [member, value] of Object.entries(record)) {
        if ((member === 'kind' || member === 'model') && isPartition(value)) continue
        const levels = openLevels(this.#kind, member)
        const stored = levels === 0 ? this.#putFixed(member, value) : this.#putOpen(member, levels, value)
        if (!stored) others.push([member, value])
      }
      const complete = this.#required.every(member => Object.hasOwn(record, member))
      return complete ? canonical(Object.fromEntries(others)) : undefined // `fromEntries`: also `__proto__` is a member
    } catch {
      return undefined // something in it has no canonical form
    }
  }

  #putFixed(member: string, value: unknown): boolean {
    const targets = this.#fixed.get(member)
    if (targets === undefined) return false
    if (targets[0]!.path.length === 1) {
      const target = targets.find(({ type }) => fits(type, value))
      if (target !== undefined) this.#put(target, value)
      return target !== undefined
    }
    if (!isObject(value)) return false
    const entries = Object.entries(value)
    const found = entries.map(([name, cell]) => targets.find(({ path, type }) => path[1] === name && fits(type, cell)))
    if (found.length === 0 || found.includes(undefined)) return false
    for (const [index, [, cell]] of entries.entries()) this.#put(found[index]!, cell)
    return true
  }

  #putOpen(member: string, levels: number, value: unknown): boolean {
    // Of an empty object that need not be there, columns could not tell that it is.
    if (!isObject(value) || (levels > 1 && isEmpty(value))) return false
    const branch = branchOf(this.#dynamic, member)
    const added = newColumns(branch, value, levels)
    if (Number.isNaN(added) || (added > 0 && this.#dynamicCount + added > COLUMNS_MAX)) return false
    this.#fillBranch(branch, [member], value)
    return true
  }

  #fillBranch(branch: Branch, path: readonly string[], members: Members): void {
    for (const name in members) {
      const value = members[name]
      const inner = branchOf(branch, name)
      const type = scalarType(value)
      if (type === undefined) this.#fillBranch(inner, [...path, name], value as Members)
      else this.#fill(inner.columns[type] ?? this.#addDynamic(inner, [...path, name], type), value as Cell)
    }
  }

  #addDynamic(branch: Branch, path: readonly string[], type: ColumnType): Filling {
    const made: Filling = { name: columnName(openName(this.#kind, path), this.#taken), type, path, values: [] }
    branch.columns[type] = made
    this.#columns.push(made)
    this.#dynamicCount++
    return made
  }

  #put(column: Filling, value: unknown): void {
    this.#fill(column, column.type === 'json' ? canonical(value) : (value as Cell))
  }

  #fill({ values }: Filling, cell: Cell): void {
    while (values.length < this.#rows) values.push(null)
    values.push(cell)
  }
}

function branchOf(branch: Branch, name: string): Branch {
  let found = branch.inner.get(name)
  if (found === undefined) {
    found = { columns: {}, inner: new Map() }
    branch.inner.set(name, found)
  }
  return found
}

/** How many columns the members still lack; NaN where columns cannot tell them. */
function newColumns(branch: Branch | undefined, members: Members, levels: number): number {
  let added = 0
  for (const name in members) {
    const value = members[name]
    const known = branch?.inner.get(name)
    const type = scalarType(value)
    if (type !== undefined) added += known?.columns[type] === undefined ? 1 : 0
    else if (levels === 1 || !isObject(value) || isEmpty(value)) return Number.NaN
    else added += newColumns(known, value, levels - 1)
  }
  return added
}

/** Whether a value names a partition by itself: anything else is kept in `rest`. */
export function isPartition(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(members: Members): boolean {
  for (const _ in members) return false
  return true
}

function scalarType(value: unknown): ColumnType | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? 'number' : undefined
  if (typeof value === 'boolean') return 'boolean'
  return typeof value === 'string' ? 'text' : undefined
}

const NAME_LENGTH_MAX = 120

/**
 * A name that any SQL engine takes, alone among `taken` also where case is ignored. The exact name of the member stands
 * in the segment's manifest.
 */
function columnName(wanted: string, taken: Set<string>): string {
  const plain = wanted.replace(/[^A-Za-z0-9_]/g, '_').slice(0, NAME_LENGTH_MAX)
  let name = plain
  for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${plain}_${number}`
  taken.add(name.toLowerCase())
  return name
}

/**
 * Whether these are columns as `TableBuilder` makes them, names and order included. A manifest that was changed could else
 * hide what a reader outside would take for the record behind columns that no record is made of.
 */
export function isLayoutOf(kind: string | undefined, columns: readonly Column[]): boolean {
  const same = (a: Column | undefined, b: Column): boolean =>
    a?.name === b.name && a.type === b.type && JSON.stringify(a.path) === JSON.stringify(b.path)
  const fixed = fixedColumns(kind)
  const rest: Column = { name: REST, type: 'json', path: [] }
  if (!fixed.every((column, index) => same(columns[index], column)) || !same(columns.at(-1), rest)) return false
  const taken = new Set([POSITION, REST, ...fixed.map(({ name }) => name)])
  const seen = new Set<string>()
  return columns.slice(fixed.length, -1).every(({ name, type, path }) => {
    if (path.length < 2 || path.length > 1 + openLevels(kind, path[0]!)) return false
    if (type !== 'number' && type !== 'boolean' && type !== 'text') return false
    const key = JSON.stringify([type, path])
    if (seen.has(key)) return false
    seen.add(key)
    return name === columnName(openName(kind, path), taken)
  })
}

/**
 * Whether a row that is not told by its columns alone holds what `TableBuilder` puts there, and nothing else: what
 * somebody moved out of a column gives the same text, but another answer to whoever reads the column.
 */
export function isRowOf(
  kind: string | undefined,
  columns: readonly Column[],
  cells: readonly Fragments[],
  row: number,
  text: string,
): boolean {
  const rest = cells[columns.findIndex(({ name }) => name === REST)]!(row)
  const builder = new TableBuilder(kind, columns)
  builder.add(0, text, parseRecord(text), rest.startsWith('"'))
  const expected = builder.finish().columns.slice(1)
  return (
    expected.length === columns.length &&
    expected.every(({ type, values }, index) => fragmentOf(type, values[0] ?? null) === cells[index]!(row))
  )
}

/** The object in a text, or undefined where it is none. */
export function parseRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Canonical JSON of one column's value in a row of the part read now; `''` for null. */
export type Fragments = (row: number) => string

export function fragmentOf(type: ColumnType, value: Cell): string {
  if (value === null) return ''
  return typeof value === 'string' && type !== 'json' ? quote(value) : `${value}`
}

/** One member of the text, or one object in it. `cells` are indexes of columns, of which at most one has a value:
 * where a file was changed so that two have one, both are written, and the text is not what was signed. */
interface Member {
  readonly key: string
  readonly prefix: string
  readonly cells: readonly number[]
  readonly members?: readonly Member[]
  readonly required?: boolean
  readonly text?: string
}

/**
 * Makes the function that puts a row's canonical text together from its columns (all but `position`).
 * `kind` and `model` are what the file is said to hold.
 */
export function assembler(
  kind: string | undefined,
  model: string | undefined,
  columns: readonly Column[],
): (cells: readonly Fragments[], row: number) => string {
  const restAt = columns.findIndex(column => column.name === REST)
  const layout = layoutOf(kind, model, columns)

  return (cells, row) => {
    const rest = restAt === -1 ? '' : cells[restAt]!(row)
    if (rest !== '') return withRest(layout, cells, row, rest)
    let text = ''
    for (const member of layout) {
      const value = memberText(member, cells, row)
      if (value !== '') text += (text === '' ? '{' : ',') + member.prefix + value
    }
    return text === '' ? '{}' : `${text}}`
  }
}

interface Stored {
  readonly column: Column
  readonly index: number
}

const byKey = (a: Member, b: Member): number => (a.key < b.key ? -1 : 1)

/** Of the columns of one member, which stand for itself, and which for members of it. */
function memberOf(key: string, stored: readonly Stored[], level: number): Member {
  const own = stored.filter(({ column }) => column.path.length === level)
  const leaf = { key, prefix: `${quote(key)}:`, cells: own.map(({ index }) => index) }
  const deeper = stored.filter(({ column }) => column.path.length > level)
  if (deeper.length === 0) return leaf
  const inner = Map.groupBy(deeper, ({ column }) => column.path[level]!)
  return { ...leaf, members: [...inner].map(([name, same]) => memberOf(name, same, level + 1)).sort(byKey) }
}

function layoutOf(kind: string | undefined, model: string | undefined, columns: readonly Column[]): Member[] {
  const required = Object.keys(openObjects(kind))
  const stored = columns.flatMap((column, index) => (column.path.length === 0 ? [] : [{ column, index }]))
  const byMember = Map.groupBy(stored, ({ column }) => column.path[0]!)
  const layout = [...byMember].map(([key, group]): Member => {
    const member = memberOf(key, group, 1)
    return required.includes(key) ? { ...member, required: true } : member
  })
  for (const key of required) {
    if (!byMember.has(key)) layout.push({ ...memberOf(key, [], 1), members: [], required: true })
  }
  if (kind !== undefined) layout.push({ ...memberOf('kind', [], 1), text: quote(kind) })
  if (model !== undefined) layout.push({ ...memberOf('model', [], 1), text: quote(model) })
  return layout.sort(byKey)
}

function memberText(member: Member, cells: readonly Fragments[], row: number): string {
  if (member.text !== undefined) return member.text
  let text = ''
  for (const cell of member.cells) text += cells[cell]!(row)
  return member.members === undefined ? text : text + objectText(member, member.members, cells, row)
}

function objectText(member: Member, members: readonly Member[], cells: readonly Fragments[], row: number): string {
  let text = ''
  for (const inner of members) {
    const value = memberText(inner, cells, row)
    if (value !== '') text += (text === '' ? '{' : ',') + inner.prefix + value
  }
  if (text !== '') return `${text}}`
  return member.required === true ? '{}' : ''
}

/** The rare row with members that have no column, or with its text kept whole. Where both say something, columns win. */
function withRest(layout: readonly Member[], cells: readonly Fragments[], row: number, rest: string): string {
  const others: unknown = JSON.parse(rest)
  if (typeof others === 'string') return others
  const pieces = new Map<string, string>()
  for (const [key, value] of Object.entries(others as object)) pieces.set(key, `${quote(key)}:${canonical(value)}`)
  for (const member of layout) {
    const value = memberText(member, cells, row)
    if (value === '' || (value === '{}' && pieces.has(member.key))) continue
    pieces.set(member.key, member.prefix + value)
  }
  const keys = [...pieces.keys()].sort()
  return `{${keys.map(key => pieces.get(key)).join(',')}}`
}
