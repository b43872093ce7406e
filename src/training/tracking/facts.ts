/** Tags and parameters of everything that has them: a name and a text. */
import { type RawBuilder, sql } from 'kysely'
import { invalid, type Message, messages, missing, shown, text } from './fields.ts'
import type { Reading } from './tracking.ts'

export type FactKind =
  | 'run-tag'
  | 'param'
  | 'experiment-tag'
  | 'model-tag'
  | 'model-param'
  | 'registered-tag'
  | 'version-tag'

export interface Fact {
  readonly key: string
  readonly value: string
}

export const KEY_CHARACTERS_MAX = 250
/** The tag that makes a registered model a prompt. */
export const PROMPT = 'mlflow.prompt.is_prompt'
/** Longer values of runs lose what is beyond, as on MLflow's own server; of registered models they are refused. */
const CHARACTERS_MAX = { tag: 8_000, param: 6_000, 'registry tag': 100_000 } as const
const VALUE_CHARACTERS_MAX = 1_000_000
/** Of a value, that its index has. */
export const HEAD_CHARACTERS = 200

export function headOf(value: string): string {
  return Array.from(value.slice(0, 2 * HEAD_CHARACTERS))
    .slice(0, HEAD_CHARACTERS)
    .join('')
}

type Holder = keyof typeof CHARACTERS_MAX

export function factOf(from: Message, kind: Holder): Fact {
  const most = CHARACTERS_MAX[kind]
  const isCut = kind !== 'registry tag'
  const value = text({ value: from['value'] ?? '' }, 'value', isCut ? VALUE_CHARACTERS_MAX : most, true)
  return { key: keyOf(from), value: isCut ? cut(value, most) : value }
}

function cut(value: string, most: number): string {
  return value.length <= most
    ? value
    : Array.from(value.slice(0, 2 * most))
        .slice(0, most)
        .join('')
}

export function keyOf(from: Message): string {
  const key = text(from, 'key', KEY_CHARACTERS_MAX)
  const isPath = !key.startsWith('/') && key.split('/').every(part => part !== '..' && part !== '.' && part !== '')
  if (!/^[\w .:/-]+$/u.test(key) && !/^[/\p{L}\p{N}_.\- :]+$/u.test(key))
    throw invalid(`Cannot use the name ${shown(key)}: wanted letters, digits, _ - . / : and spaces`)
  if (!isPath) throw invalid(`Cannot use the name ${shown(key)}: as a path it would lead elsewhere`)
  return key
}

export function factsOf(from: Message, name: string, kind: Holder): readonly Fact[] {
  return messages(from, name).map(item => factOf(item, kind))
}

/** Writes tags; later ones of a name win. */
export async function putFacts(tx: Reading, kind: FactKind, owner: string, facts: readonly Fact[]): Promise<void> {
  const last = new Map(facts.map(fact => [fact.key, fact]))
  if (last.size === 0) return
  const rows = sql.join([...last.values()].map(fact => rowOf(kind, owner, fact)))
  await sql`insert into mlflow_facts (kind, owner, name, value, head) values ${rows}
    on conflict (kind, owner, name) do update set value = excluded.value, head = excluded.head`.execute(tx)
}

/** Writes parameters, which keep the value they were given first: another one is refused. */
export async function putParams(tx: Reading, kind: FactKind, owner: string, params: readonly Fact[]): Promise<void> {
  if (params.length === 0) return
  const known = new Map((await readFacts(tx, kind, [owner])).get(owner)?.map(({ key, value }) => [key, value]))
  const fresh: Fact[] = []
  for (const { key, value } of params) {
    const before = known.get(key)
    requireKept(before, { key, value })
    if (before === undefined) fresh.push({ key, value })
    known.set(key, value)
  }
  if (fresh.length === 0) return
  const rows = sql.join(fresh.map(fact => rowOf(kind, owner, fact)))
  await sql`insert into mlflow_facts (kind, owner, name, value, head) values ${rows}`.execute(tx)
}

/** Parameters keep their value: refuses another one. */
export function requireKept(before: string | undefined, { key, value }: Fact): void {
  if (before === undefined || before === value) return
  throw invalid(
    `Cannot change parameter ${shown(key)}: it has the value ${shown(before)} and was to become ${shown(value)}; parameters keep their value`,
  )
}

function rowOf(kind: FactKind, owner: string, { key, value }: Fact): RawBuilder<unknown> {
  return sql`(${kind}, ${owner}, ${key}, ${value}, ${headOf(value)})`
}

export async function deleteFact(
  tx: Reading,
  kind: FactKind,
  owner: string,
  key: string,
  isDuty: boolean,
): Promise<void> {
  const gone = await sql`delete from mlflow_facts where kind = ${kind} and owner = ${owner} and name = ${key}`.execute(
    tx,
  )
  if (isDuty && Number(gone.numAffectedRows ?? 0) === 0) throw missing(`a tag ${shown(key)}`)
}

/** Of many owners at once, by owner, each by name. */
export async function readFacts(
  db: Reading,
  kind: FactKind,
  owners: readonly string[],
): Promise<ReadonlyMap<string, readonly Fact[]>> {
  const found = new Map<string, Fact[]>()
  for (const some of portions(owners)) {
    const { rows } = await sql<{
      owner: string
      name: string
      value: string
    }>`select owner, name, value from mlflow_facts
      where kind = ${kind} and owner in (${sql.join(some)}) order by owner, name`.execute(db)
    for (const { owner, name, value } of rows) {
      const before = found.get(owner)
      if (before === undefined) found.set(owner, [{ key: name, value }])
      else before.push({ key: name, value })
    }
  }
  return found
}

const OWNERS_AT_ONCE = 500

export function portions<T>(items: readonly T[]): readonly (readonly T[])[] {
  const all: (readonly T[])[] = []
  for (let at = 0; at < items.length; at += OWNERS_AT_ONCE) all.push(items.slice(at, at + OWNERS_AT_ONCE))
  return all
}
