/** Conditions and orders as SQL of either database. Values are always bound, never written. */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../platform/database.ts'
import { type FactKind, headOf, PROMPT } from './facts.ts'
import { invalid, shown } from './fields.ts'
import type { Condition, Operator, Order } from './filter.ts'

type Sql = RawBuilder<unknown>

/** What can be searched, and by what. */
export interface Subject {
  /** Its id, as conditions know it. */
  readonly id: Sql
  /** By the names that filters have for them. */
  readonly attributes: Readonly<Record<string, Attribute>>
  /** Attributes that may only be ordered by. */
  readonly orders?: Readonly<Record<string, Attribute>>
  readonly tag?: FactKind
  readonly param?: FactKind
  readonly metrics?: MetricTable
  readonly hasDatasets?: boolean
}

/** Table of the metrics, and its column that names the owner. */
interface MetricTable {
  readonly table: string
  readonly owner: string
  /** Which of them count, where an owner may have several of a name: it is ordered by the latest of these. */
  readonly scope?: Sql
}

interface Attribute {
  readonly column: Sql
  readonly is: 'text' | 'number'
}

type Engine = Database['engine']

export function conditionSql(engine: Engine, subject: Subject, condition: Condition): Sql {
  if (condition.kind === 'attribute') return attributeSql(engine, subject, condition)
  const rows = rowsOf(engine, subject, condition)
  return sql`${subject.id} ${sql.raw(rows.isNot === true ? 'not in' : 'in')} (${idsOf(rows)})`
}

/**
 * The condition as a question about the one at hand, whichever that is. It is written so that the database can only look at what
 * the one at hand has: it cannot go through everything that the condition holds for.
 */
export function probeSql(engine: Engine, subject: Subject, condition: Condition): Sql {
  if (condition.kind === 'attribute') return attributeSql(engine, subject, condition)
  const { from, owner, key, keyOfOne, holds, isNot, areMany } = rowsOf(engine, subject, condition)
  const own = sql`from ${from} where ${keyOfOne ?? key} and ${owner} = ${subject.id}`
  if (areMany === true) return sql`(select 1 ${own} and ${holds} limit 1) is not null`
  return isNot === true ? sql`coalesce((select not ${holds} ${own}), true)` : sql`(select ${holds} ${own})`
}

/** Ids of what the condition holds for, where an index has them together. */
export function indexedSql(engine: Engine, subject: Subject, condition: Condition): Sql | undefined {
  const { kind, operator } = condition
  const isRange = kind === 'metric' && operator !== '!='
  const isSame = (kind === 'tag' || kind === 'param') && operator === '='
  return isRange || isSame ? idsOf(rowsOf(engine, subject, condition)) : undefined
}

/** Rows that belong to what is searched, and what a condition asks of them. */
interface Rows {
  readonly from: Sql
  /** The column that says what they belong to. */
  readonly owner: Sql
  /** What tells the row of an owner from its others; all of them where `areMany`. */
  readonly key: Sql
  /** The same where the owner is known, if another index would be as good as the owner's to a database without statistics. */
  readonly keyOfOne?: Sql | undefined
  readonly holds: Sql
  readonly areMany?: boolean
  /** Whether the owners are meant that have no such row. */
  readonly isNot?: boolean
}

function idsOf({ from, owner, key, holds }: Rows): Sql {
  return sql`select ${owner} from ${from} where ${key} and ${holds}`
}

function rowsOf(engine: Engine, subject: Subject, condition: Condition): Rows {
  if (condition.kind === 'metric') return metricRows(engine, subject, condition)
  return condition.kind === 'dataset' ? datasetRows(engine, subject, condition) : factRows(engine, subject, condition)
}

function unsupported({ kind, key, operator }: Condition): Error {
  return invalid(`Cannot search by ${kind} ${shown(key)} with ${operator}: it is not searched so here`)
}

