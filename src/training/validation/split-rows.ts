/** `bellwether split`: reads the columns by which rows are divided, divides them, writes the folds. */
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { momentOf } from '../../data/cell-numbers.ts'
import { type CsvTable, readCsv } from '../../data/csv.ts'
import { Problem } from '../../errors.ts'
import { groupKFold, leaveOneGroupOut, stratifiedGroupKFold } from '../../math/splits/group-folds.ts'
import { kFold, stratifiedKFold } from '../../math/splits/k-fold.ts'
import type { Split } from '../../math/splits/split.ts'
import { purgedKFold, timeSeriesSplit } from '../../math/splits/time-folds.ts'
import type { CommandContext, OptionValue } from '../../platform/command.ts'
import { requireColumns } from '../../registry/infer.ts'
import { keysOf } from './prepare.ts'
import { WAYS, type Way } from './split-ways.ts'

const DAY_MS = 86_400_000
/** What each way needs, and what it takes beside. */
const NEEDS: Readonly<Record<Way, { readonly needs: readonly string[]; readonly takes: readonly string[] }>> = {
  kfold: { needs: [], takes: ['seed'] },
  stratified: { needs: ['target'], takes: ['seed'] },
  group: { needs: ['group'], takes: ['seed'] },
  'stratified-group': { needs: ['target', 'group'], takes: ['seed'] },
  'leave-one-group-out': { needs: ['group'], takes: [] },
  'time-series': { needs: ['time'], takes: ['gap', 'test-rows', 'train-rows'] },
  purged: { needs: ['time'], takes: ['until', 'embargo'] },
}
const OWN_OPTIONS = ['target', 'group', 'time', 'until', 'gap', 'embargo', 'test-rows', 'train-rows', 'seed']

export async function splitRows({ args, options, terminal }: CommandContext): Promise<undefined> {
  const way = requireWay(options)
  const file = args['file'] ?? ''
  const { table, groups } = await read(file, options)
  let splits: readonly Split[]
  try {
    splits = splitsBy(way, table, groups, options)
  } catch (error) {
    if (error instanceof RangeError) throw new Problem('invalid', error.message, { cause: error })
    throw error
  }
  const output = String(options['output'])
  await writeFile(output, foldsText(table.rows, splits)).catch((error: unknown) => {
    throw new Problem('not_found', `Cannot write ${output}: ${(error as Error).message}`, { cause: error })
  })
  const folds = splits.map(({ train, test }, fold) => ({ fold, train: train.length, test: test.length }))
  terminal.result({ rows: table.rows, output, folds }, () =>
    terminal.table(
      ['fold', 'train', 'test'],
      folds.map(({ fold, train, test }) => [fold, train, test]),
    ),
  )
}

function requireWay(options: CommandContext['options']): Way {
  const way = WAYS.find(known => known === options['by'])
  if (way === undefined) throw new Problem('usage', `Cannot split by ${options['by']}: wanted ${WAYS.join(', ')}`)
  const { needs, takes } = NEEDS[way]
  const missing = needs.find(name => options[name] === undefined)
  if (missing !== undefined) throw new Problem('usage', `Cannot split by ${way}: --${missing} is missing`)
  const extra = OWN_OPTIONS.find(name => options[name] !== undefined && !needs.includes(name) && !takes.includes(name))
  if (extra !== undefined) throw new Problem('usage', `Cannot split by ${way}: it takes no --${extra}`)
  return way
}

interface Read {
  readonly table: CsvTable
  /** By what the column of groups holds: its place in their order. */
  readonly groups: (values: Float64Array) => Float64Array
}

async function read(file: string, options: CommandContext['options']): Promise<Read> {
  const named = (name: string): readonly string[] => (typeof options[name] === 'string' ? [options[name]] : [])
  const moments = [...named('time'), ...named('until')]
  const group = named('group')
  const wanted = [...new Set([...moments, ...group, ...named('target')])]
  const names = new Map<string, number>()
  const numberOf = (cell: string): number => {
    const known = names.get(cell)
    if (known !== undefined) return known
    names.set(cell, names.size)
    return names.size - 1
  }
  const numbers = new Map([
    ...group.map(name => [name, numberOf] as const),
    ...moments.map(name => [name, momentOf] as const),
  ])
  const source = createReadStream(file)
  const what = `the rows of ${file}`
  const table = await readCsv(source, {
    what,
    numbers,
    keep: header => {
      requireColumns(header, wanted, what)
      return wanted.length === 0 ? header.slice(0, 1) : wanted
    },
  }).catch((error: unknown) => {
    if (error instanceof Problem) throw error
    throw new Problem('not_found', `Cannot read ${file}: ${(error as Error).message}`, { cause: error })
  })
  return { table, groups: values => placesOf([...names.keys()], values) }
}

