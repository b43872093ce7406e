/** What tests of training jobs share: a server, folders with jobs, the command line, and what is kept of a run. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bellwether, type Ended, type RunningServer, startServer } from '../server.ts'

export interface Told {
  readonly run: string
  readonly status: string
  readonly exit: number
  readonly problems: readonly string[]
  readonly outputs: readonly { readonly path: string; readonly sha256: string }[]
}

export interface Kept {
  readonly status: string
  readonly tags: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, number>>
}

let shared: Promise<RunningServer> | undefined

/** One server for all tests of this file. */
export function server(): Promise<RunningServer> {
  shared ??= startServer()
  return shared
}

test.after(async () => {
  const running = await shared
  await running?.kill('SIGTERM')
  if (running !== undefined) rmSync(running.data, { recursive: true, force: true })
})

/** A folder with files of these contents, which is removed. */
export function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-job-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

export async function trained(
  folder: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended & { readonly told: Told }> {
  const { url } = await server()
  const ended = await bellwether(['train', join(folder, 'job.yaml'), '--server', url, '--json', ...args], env)
  return { ...ended, told: (ended.stdout === '' ? {} : JSON.parse(ended.stdout)) as Told }
}

export async function keptOf(run: string): Promise<Kept> {
  const { url } = await server()
  const answer = await fetch(`${url}/api/2.0/mlflow/runs/get?run_id=${run}`)
  const { run: found } = (await answer.json()) as {
    run: { info: { status: string }; data: Record<string, { key: string; value: never }[] | undefined> }
  }
  const { tags = [], params = [], metrics = [] } = found.data
  const all = (each: readonly { key: string; value: never }[]) =>
    Object.fromEntries(each.map(({ key, value }) => [key, value]))
  return { status: found.info.status, tags: all(tags), params: all(params), metrics: all(metrics) }
}

export async function artifact(run: string, path: string): Promise<string> {
  const { url } = await server()
  const info = await (await fetch(`${url}/api/2.0/mlflow/runs/get?run_id=${run}`)).json()
  const root = (info as { run: { info: { artifact_uri: string } } }).run.info.artifact_uri.replace(
    /^mlflow-artifacts:\/*/,
    '',
  )
  return await (await fetch(`${url}/api/2.0/mlflow-artifacts/artifacts/${root}/${path}`)).text()
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
