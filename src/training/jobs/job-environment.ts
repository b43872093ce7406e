/** What a command is handed, and what is recorded of where it ran. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import { arch, availableParallelism, platform, release, totalmem } from 'node:os'
import { basename, delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '../../errors.ts'
import type { Job } from './job.ts'

export type Environment = Readonly<Record<string, string>>

/** What programs need to be found and to behave as their user is used to; nothing that is a secret by custom. */
const USUAL =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TERM|VIRTUAL_ENV|CONDA_PREFIX|R_HOME|JAVA_HOME|LD_LIBRARY_PATH)$/
const THREADS = [
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
]
const PROBE_MS_MAX = 30_000
const PROBE_BYTES_MAX = 8 << 20

export interface HandedOver {
  readonly environment: Environment
  /** Values that are taken out of the log. */
  readonly secrets: readonly string[]
}

/** @throws Problem `not_found` for a variable that is wanted and not there. */
export function environmentOf(
  job: Job,
  given: Readonly<Record<string, string | undefined>>,
  paths: Environment,
): HandedOver {
  const { pass, set, secrets } = job.environment
  const usual = Object.entries(given).filter(([name, value]) => USUAL.test(name) && value !== undefined)
  const missing = [...pass, ...secrets].filter(name => given[name] === undefined)
  if (missing.length > 0)
    throw new Problem('not_found', `Cannot hand over ${missing.join(', ')}: not set, the job's environment wants it`)
  const named = (names: readonly string[]): Environment => Object.fromEntries(names.map(name => [name, given[name]!]))
  const { seed, resources, parameters } = job
  const environment = {
    ...(Object.fromEntries(usual) as Environment),
    PYTHONUNBUFFERED: '1',
    ...(seed === undefined ? {} : { PYTHONHASHSEED: String(seed), BELLWETHER_SEED: String(seed) }),
    ...Object.fromEntries(
      resources.threads === undefined ? [] : THREADS.map(name => [name, String(resources.threads)]),
    ),
    ...set,
    ...named(pass),
    ...named(secrets),
    BELLWETHER_PARAMETERS: JSON.stringify(parameters),
    ...prefixed('BELLWETHER_PARAM_', parameters),
    ...prefixed('BELLWETHER_DATA_', paths),
  }
  return { environment, secrets: secrets.map(name => given[name]!).filter(value => value !== '') }
}

function prefixed(prefix: string, values: Readonly<Record<string, unknown>>): Environment {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name.toUpperCase(), String(value)]))
}

/** Where a program lies. @throws Problem `not_found` naming it. */
export function programAt(program: string, folder: string, path: string = ''): string {
  const places = program.includes('/')
    ? [resolve(folder, program)]
    : path.split(delimiter).map(place => join(resolve(folder, place), program))
  const found = places.find(isProgram)
  if (found !== undefined) return found
  const where = program.includes('/') ? places[0] : 'in the folders of PATH'
  throw new Problem('not_found', `Cannot run ${program}: no such program ${where}, wanted one that may be executed`)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** Where it ran, for people who wonder about a difference. */
export interface Machine {
  readonly system: string
  readonly processors: number
  readonly memory: number
  readonly interpreter?: string
  /** SHA-256 of `packages`, one `name==version` a line. */
  readonly packagesDigest?: string
}

const PACKAGES = `import importlib.metadata as m,sys
print('Python '+sys.version.split()[0])
print('\\n'.join(sorted({f"{d.metadata['Name']}=={d.version}" for d in m.distributions()})))`

/** Asks the interpreter, where the command has one that we know, which version it is and which packages it has. */
export async function machineOf(
  program: string,
  folder: string,
  environment: Environment,
): Promise<{ readonly machine: Machine; readonly packages: string | undefined }> {
  const known = basename(program)
  const isPython = /^(python|pypy)[\d.]*$/.test(known)
  const args = isPython ? ['-c', PACKAGES] : /^(Rscript|R|julia|node)$/.test(known) ? ['--version'] : undefined
  const options = { cwd: folder, env: environment, timeout: PROBE_MS_MAX, maxBuffer: PROBE_BYTES_MAX }
  const answer =
    args === undefined
      ? undefined
      : await promisify(execFile)(program, args, options).then(
          ({ stdout, stderr }) => (stdout.trim() === '' ? stderr : stdout).trim(),
          () => undefined,
        )
  const [interpreter, ...rest] = answer?.split('\n') ?? []
  const packages = isPython && interpreter !== undefined ? `${rest.join('\n')}\n` : undefined
  const machine = {
    system: `${platform()} ${release()} ${arch()}`,
    processors: availableParallelism(),
    memory: totalmem(),
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(packages === undefined ? {} : { packagesDigest: createHash('sha256').update(packages).digest('hex') }),
  }
  return { machine, packages }
}
