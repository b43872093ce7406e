/** Models that somebody else computes, at registration: who may bring them, and what their columns hold. */
import { permits } from '../access/roles.ts'
import type { CsvTable } from '../data/csv.ts'
import { Problem } from '../errors.ts'
import { canonical } from '../ledger/canonical.ts'
import type { ExternalColumn, ExternalModel, PythonSettings } from '../predictor/external.ts'
import type { AwaitedPredictor } from '../predictor/predictor.ts'
import type { Actor } from '../route.ts'
import { pythonSettings } from '../runtimes/python-keys.ts'
import type { Described, Runtimes, Served } from '../runtimes/runtimes.ts'
import type { Manifest } from './manifest.ts'
import type { Feature, Signature } from './signature.ts'

/** Throws `forbidden` where a manifest wants what only somebody with `model:trust` may bring. */
export function requireTrusted({ name, version, trust, python, remote }: Manifest, by: Pick<Actor, 'roles'>): void {
  const wants = [
    trust === 'code' && 'an artifact that runs code of its own (trust: code)',
    (python?.command ?? python?.environment) !== undefined && 'a Python program of its own choice',
    remote !== undefined && 'to have this server call another (remote)',
  ].find(wish => typeof wish === 'string')
  if (wants === undefined || permits(by, 'model:trust')) return
  throw new Problem('forbidden', `Cannot register ${name}@${version}: ${wants} needs the permission model:trust`)
}

/** What stands for the artifact of a model that is behind another server; `undefined` where model.yaml names none. */
export async function remoteArtifact(manifest: string): Promise<Uint8Array | undefined> {
  const { parseManifest } = await import('./manifest.ts')
  const { remote } = parseManifest(manifest)
  return remote === undefined ? undefined : new TextEncoder().encode(canonical({ remote }))
}

/** The settings of a Python model, if it is declared to be one. */
export function pythonOf(
  { python, trust }: Manifest,
  requirements: string | undefined,
  command: string,
): PythonSettings | undefined {
  if (python === undefined) return undefined
  if ((python.command ?? python.environment) !== undefined && trust !== 'code') {
    const problem = 'names a program that the server would run; say "trust: code", or leave it out'
    const field = python.command === undefined ? 'python.environment' : 'python.command'
    throw new Problem('invalid', `Cannot take model.yaml: ${field} ${problem}`, { fields: [{ field, problem }] })
  }
  const lines = typeof python.requirements === 'object' ? python.requirements : (requirements ?? '').split(/\r?\n/)
  return pythonSettings(
    python,
    trust === 'code',
    lines.filter(line => line.trim() !== ''),
    command,
  )
}

/** Who computes the artifact, if not we. */
export async function describeExternal(
  { remote }: Manifest,
  settings: PythonSettings | undefined,
  bytes: Uint8Array,
  served: Served,
  runtimes: Runtimes,
): Promise<Described | undefined> {
  if (remote !== undefined) return await runtimes.describeRemote(remote)
  return settings === undefined ? undefined : await runtimes.describePython(bytes, settings, served)
}

/** Opens a model that is new: what ONNX Runtime does not take is the fault of whoever brings it, not of this server. */
export async function openNew(model: ExternalModel, served: Served, runtimes: Runtimes): Promise<AwaitedPredictor> {
  try {
    return await runtimes.open(model, served)
  } catch (error) {
    const cause = error instanceof Problem ? error.cause : undefined
    throw cause instanceof Problem && cause.code === 'invalid' ? cause : error
  }
}

/** What a foreign model is told of its columns: types as pandas would read them from the reference data. */
export function externalColumns({ inputs }: Signature, reference: CsvTable | undefined): readonly ExternalColumn[] {
  return inputs.map(({ name, type, categories, nullable }): ExternalColumn => {
    if (type === 'string') return { name, type: 'text', categories: categories ?? [] }
    return { name, type: nullable ? 'float' : numberType(type, reference?.columns.get(name)?.kind) }
  })
}

/** What a person should know of how rows are handed over: types that a model was not tried out on may change its last digits. */
export function columnsNote(model: ExternalModel): string | undefined {
  if (model.kind !== 'python') return undefined
  const { settings, columns } = model
  const types = Map.groupBy(columns, ({ type }) =>
    settings.numbers === 'float32' && type !== 'text' ? 'float32' : DTYPES[type],
  )
  const told = [...types].map(([type, those]) => `${those.length} ${type}`).join(', ')
  const given = settings.input === 'numpy' ? 'a NumPy matrix' : 'a pandas DataFrame'
  return `rows are handed to Python as ${given} of ${told}; where the model was tried out on float32, say python.numbers: float32`
}

const DTYPES = { float: 'float64', int: 'int64', bool: 'bool', text: 'texts' } as const

/** 0 and 1 in a file are whole numbers; the words true and false are booleans. */
function numberType(type: Feature['type'], kind: string | undefined): ExternalColumn['type'] {
  if (type === 'integer') return 'int'
  if (type !== 'boolean') return 'float'
  return kind === undefined || kind === 'boolean' ? 'bool' : 'int'
}