function attributeSql(engine: Engine, { attributes }: Subject, condition: Condition): Sql {
  const attribute = Object.hasOwn(attributes, condition.key) ? attributes[condition.key] : undefined
  if (attribute === undefined)
    throw invalid(
      `Cannot search by attribute ${shown(condition.key)}: wanted one of ${Object.keys(attributes).join(', ')}`,
    )
  const isNumber = attribute.is === 'number'
  const isOrdering = ['<', '<=', '>', '>='].includes(condition.operator)
  if (condition.operator.startsWith('IS') || (isNumber ? condition.operator.includes('LIKE') : isOrdering))
    throw unsupported(condition)
  return isNumber
    ? compared(engine, attribute.column, condition.operator, numbers(condition))
    : compared(engine, attribute.column, condition.operator, strings(condition))
}

function metricRows(engine: Engine, { metrics }: Subject, condition: Condition): Rows {
  if (metrics === undefined || !/^[=!<>]/.test(condition.operator)) throw unsupported(condition)
  const { table, owner, scope } = metrics
  const holds = compared(engine, sql.ref('value'), condition.operator, numbers(condition))
  return {
    from: sql.table(table),
    owner: sql.ref(owner),
    key: sql`name = ${condition.key}${scope === undefined ? sql`` : sql` and ${scope}`}`,
    holds: sql`(is_nan = 0 and ${holds})`,
  }
}

function factRows(engine: Engine, subject: Subject, condition: Condition): Rows {
  const kind = condition.kind === 'tag' ? subject.tag : subject.param
  if (kind === undefined || /^[<>]/.test(condition.operator) || condition.operator.endsWith('IN'))
    throw unsupported(condition)
  const { key, operator } = condition
  // That of the values would be gone through from one end to the other for each run.
  const keyOfOne = engine === 'postgres' ? sql`kind = ${kind} and name || '' = ${key}` : undefined
  const named = { ...FACTS, key: sql`kind = ${kind} and name = ${key}`, keyOfOne }
  if (operator.startsWith('IS')) return { ...named, holds: sql`1 = 1`, isNot: operator === 'IS NULL' }
  const value = strings(condition)
  const holds = compared(engine, sql.ref('value'), operator, value)
  // Clients leave prompts out so, and mean also what was never told to be none.
  if (operator === '!=' && key === PROMPT) return { ...named, holds: sql`value = ${value}`, isNot: true }
  if (operator !== '=') return { ...named, holds }
  const head = headOf(String(value))
  // What is shorter than the index keeps of it is all there: the value itself need not be looked at.
  const isWhole = head === value && headOf(`${head}x`) !== head
  return { ...named, holds: isWhole ? sql`head = ${head}` : sql`(head = ${head} and ${holds})` }
}

const FACTS = { from: sql`mlflow_facts`, owner: sql`owner` } as const

function datasetRows(engine: Engine, { hasDatasets }: Subject, condition: Condition): Rows {
  const { key, operator } = condition
  const isKnown = key === 'name' || key === 'digest' || key === 'context'
  if (hasDatasets !== true || !isKnown || /^(?:[<>]|IS)/.test(operator)) throw unsupported(condition)
  const holds = compared(engine, sql.ref(key), operator, strings(condition))
  return { from: sql`mlflow_datasets`, owner: sql`run`, key: sql`1 = 1`, holds, areMany: true }
}

function strings({ key, value }: Condition): string | readonly string[] {
  const text = (one: unknown): string => {
    if (typeof one === 'string') return one
    throw invalid(`Cannot compare ${shown(key)} with ${shown(one)}: wanted a text in quotes`)
  }
  return Array.isArray(value) ? value.map(text) : text(value)
}

function numbers({ key, value }: Condition): number | readonly number[] {
  const number = (one: unknown): number => {
    if (typeof one === 'number') return one
    throw invalid(`Cannot compare ${shown(key)} with ${shown(one)}: wanted a number`)
  }
  return Array.isArray(value) ? value.map(number) : number(value)
}

type Compared = string | number | readonly (string | number)[]

function compared(engine: Engine, column: Sql, operator: Operator, value: Compared): Sql {
  if (Array.isArray(value)) {
    const inside = sql`${column} in (${sql.join(value.map(one => bound(engine, one)))})`
    return operator === 'NOT IN' ? sql`not ${inside}` : inside
  }
  const one = value as string | number
  if (operator === 'LIKE' || operator === 'ILIKE') return alike(engine, column, operator, String(one))
  return sql`${column} ${sql.raw(operator)} ${bound(engine, one)}`
}

