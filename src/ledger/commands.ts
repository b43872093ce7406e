import { Problem } from '../errors.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import type { InclusionProof, SignedHead } from './evidence.ts'
import { exportLedger } from './export.ts'
import type { SearchPlan } from './query.ts'
import { type LedgerRecord, RECORD_KINDS } from './record.ts'
import { runVerify } from './verify-command.ts'
import { writeNew } from './write-new.ts'

const verify: Command = {
  path: 'audit verify',
  summary: 'Prove that nobody edited, inserted, reordered, deleted or cut off records',
  description:
    'Computes the hash of every record again, from the files as they lie there, and compares the roots of the tree with all\n' +
    'signed heads. Needs no server, and works beside one. What was cut off together with its heads shows only against a\n' +
    'head that was kept elsewhere (`audit head`). A directory made by `audit export` is checked with the verifier in it.',
  args: [
    {
      name: 'dir',
      summary: 'A data folder or an export; without it, the data folder in use',
      optional: true,
      completes: 'folder',
    },
  ],
  options: [
    {
      name: 'head',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'A signed head that was kept elsewhere',
    },
    {
      name: 'public-key',
      type: 'string',
      value: 'BASE64',
      repeatable: true,
      summary: 'A key that was kept elsewhere, in place of the one in the data folder',
    },
  ],
  examples: [
    { line: 'bellwether audit verify', does: 'the ledger of the data folder' },
    { line: 'bellwether audit verify --head head-2026-11-22.json', does: 'also that its end is there' },
    { line: 'bellwether audit verify proof/', does: 'an export' },
  ],
  run: runVerify,
}

const head: Command = {
  path: 'audit head',
  summary: 'The signed head over all records until now',
  description:
    'A few hundred bytes that stand for the whole ledger. Keep it where the ledger is not: print it, mail it.',
  options: [
    { name: 'output', short: 'o', type: 'string', value: 'FILE', completes: 'file', summary: 'Write it to a file' },
  ],
  examples: [{ line: 'bellwether audit head --output head.json', does: 'to be kept elsewhere' }],
  run: async ({ api, options, terminal }) => {
    const newest = await (await api()).json<SignedHead>('GET', '/audit/head')
    const path = options['output'] as string | undefined
    if (path !== undefined) await writeNew(path, `${JSON.stringify(newest)}\n`)
    terminal.result(newest, () =>
      path === undefined ? JSON.stringify(newest, null, 2) : `Wrote ${path}: ${newest.size} records`,
    )
    return undefined
  },
}

const prove: Command = {
  path: 'audit prove',
  summary: 'Prove one record to somebody who has nothing but a head',
  args: [{ name: 'id', summary: 'Id of the record, as an answer or `ledger query` gives it' }],
  options: [
    {
      name: 'output',
      short: 'o',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'Write the proof to a file',
    },
  ],
  examples: [
    { line: 'bellwether audit prove 019aaaac-7601-70f2-8d7e-919e8cdb1208 -o proof.json', does: 'a proof to hand over' },
    { line: 'node verify-export.mjs --proof proof.json', does: 'checks it, without Bellwether' },
  ],
  run: async ({ api, args, options, terminal }) => {
    const id = args['id'] ?? ''
    const proof = await (await api()).json<InclusionProof>('GET', `/audit/proofs/${encodeURIComponent(id)}`)
    const path = options['output'] as string | undefined
    if (path !== undefined) await writeNew(path, `${JSON.stringify(proof, null, 2)}\n`)
    const where = `record ${proof.index + 1} of ${proof.head.size}`
    terminal.result(proof, () =>
      path === undefined ? JSON.stringify(proof, null, 2) : `Wrote ${path}: ${id} is ${where}`,
    )
    return undefined
  },
}

const exportCommand: Command = {
  path: 'audit export',
  summary: 'Take the ledger away, with all that is needed to check it',
  description:
    'Writes records, signed heads and public keys, and a verifier of one file that needs Node and nothing of ours:\n' +
    '  node DIR/verify-export.mjs DIR',
  options: [
    {
      name: 'output',
      short: 'o',
      type: 'string',
      value: 'DIR',
      required: true,
      completes: 'folder',
      summary: 'A new folder',
    },
    { name: 'gzip', type: 'boolean', summary: 'Compress the records' },
  ],
  examples: [{ line: 'bellwether audit export --output proof/', does: 'everything' }],
  run: async ({ api, options, terminal, signal }) => {
    const folder = options['output'] as string
    const progress = terminal.progress('Exporting')
    const server = await api()
    const { records, heads, bytes } = await exportLedger(server, folder, {
      gzip: options['gzip'] === true,
      signal,
      progress: (done, total) => progress.update(done, `${done} of ${total} records`),
    })
    progress.end()
    terminal.result({ folder, records, heads, bytes }, () =>
      [
        `Wrote ${records} records and ${heads} heads to ${folder}`,
        `Check them with: node ${folder}/verify-export.mjs ${folder}`,
      ].join('\n'),
    )
    return undefined
  },
}

