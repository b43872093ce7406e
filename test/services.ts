/**
 * What tests need from the machine: databases, Prometheus, Python, a browser, data sets. `scripts/services` installs what can
 * be installed. A test that finds its service missing is skipped and says why; in CI nothing may be skipped silently:
 *
 *   SERVICES=required   what `scripts/services` installs must be there, or the test file fails
 *   SERVICES=all        and the reference data beside the repository as well
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Service =
  | 'postgres'
  | 'prometheus'
  | 'python'
  | 'kserve'
  | 'mlflow'
  | 'signing'
  | 'poppler'
  | 'chromium'
  | 'kafka'
  | 'zsh'
  | 'redis'
  | 'shared'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const INSTALLED_BY = '`scripts/services` installs it'

/** The reason to skip a test that needs the service, or `false` where it is there: the `skip` option of `node:test`. */
export function skipUnless(name: Service): string | false {
  const missing = LACKING[name]()
  if (missing === undefined) return false
  const required = process.env['SERVICES']
  if (required === 'all' || (required === 'required' && name !== 'shared')) {
    throw new Error(`Cannot test with ${name}: ${missing}, and SERVICES=${required} wants it`)
  }
  return missing
}

/** Folder with `initdb`, `postgres` and `pg_ctl`: Debian keeps them out of the path. The newest version there is. */
export function postgresPrograms(): string | undefined {
  const parent = '/usr/lib/postgresql'
  const versions = existsSync(parent) ? readdirSync(parent).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map(version => join(parent, version, 'bin')), ...path()]
  return folders.find(folder => ['initdb', 'postgres', 'pg_ctl'].every(program => existsSync(join(folder, program))))
}

/** The interpreter of the environment that `scripts/services` makes from `scripts/requirements.txt`. */
export const PYTHON: string = join(ROOT, '.venv/bin/python')

/** As above, with KServe's client, which wants other versions of the same packages. */
export const KSERVE_PYTHON: string = join(ROOT, '.venv-kserve/bin/python')

/** As above, with the whole of MLflow: its client, its server and its commands. */
export const MLFLOW_PYTHON: string = join(ROOT, '.venv-mlflow/bin/python')

/** As above, with OpenSSF's client of model signatures and CycloneDX's validator. */
export const SIGNING_PYTHON: string = join(ROOT, '.venv-signing/bin/python')

/** Redis, or Valkey, which speaks the same. */
export function redisProgram(): string | undefined {
  return onPath('redis-server') ?? onPath('valkey-server')
}

/** Folder of the jars of Kafka, which `scripts/services` fetches. */
export const KAFKA: string = join(ROOT, '.kafka/libs')

/** The browser's program. */
export function chromiumProgram(): string | undefined {
  return onPath('chromium') ?? onPath('chromium-browser') ?? onPath('google-chrome')
}

/** A file or folder of the reference data that lies beside the repository and is never part of it. */
export function shared(...parts: string[]): string {
  return join(ROOT, '../shared', ...parts)
}

const LACKING: Readonly<Record<Service, () => string | undefined>> = {
  postgres: () =>
    postgresPrograms() === undefined ? `PostgreSQL's programs are not there; ${INSTALLED_BY}` : undefined,
  prometheus: () => {
    const missing = ['prometheus', 'promtool'].filter(program => onPath(program) === undefined)
    return missing.length === 0 ? undefined : `${missing.join(' and ')} not on the path; ${INSTALLED_BY}`
  },
  python: () => lackingEnvironment('.venv', 'scripts/requirements.txt'),
  kserve: () => lackingEnvironment('.venv-kserve', 'scripts/requirements-kserve.txt'),
  mlflow: () => lackingEnvironment('.venv-mlflow', 'scripts/requirements-mlflow.txt'),
  signing: () => lackingEnvironment('.venv-signing', 'scripts/requirements-signing.txt'),
  chromium: () => (chromiumProgram() === undefined ? `no chromium on the path; ${INSTALLED_BY}` : undefined),
  redis: () => (redisProgram() === undefined ? `no redis-server on the path; ${INSTALLED_BY}` : undefined),
  kafka: () => {
    if (onPath('java') === undefined) return `no java on the path; ${INSTALLED_BY}`
    return existsSync(join(KAFKA, '../pom.xml')) ? undefined : `Kafka's jars are not in .kafka; ${INSTALLED_BY}`
  },
  poppler: () => (onPath('pdftotext') === undefined ? `no pdftotext on the path; ${INSTALLED_BY}` : undefined),
  zsh: () => (onPath('zsh') === undefined ? `no zsh on the path; ${INSTALLED_BY}` : undefined),
  shared: () => (existsSync(shared('models')) ? undefined : 'the reference data is not beside the repository'),
}

/** An environment keeps a copy of the list it was made from: an older one lacks what a test wants now. */
function lackingEnvironment(folder: string, requirements: string): string | undefined {
  const wanted = readFileSync(join(ROOT, requirements), 'utf8')
  const made = join(ROOT, folder, 'requirements.txt')
  if (!existsSync(join(ROOT, folder, 'bin/python')) || !existsSync(made))
    return `there is no Python environment ${folder}; ${INSTALLED_BY}`
  return readFileSync(made, 'utf8') === wanted
    ? undefined
    : `the Python environment ${folder} is an older one; ${INSTALLED_BY}`
}

function path(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
}

function onPath(program: string): string | undefined {
  return path()
    .map(folder => join(folder, program))
    .find(file => existsSync(file))
}