/** PostgreSQL would otherwise take the type of a column of whole numbers, and refuse a fraction. */
function bound(engine: Engine, value: string | number): Sql {
  return engine === 'postgres' && typeof value === 'number' ? sql`cast(${value} as double precision)` : sql`${value}`
}

/** SQLite's LIKE passes over case; its GLOB does not, and has other signs. */
function alike(engine: Engine, column: Sql, operator: 'LIKE' | 'ILIKE', pattern: string): Sql {
  if (engine === 'postgres') return sql`${column} ${sql.raw(operator)} ${pattern} escape ''`
  if (operator === 'ILIKE') return sql`${column} like ${pattern}`
  const glob = pattern.replace(/[*?[]/g, '[$&]').replaceAll('%', '*').replaceAll('_', '?')
  return sql`${column} glob ${glob}`
}

export interface Ordered {
  readonly joins: readonly Sql[]
  readonly keys: readonly Sql[]
}

/** What is absent comes last in either direction, and before it what is not a number. */
export function orderSql(subject: Subject, orders: readonly Order[]): Ordered {
  const joins: Sql[] = []
  const keys: Sql[] = []
  for (const [at, order] of orders.entries()) {
    const direction = sql.raw(order.isDescending ? 'desc' : 'asc')
    const alias = sql.raw(`o${at}`)
    if (order.kind === 'metric' && subject.metrics !== undefined) {
      joins.push(metricJoin(subject, subject.metrics, order.key, alias))
      keys.push(sql`case when ${alias}.value is null then 2 when ${alias}.is_nan = 1 then 1 else 0 end`)
      keys.push(sql`${alias}.value ${direction}`)
      continue
    }
    const column = order.kind === 'attribute' ? attributeOf(subject, order) : undefined
    if (column !== undefined) {
      keys.push(sql`case when ${column} is null then 1 else 0 end`, sql`${column} ${direction}`)
      continue
    }
    const kind = order.kind === 'tag' ? subject.tag : order.kind === 'param' ? subject.param : undefined
    if (kind === undefined)
      throw invalid(`Cannot order by ${order.kind} ${shown(order.key)}: it is not ordered so here`)
    joins.push(
      sql`left join mlflow_facts ${alias} on ${alias}.kind = ${kind} and ${alias}.owner = ${subject.id} and ${alias}.name = ${order.key}`,
    )
    keys.push(sql`case when ${alias}.value is null then 1 else 0 end`, sql`${alias}.value ${direction}`)
  }
  return { joins, keys }
}

function metricJoin({ id }: Subject, { table, owner, scope }: MetricTable, key: string, alias: Sql): Sql {
  const column = sql.ref(owner)
  if (scope === undefined)
    return sql`left join ${sql.table(table)} ${alias} on ${alias}.${column} = ${id} and ${alias}.name = ${key}`
  return sql`left join (select ${column}, value, is_nan,
      row_number() over (partition by ${column} order by at desc, step desc, value desc) as turn
      from ${sql.table(table)} where name = ${key} and ${scope}
    ) ${alias} on ${alias}.${column} = ${id} and ${alias}.turn = 1`
}

function attributeOf({ attributes, orders }: Subject, { key }: Order): Sql {
  const known = { ...attributes, ...orders }
  const attribute = Object.hasOwn(known, key) ? known[key] : undefined
  if (attribute === undefined)
    throw invalid(`Cannot order by attribute ${shown(key)}: wanted one of ${Object.keys(known).join(', ')}`)
  return attribute.column
}

/** Prompts are registered models with a tag; they are found by who asks for that tag, and are no models to others. */
export function withoutPrompts(name: Sql, filter: readonly Condition[]): readonly Sql[] {
  if (filter.some(({ kind, key }) => kind === 'tag' && key === PROMPT)) return []
  return [
    sql`${name} not in (select owner from mlflow_facts where kind = 'registered-tag' and name = ${PROMPT} and head = 'true')`,
  ]
}

/** All conditions of a list, for `where`. */
export function allOf(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`1 = 1` : sql.join(conditions, sql` and `)
}