const query: Command = {
  path: 'ledger query',
  summary: 'Look for records',
  args: [],
  options: [
    { name: 'kind', type: 'string', value: 'KIND', completes: RECORD_KINDS, summary: RECORD_KINDS.join(', ') },
    { name: 'model', type: 'string', value: 'NAME', completes: 'model', summary: 'Of this model' },
    { name: 'model-version', type: 'string', value: 'SEMVER', summary: 'Of this version of it' },
    {
      name: 'since',
      type: 'string',
      value: 'TIME',
      summary: 'Not before: 2026-11-22, 2026-11-22T14:00Z, or milliseconds',
    },
    { name: 'until', type: 'string', value: 'TIME', summary: 'Before' },
    { name: 'subject', type: 'string', value: 'ID', summary: 'About this subject: the id itself' },
    { name: 'actor', type: 'string', value: 'ID', summary: 'Of this caller' },
    {
      name: 'where',
      type: 'string',
      value: 'CONDITIONS',
      summary: 'Of predictions: by what moved them, what they were made of, what was answered',
    },
    { name: 'oldest', type: 'boolean', summary: 'Oldest first, not newest' },
    { name: 'limit', type: 'number', value: 'COUNT', default: 20, summary: 'At most so many, up to 10,000' },
    { name: 'after', type: 'string', value: 'PAGE', summary: 'The page after: `next` of the one before' },
    { name: 'explain', type: 'boolean', summary: 'Say which files were read, and how' },
  ],
  examples: [
    { line: 'bellwether ledger query --model churn --since 2026-11-22 --until 2026-11-23', does: 'the last of a day' },
    { line: 'bellwether ledger query --subject customer-17 --json', does: 'everything about a customer' },
    { line: 'bellwether ledger query --kind refusal --explain', does: 'with the plan' },
    {
      line: "bellwether ledger query --model churn --where 'contribution.balance > 0.1 and feature.age < 30'",
      does: 'what was decided by the balance of the young',
    },
  ],
  run: runQuery,
}

export const ledgerCommands: readonly Command[] = [verify, prove, exportCommand, head, query]

interface Page {
  readonly records: readonly LedgerRecord[]
  readonly next?: string
  readonly plan?: SearchPlan
}

async function runQuery({ api, options, terminal }: CommandContext): Promise<undefined> {
  const asked = new URLSearchParams()
  const put = (name: string, value: unknown): void => {
    if (value !== undefined) asked.set(name, String(value))
  }
  for (const name of ['kind', 'model', 'actor', 'where', 'limit', 'after']) put(name, options[name])
  put('version', options['model-version'])
  put('since', timeOf('since', options['since']))
  put('until', timeOf('until', options['until']))
  if (options['oldest'] === true) put('order', 'oldest')
  if (options['explain'] === true) put('explain', true)
  const { subject } = options
  const headers = typeof subject === 'string' ? { 'bellwether-subject': subject } : {}
  const answer = await (await api()).send({ method: 'GET', path: `/ledger/records?${asked}`, headers })
  const page = (await answer.json()) as Page
  terminal.result(page, () => {
    const parts = [
      page.records.length === 0
        ? 'No records'
        : terminal.table(['at', 'kind', 'id', 'what', 'actor'], page.records.map(rowOf)),
    ]
    if (page.plan !== undefined) parts.push(planText(page.plan))
    if (page.next !== undefined) parts.push(`More with: --after ${page.next}`)
    return parts.join('\n\n')
  })
}

function timeOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  const text = String(value)
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isSafeInteger(at) && at >= 0) return at
  throw new Problem('usage', `Cannot query: --${name} is "${text}", wanted a time such as 2026-11-22T14:00Z`)
}

function rowOf(record: LedgerRecord): string[] {
  return [new Date(record.at).toISOString(), record.kind, record.id, whatOf(record), record.actor]
}

function whatOf(record: LedgerRecord): string {
  switch (record.kind) {
    case 'prediction': {
      const outputs = Object.entries(record.outputs).map(([name, value]) => `${name}=${value}`)
      return `${record.model}@${record.version} ${outputs.join(' ')}`
    }
    case 'refusal':
      return `${record.code} ×${record.count} ${record.model ?? ''}`.trimEnd()
    case 'outcome':
      return `${record.model ?? ''} ${record.value}`.trimStart()
    case 'change':
      return `${record.action} ${record.target}`
    default:
      return ''
  }
}

function planText({ filesInLedger, filesConsidered, filesRead, journalFilesRead, queries }: SearchPlan): string {
  const counts = `${filesInLedger} sealed files, ${filesConsidered} considered by their manifests, ${filesRead.length} read`
  return [
    counts,
    ...filesRead.map(path => `  ${path}`),
    `${journalFilesRead.length} journal files read`,
    ...journalFilesRead.map(path => `  ${path}`),
    ...queries.map(({ sql, plan }) => `\n${sql}\n${plan}`),
  ].join('\n')
}