/** Numbers in their order, and texts in theirs, as NumPy sorts them. */
function placesOf(names: readonly string[], values: Float64Array): Float64Array {
  const isNumbers = names.every(name => Number.isFinite(Number(name)))
  const byText = (a: number, b: number): number => (names[a]! < names[b]! ? -1 : 1)
  const order = names.map((_, at) => at)
  order.sort(isNumbers ? (a, b) => Number(names[a]) - Number(names[b]) : byText)
  const places = new Float64Array(names.length)
  for (const [place, at] of order.entries()) {
    const before = order[place - 1]
    const isSame = isNumbers && before !== undefined && Number(names[before]) === Number(names[at])
    places[at] = isSame ? places[before]! : place // 7 and 7.0 are one group
  }
  return values.map(at => places[at]!)
}

function splitsBy(
  way: Way,
  table: CsvTable,
  groupsOf: Read['groups'],
  options: CommandContext['options'],
): readonly Split[] {
  const folds = Number(options['folds'])
  const groups = (): Float64Array => groupsOf(column('group'))
  const column = (name: string): Float64Array => valuesOf(table, String(options[name]))
  const seeded = options['seed'] === undefined ? {} : { seed: Number(options['seed']) }
  switch (way) {
    case 'kfold':
      return kFold(table.rows, folds, seeded)
    case 'stratified':
      return stratifiedKFold(column('target'), folds, seeded)
    case 'group':
      return groupKFold(groups(), folds, seeded)
    case 'stratified-group':
      return stratifiedGroupKFold(column('target'), groups(), folds, seeded)
    case 'leave-one-group-out':
      return leaveOneGroupOut(groups())
    case 'time-series':
      return inOrder(column('time'), rows => timeSeriesSplit(rows, folds, rowLimits(options)))
    case 'purged': {
      const from = column('time')
      const until = options['until'] === undefined ? from : column('until')
      const isDates = from.every(at => at > 1e11)
      return purgedKFold({ from, until }, folds, Number(options['embargo'] ?? 0) * (isDates ? DAY_MS : 1))
    }
  }
}

function rowLimits(options: Readonly<Record<string, OptionValue>>) {
  const { gap, 'test-rows': testRows, 'train-rows': trainRowsMax } = options
  return {
    ...(gap === undefined ? {} : { gap: Number(gap) }),
    ...(testRows === undefined ? {} : { testRows: Number(testRows) }),
    ...(trainRowsMax === undefined ? {} : { trainRowsMax: Number(trainRowsMax) }),
  }
}

/** Splits of the rows in the order of time, as rows of the file. */
function inOrder(times: Float64Array, split: (rows: number) => readonly Split[]): Split[] {
  const order = Uint32Array.from(times, (_, row) => row).sort((a, b) => times[a]! - times[b]! || a - b)
  return split(times.length).map(({ train, test }) => ({
    train: train.map(at => order[at]!).sort(),
    test: test.map(at => order[at]!).sort(),
  }))
}

function valuesOf(table: CsvTable, name: string): Float64Array {
  const column = table.columns.get(name)!
  const values = keysOf(column)
  const row = values.length === 0 ? 0 : values.findIndex(Number.isNaN)
  if (row < 0) return values
  const why = column.kind === 'text' ? 'has too many different texts' : `is missing or cannot be read in row ${row + 1}`
  throw new Problem('invalid', `Cannot split: the column ${name} ${why}`, { fields: [{ field: name, problem: why }] })
}

function foldsText(rows: number, splits: readonly Split[]): string {
  const columns = splits.map(({ train, test }) => {
    const words = new Array<string>(rows).fill('')
    for (const row of train) words[row] = 'train'
    for (const row of test) words[row] = 'test'
    return words
  })
  const lines = [splits.map((_, fold) => `fold_${fold}`).join(',')]
  for (let row = 0; row < rows; row++) lines.push(columns.map(words => words[row]).join(','))
  return `${lines.join('\n')}\n`
}
