/** The ledger's commands, over its routes, without a server in between. */
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { type Client, client } from '../../src/client.ts'
import { asProblem, problemDocument } from '../../src/errors.ts'
import { canonical } from '../../src/ledger/canonical.ts'
import { ledgerCommands } from '../../src/ledger/commands.ts'
import { idOf, type LedgerWorld, ledgerWorld, predictionText, START_AT } from '../../src/ledger/ledger-world.suite.ts'
import type { OpenedLedger } from '../../src/ledger/open-ledger.ts'
import { ledgerRoutes } from '../../src/ledger/routes.ts'
import type { Command, CommandContext } from '../../src/platform/command.ts'
import { openTerminal } from '../../src/platform/terminal.ts'
import type { Route } from '../../src/route.ts'

let world: LedgerWorld
let ledger: OpenedLedger
let api: Client
let texts: string[]

before(async () => {
  world = await ledgerWorld()
  ledger = await world.open()
  const common = (): object => ({ id: world.ids.next(), at: START_AT, actor: 'key:9', kind: 'refusal', requestId: 'r' })
  texts = Array.from({ length: 30 }, (_, index) =>
    predictionText(world, index, index === 3 ? { subject: 'of alice' } : {}),
  )
  texts.push(canonical({ ...common(), door: 'http', code: 'invalid', status: 422, count: 5 }))
  await ledger.append(texts)
  await ledger.seal()
  api = overRoutes(ledger)
})
after(() => world.close())

function overRoutes(opened: OpenedLedger): Client {
  const routes = ledgerRoutes({
    ledger: opened,
    refusals: { flush: async () => undefined },
    seals: { unseal: async () => '{}' },
    pseudonyms: { subject: id => `of ${id}` },
    reviews: async () => [],
  }) as Route[]
  return client(async ({ path, headers = {} }) => {
    const url = new URL(path, 'http://localhost')
    const parts = url.pathname.split('/')
    const route = routes.find(found => found.path.replace(':id', parts.at(-1)!) === url.pathname)!
    const texts = ['kind', 'model', 'version', 'order', 'after']
    const query = Object.fromEntries(
      [...url.searchParams].map(([name, value]) => [name, texts.includes(name) ? value : JSON.parse(value)]),
    )
    const actor = { id: 'local', name: 'local', roles: ['admin'] }
    const request = {
      requestId: 'r',
      actor,
      source: '127.0.0.1',
      params: { id: parts.at(-1)! },
      query,
      headers,
      body: undefined,
    }
    try {
      const answer = await route.handle({ ...request, parts: (async function* () {})() })
      const body =
        answer.stream === undefined ? (answer.text ?? JSON.stringify(answer.body)) : Readable.toWeb(answer.stream)
      return new Response(body as never)
    } catch (error) {
      const problem = asProblem(error)
      return new Response(JSON.stringify(problemDocument(problem, 'r')), { status: problem.status })
    }
  })
}

interface Ran {
  readonly status: number | undefined
  readonly said: string
}

async function run(path: string, values: Readonly<Record<string, unknown>> = {}, json = false): Promise<Ran> {
  let said = ''
  const stream = {
    write(text: string): boolean {
      said += text
      return true
    },
  }
  const command = ledgerCommands.find(known => known.path === path) as Command
  const context = {
    args: values,
    options: { limit: 20, ...values },
    terminal: openTerminal({ stdout: stream, stderr: stream } as never, { json, env: {} }),
    config: { config: { data: dirname(world.folder), keys: {} } },
    api: async () => api,
    signal: new AbortController().signal,
  }
  return { status: await command.run(context as unknown as CommandContext), said }
}

const place = (name: string): string => join(dirname(world.folder), name)

describe('commands of the ledger', () => {
  it('query tables, pages, subjects, plans and JSON', async () => {
    const { said } = await run('ledger query', { limit: 2 })
    assert.match(said, /refusal .*invalid ×5 .*key:9/)
    assert.match(said, /prediction .*churn@1\.0\.0 churn_probability=/)
    assert.match(said, /More with: --after 29/)
    assert.match((await run('ledger query', { after: '1', oldest: true, limit: 1 })).said, new RegExp(idOf(texts[2]!)))
    const alice = JSON.parse((await run('ledger query', { subject: 'alice' }, true)).said) as {
      records: { id: string }[]
    }
    assert.deepEqual(
      alice.records.map(({ id }) => id),
      [idOf(texts[3]!)],
    )
    const explained = (await run('ledger query', { kind: 'refusal', explain: true })).said
    assert.match(explained, /2 sealed files, 1 considered by their manifests, 1 read\n {2}kind=refusal\//)
    assert.match((await run('ledger query', { since: '2030-01-01' })).said, /No records/)
    await assert.rejects(run('ledger query', { until: 'soon' }), { code: 'usage' })
  })

  it('head and prove write new files only', async () => {
    const path = place('head.json')
    assert.match((await run('audit head', { output: path })).said, /Wrote .*: 31 records/)
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), await ledger.head())
    await assert.rejects(run('audit head', { output: path }), { code: 'conflict' })
    const proof = await run('audit prove', { id: idOf(texts[4]!) }, true)
    assert.deepEqual(JSON.parse(proof.said), await ledger.prove(idOf(texts[4]!)))
    assert.match(
      (await run('audit prove', { id: idOf(texts[4]!), output: place('proof.json') })).said,
      /is record 5 of 31/,
    )
    await assert.rejects(run('audit prove', { id: world.ids.next() }), { code: 'not_found' })
  })

  it('export what the verifier in it accepts, also compressed, and only into a new folder', async () => {
    for (const gzip of [false, true]) {
      const output = place(`export-${gzip}`)
      assert.match((await run('audit export', { output, gzip })).said, /Wrote 31 records and \d heads/)
      const records = gzip ? 'records.jsonl.gz' : 'records.jsonl'
      assert.deepEqual((await readdir(output)).sort(), ['heads.jsonl', 'keys.json', records, 'verify-export.mjs'])
      const verified = await run('audit verify', { dir: output, head: place('head.json') })
      assert.deepEqual([verified.status, /INTACT/.test(verified.said)], [undefined, true])
      await assert.rejects(run('audit export', { output }), { code: 'conflict' })
    }
    const path = join(place('export-false'), 'records.jsonl')
    await writeFile(path, (await readFile(path, 'utf8')).replace('"age":18', '"age":19'))
    assert.equal((await run('audit verify', { dir: place('export-false') })).status, 65)
  })

  it('verify the data folder with its own key, or with one kept elsewhere', async () => {
    const own = await run('audit verify', { head: place('head.json') })
    assert.equal(own.status, undefined)
    assert.match(own.said, /^Intact: 31 records, 31 of them proven/)
    assert.match(own.said, /Sealed: 31 records in 1 segments, \d+\.\d bytes a record/)
    const kept = await run('audit verify', { 'public-key': [world.signer.publicKey] }, true)
    assert.equal((JSON.parse(kept.said) as { ok: boolean }).ok, true)
    const wrong = await run('audit verify', { 'public-key': [Buffer.alloc(32).toString('base64')] })
    assert.equal(wrong.status, 65)
    assert.match(wrong.said, /^NOT INTACT: .* not signed with a key of this ledger/s)
    await assert.rejects(run('audit verify', { dir: place('nothing') }), { code: 'not_found' })
    await writeFile(place('no-head.json'), '{}')
    await assert.rejects(run('audit verify', { head: place('no-head.json') }), { code: 'malformed' })
  })
})
