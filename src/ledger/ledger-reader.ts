/** Reading the ledger: the journal on this thread where that is quick, all else by the engine. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import type { Engine } from './engine.ts'
import { matchesText, needles, type RecordFilter } from './filter.ts'
import { type FoundLine, findLines, positionOf } from './find.ts'
import type { Ledger, LedgerPage, LedgerQuery } from './ledger.ts'
import type { TextPage } from './open-ledger.ts'
import type { Found, Snapshot } from './query.ts'
import type { ChangeRecord, LedgerRecord } from './record.ts'
import type { Sealer } from './seal.ts'

export interface LedgerReader extends Pick<Ledger, 'query'> {
  search(query: LedgerQuery, explain: boolean): Promise<TextPage>
  /** The canonical text of a record. */
  findText(id: string): Promise<string | undefined>
  /** As `findText`, and where it is in the log, for which lines of the journal are counted. */
  locate(id: string): Promise<Found | undefined>
  outcomesOf(predictionId: string): Promise<LedgerRecord[]>
  changesTo(target: string): Promise<ChangeRecord[]>
}

const LIMIT_MAX = 10_000
const RELATED_MAX = 1000
/** Records parsed at once, so that answers come in between. */
const PARSED_AT_ONCE = 256

interface ReaderParts {
  readonly sealer: Sealer
  readonly engine: Pick<Engine, 'ask'>
}

export function ledgerReader({ sealer, engine }: ReaderParts): LedgerReader {
  const inSegments = async (snapshot: Snapshot, filter: RecordFilter, limit: number) => {
    if (snapshot.segments === 0) return []
    const search = { snapshot: { segments: snapshot.segments, journal: [] }, filter, order: 'oldest', limit } as const
    return (await engine.ask('search', search)).found
  }

  const search = async (query: LedgerQuery, explain: boolean): Promise<TextPage> => {
    const { order = 'newest', limit, after, ...filter } = query
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX)) {
      throw new Problem('invalid', `Cannot query the ledger: limit is ${limit}, wanted 1 to ${LIMIT_MAX}`)
    }
    const from = after === undefined ? undefined : positionOfToken(after)
    return sealer.withSnapshot(async snapshot => {
      const question = { snapshot, filter, order, limit: limit + 1, after: from, explain } // one more tells of a next page
      const { found, plan } = await engine.ask('search', question)
      const page = found.slice(0, limit)
      const next = found.length > limit ? String(page.at(-1)!.position) : undefined
      return { found: page, ...(next !== undefined && { next }), ...(plan !== undefined && { plan }) }
    })
  }

  /** The oldest, by the first member of the filter that tells lines apart. */
  const related = (filter: RecordFilter): Promise<LedgerRecord[]> =>
    sealer.withSnapshot(async snapshot => {
      const texts = (await inSegments(snapshot, filter, RELATED_MAX)).map(({ text }) => text)
      const unsealed: string[] = []
      for await (const { text } of findLines(snapshot.journal, needles(filter)[0]!)) {
        if (matchesText(text, filter)) unsealed.push(text)
      }
      return parseAll([...texts, ...unsealed.reverse()].slice(0, RELATED_MAX))
    })

  return {
    search,

    async query(query): Promise<LedgerPage> {
      const { found, next } = await search(query, false)
      const records = await parseAll(found.map(({ text }) => text))
      return { records, ...(next !== undefined && { next }) }
    },

    findText: id =>
      sealer.withSnapshot(async snapshot => {
        const line = await inJournal(snapshot, id)
        return line === undefined ? (await inSegments(snapshot, { id }, 1))[0]?.text : line.text
      }),

    locate: id =>
      sealer.withSnapshot(async snapshot => {
        const line = await inJournal(snapshot, id)
        if (line !== undefined) return { text: line.text, position: await positionOf(line) }
        return (await inSegments(snapshot, { id }, 1))[0]
      }),

    outcomesOf: predictionId => related({ kind: 'outcome', predictionId }),

    changesTo: target => related({ kind: 'change', target }) as Promise<ChangeRecord[]>,
  }
}

async function inJournal({ journal }: Snapshot, id: string): Promise<FoundLine | undefined> {
  for await (const line of findLines(journal, `"id":"${id}"`)) {
    if (matchesText(line.text, { id })) return line
  }
  return undefined
}

function positionOfToken(token: string): number {
  const position = /^\d{1,16}$/.test(token) ? Number(token) : Number.NaN
  if (Number.isSafeInteger(position)) return position
  throw new Problem(
    'invalid',
    `Cannot query the ledger: "${token.slice(0, 40)}" is not a page, wanted \`next\` of the page before`,
  )
}

async function parseAll(texts: readonly string[]): Promise<LedgerRecord[]> {
  const records: LedgerRecord[] = []
  for (const text of texts) {
    records.push(JSON.parse(text) as LedgerRecord)
    if (records.length % PARSED_AT_ONCE === 0) await nextTurn()
  }
  return records
}
