/** A PostgreSQL of one process: on a Unix socket in a temporary folder, gone when the process is, also where that is killed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { postgresPrograms } from './services.ts'

export interface Cluster {
  /** The folder of its socket. */
  readonly folder: string
  url(database: string): string
  stop(): Promise<void>
}

interface User {
  readonly uid?: number
  readonly gid?: number
}

const START_MS_MAX = 30_000

export async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** @param settings beside those of the place, as `name=value`. */
export async function startCluster(settings: readonly string[]): Promise<Cluster> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('Cannot start PostgreSQL: its programs are not there')
  const user = serverUser()
  const folder = mkdtempSync(join(tmpdir(), 'bw-pg-'))
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  const data = join(folder, 'data')
  const init = ['--auth=trust', '--username=postgres', '--encoding=UTF8', '--no-locale', '--no-sync', '--pgdata', data]
  execFileSync(join(programs, 'initdb'), init, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })

  const all = ['listen_addresses=', `unix_socket_directories=${folder}`, ...settings].flatMap(set => ['-c', set])
  const server = spawnGuarded(join(programs, 'postgres'), ['-D', data, ...all], folder, user)
  const url = (database: string): string => `postgres://postgres@/${database}?host=${encodeURIComponent(folder)}`
  await ready(url('postgres'), server)
  return { folder, url, stop: () => stopped(server) }
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
