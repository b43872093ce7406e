/** The whole application in this process, on a folder and a port of its own, with models that tests can work out by hand. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, openApp } from '../../src/app.ts'
import type { LedgerRecord } from '../../src/ledger/record.ts'
import { loadConfig } from '../../src/platform/config.ts'
import { tinyModel } from '../journeys/model.ts'

export interface RunningApp {
  readonly url: string
  /** Where it answers gRPC, if the flags say so. */
  readonly grpc: string
  readonly data: string
  /** Speaks as the owner of the data folder. */
  readonly transport: App['transport']
  /** All records so far, oldest first. */
  records(): Promise<LedgerRecord[]>
  /** Registers the tiny model under a name; `manifest` is the text of a model.yaml without its artifact. */
  register(name: string, version?: string, manifest?: string): Promise<void>
  /** Makes a key for a role, and returns it. The first must be an admin's. */
  key(role: string): Promise<string>
}

export async function withApp(
  flags: Readonly<Record<string, unknown>>,
  use: (app: RunningApp) => Promise<void>,
): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'bellwether-serving-'))
  try {
    const config = loadConfig({ flags: { data, 'server.port': 0, ...flags }, env: {}, cwd: data })
    const app = await openApp(config, { quiet: true })
    try {
      await use({
        url: app.url!,
        grpc: app.grpc ?? '',
        data,
        transport: app.transport,
        records: () => recordsOf(app),
        register: registrar(app),
        key: role => newKey(app, role),
      })
    } finally {
      await app.close()
    }
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

async function recordsOf({ transport }: App): Promise<LedgerRecord[]> {
  const answer = await transport({ method: 'GET', path: '/audit/records' })
  if (!answer.ok) throw new Error(`Cannot read the records: ${await answer.text()}`)
  const lines = (await answer.text()).split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as LedgerRecord)
}

function registrar({ transport }: App): RunningApp['register'] {
  return async (name, version = '1.0.0', manifest) => {
    const body = new FormData()
    if (manifest === undefined) {
      body.append('name', name)
      body.append('version', version)
    } else {
      body.append('model', `name: ${name}\nversion: ${version}\nartifact: model.json\n${manifest}`)
    }
    body.append('artifact', new File([tinyModel()], 'model.json'))
    const answer = await transport({ method: 'POST', path: '/models/register', body })
    if (!answer.ok) throw new Error(`Cannot register ${name}: ${await answer.text()}`)
  }
}

async function newKey({ transport }: App, role: string): Promise<string> {
  const body = JSON.stringify({ name: role, roles: [role] })
  const headers = { 'content-type': 'application/json' }
  const answer = await transport({ method: 'POST', path: '/keys', headers, body })
  if (!answer.ok) throw new Error(`Cannot make a key: ${await answer.text()}`)
  return ((await answer.json()) as { secret: string }).secret
}

/** Typed features with limits, one of them sensitive and one that may be missing. */
export const STRICT = `
signature:
  inputs:
    - {name: age, type: integer, minimum: 18, maximum: 100}
    - {name: tenure, type: integer, minimum: 0, nullable: true}
uses: {permitted: [retention-offer], prohibited: [credit-decision]}
`

export interface Asked {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

/** Sends a body, JSON by default, and reads the JSON that comes back. */
export async function ask(
  url: string,
  body: string | Uint8Array | object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: sent as string,
  })
  return { status: response.status, body: (await response.json()) as Asked['body'], headers: response.headers }
}
