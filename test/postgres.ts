/**
 * A PostgreSQL of the test process's own: made when first asked for, on a Unix socket in a temporary folder (so no port
 * can clash and nobody else can come in), gone at the end, also where the process is killed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pg from 'pg'
import type { FreshPlace } from '../src/platform/temporary.suite.ts'
import { postgresPrograms } from './services.ts'

interface Cluster {
  url(database: string): string
  stop(): Promise<void>
}

interface User {
  readonly uid?: number
  readonly gid?: number
}

const START_MS_MAX = 30_000
/** Faster, and no less true: what these leave out matters only when the machine loses power. */
const SETTINGS = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_connections=60',
  'shared_buffers=16MB',
]

let cluster: Promise<Cluster> | undefined
let databases = 0

after(async () => {
  await (await cluster)?.stop()
})

/** An empty database that nobody else has. */
export const postgresPlace: FreshPlace = async () => {
  cluster ??= startCluster()
  const { url } = await cluster
  const name = `test_${++databases}`
  await administer(url('postgres'), `create database ${name}`)
  return { url: url(name) }
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function startCluster(): Promise<Cluster> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('Cannot start PostgreSQL: its programs are not there')
  const user = serverUser()
  const folder = mkdtempSync(join(tmpdir(), 'bw-pg-'))
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  const data = join(folder, 'data')
  const init = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--no-locale', '--no-sync', '--pgdata', data]
  execFileSync(join(programs, 'initdb'), init, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })

  const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, ...SETTINGS].flatMap(set => ['-c', set])
  const server = spawnGuarded(join(programs, 'postgres'), ['-D', data, ...settings], folder, user)
  const url = (database: string): string => `postgres://postgres@/${database}?host=${encodeURIComponent(folder)}`
  await ready(url('postgres'), server)
  return { url, stop: () => stopped(server) }
}

/** The server refuses to run as root; where the tests do, it runs as the user that its package made. */
function serverUser(): User {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * Runs a program that ends when this process does, however it does: a shell waits for the end of its standard input, which
 * comes when the other end of the pipe is gone, then stops the program by its pid and removes the folder.
 */
function spawnGuarded(program: string, args: readonly string[], folder: string, user: User): ChildProcess {
  const script = 'folder=$1; shift; "$@" & read -r line; kill -QUIT $!; wait $!; rm -rf "$folder"'
  const shell = ['-c', script, 'sh', folder, program, ...args]
  return spawn('sh', shell, { ...user, cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] })
}

async function ready(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS_MAX
  for (;;) {
    try {
      await administer(url, 'select 1')
      return
    } catch (error) {
      if (Date.now() > deadline || server.exitCode !== null) throw error
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

async function stopped(server: ChildProcess): Promise<void> {
  const gone = new Promise(resolve => server.once('exit', resolve))
  server.stdin?.end()
  await gone
}
