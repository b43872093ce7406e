/** Takes the ledger away through the API: what `tools/verify-export.mjs` checks, and that tool itself. */
import { createWriteStream } from 'node:fs'
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Client } from '../client.ts'
import { Problem } from '../errors.ts'
import type { SignedHead } from './evidence.ts'
import { writeNew } from './write-new.ts'

export interface ExportOptions {
  readonly gzip: boolean
  readonly signal: AbortSignal
  readonly progress: (done: number, total: number) => void
}

export interface Exported {
  readonly records: number
  readonly heads: number
  /** Of the records' file. */
  readonly bytes: number
}

const VERIFIER = new URL('../../tools/verify-export.mjs', import.meta.url)
const LINE_FEED = 0x0a

/** @param folder a new or an empty one. */
export async function exportLedger(server: Client, folder: string, options: ExportOptions): Promise<Exported> {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) {
    throw new Problem('conflict', `Cannot export to ${folder}: it holds something, wanted a new or an empty folder`)
  }
  const head = await server.json<SignedHead>('GET', '/audit/head')
  const name = options.gzip ? 'records.jsonl.gz' : 'records.jsonl'
  const path = `/audit/records?since=0&until=${head.size}`
  const answer = await server.send({ method: 'GET', path })
  let records = 0
  const bytes = await save(answer, join(folder, name), options, chunk => {
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) records++
    options.progress(records, head.size)
  })
  if (records !== head.size) {
    throw new Problem('failed', `Cannot export: ${records} records arrived, ${head.size} were announced`)
  }
  const heads = await linesUpTo(await server.send({ method: 'GET', path: '/audit/heads' }), head)
  await writeNew(join(folder, 'heads.jsonl'), heads.map(line => `${line}\n`).join(''))
  await writeNew(join(folder, 'keys.json'), `${JSON.stringify(await server.json('GET', '/audit/keys'), null, 2)}\n`)
  await copyFile(VERIFIER, join(folder, 'verify-export.mjs'))
  return { records, heads: heads.length, bytes }
}

/** Writes what comes to a file, on the device when this ends. */
async function save(
  answer: Response,
  path: string,
  { gzip, signal }: ExportOptions,
  look: (chunk: Uint8Array) => void,
): Promise<number> {
  const body = answer.body === null ? Readable.from([]) : Readable.fromWeb(answer.body)
  async function* looked(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      look(chunk as Uint8Array)
      yield chunk as Uint8Array
    }
  }
  const file = createWriteStream(path, { flags: 'wx', flush: true })
  await (gzip ? pipeline(looked, createGzip(), file, { signal }) : pipeline(looked, file, { signal }))
  return (await stat(path)).size
}

/** Heads that were signed meanwhile are left out: the export is of one moment. */
async function linesUpTo(answer: Response, head: SignedHead): Promise<string[]> {
  const lines = (await answer.text()).trimEnd().split('\n')
  const last = lines.findIndex(line => (JSON.parse(line) as SignedHead).signature === head.signature)
  if (last !== -1) return lines.slice(0, last + 1)
  throw new Problem('failed', 'Cannot export: the newest head is not among the heads of the server')
}
