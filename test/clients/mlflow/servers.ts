/** MLflow's own server, and the exercise that is run against it and against ours. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { MLFLOW_PYTHON } from '../../services.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const LINES_KEPT = 40

export interface OwnServer {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

interface OwnSettings {
  /** SQLAlchemy's address of its database. Default: SQLite. */
  readonly database?: string
  /** Processes that answer. Default: 1. */
  readonly workers?: number
}

/** Starts `mlflow server` on a port of its own; resolves when it answers. */
export async function mlflowServer({ database, workers = 1 }: OwnSettings = {}): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-mlflow-server-'))
  const store = [
    '--backend-store-uri',
    database ?? `sqlite:///${folder}/mlflow.db`,
    '--artifacts-destination',
    join(folder, 'files'),
  ]
  const place = ['--host', '127.0.0.1', '--port', '0', '--workers', String(workers)]
  const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', PYTHONUNBUFFERED: '1' }
  const server = spawn(MLFLOW_PYTHON, ['-m', 'mlflow', 'server', ...store, ...place], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()))
  const said: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr])
      createInterface({ input: stream }).on('line', line => {
        said.push(line)
        said.splice(0, said.length - LINES_KEPT)
        const found = /running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)
        if (found !== null) resolve(found[1]!)
      })
    server.once('error', reject)
    server.once('exit', code => reject(new Error(`mlflow server ended with ${code}:\n${said.join('\n')}`)))
  })
  return {
    url,
    pid: server.pid!,
    async stop(): Promise<void> {
      // Its workers are processes of the same group.
      process.kill(-server.pid!, 'SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type Part = 'tracking' | 'registry' | 'learning' | 'raw'

/** What a server answered, by what was asked. */
export type Answers = ReadonlyMap<string, unknown>

/** Runs one part of the exercise by the stock client. */
export async function exercised(
  part: Part,
  { url, password }: { readonly url: string; readonly password?: string },
): Promise<Answers> {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-mlflow-client-'))
  try {
    const out = join(folder, 'answers.jsonl')
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      MLFLOW_TRACKING_URI: url,
      EXERCISE_OUT: out,
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONPATH: HERE,
      OMP_NUM_THREADS: '1',
      ...(password === undefined ? {} : { MLFLOW_TRACKING_USERNAME: 'anybody', MLFLOW_TRACKING_PASSWORD: password }),
    }
    await promisify(execFile)(MLFLOW_PYTHON, [join(HERE, 'exercise.py'), part], {
      cwd: folder,
      env,
      maxBuffer: 1 << 26,
    })
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
    return new Map(
      lines.map(line => {
        const { kind, at, value } = JSON.parse(line) as { kind: string; at: string; value: unknown }
        return [`${kind} ${at}`, value]
      }),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
