/**
 * What an MLflow model is made of, as far as its file MLmodel says it: which of its files is the model itself, and what goes in
 * (https://mlflow.org/docs/latest/ml/model/).
 */
import { Problem } from '../../errors.ts'
import type { DeclaredFeature } from '../../registry/manifest.ts'
import { invalid, shown } from './fields.ts'

/** The part of a model's folder that becomes the artifact. */
export interface Servable {
  /** The flavour it is read by. */
  readonly flavor: string
  /** Path in the folder; absent: the folder as a whole. */
  readonly file?: string
  /** Whether Python computes it. */
  readonly isPython: boolean
  /** Whether loading it runs code that is in it. */
  readonly runsCode: boolean
  /** Where the model's author wrote down what goes in. */
  readonly inputs?: readonly DeclaredFeature[]
}

type Mapping = Readonly<Record<string, unknown>>

const ALIASES_MAX = 20
const INPUTS_MAX = 100_000

/** Reads the text of a file MLmodel. Throws `invalid` where it is none, or has no flavour that can answer. */
export async function servableOf(text: string): Promise<Servable> {
  const { parse } = await import('yaml') // a server may run for months without it
  let read: unknown
  try {
    read = parse(text, { maxAliasCount: ALIASES_MAX })
  } catch (error) {
    throw invalid(`Cannot read MLmodel: ${(error as Error).message.split('\n')[0]}`)
  }
  const described = mapping(read)
  const flavors = mapping(described?.['flavors'])
  if (described === undefined || flavors === undefined) throw invalid('Cannot read MLmodel: it names no flavors')
  const inputs = inputsOf(mapping(described['signature'])?.['inputs'])
  const known = [ofFile(flavors, 'xgboost'), ofFile(flavors, 'lightgbm'), ofFile(flavors, 'onnx'), ofSklearn(flavors)]
  const found = known.find(one => one !== undefined) ?? ofPython(flavors)
  if (found === undefined) {
    const names = Object.keys(flavors).join(', ')
    throw invalid(`Cannot serve the model: its flavors are ${names}, wanted one that Python loads or a native one`)
  }
  return { ...found, ...(inputs === undefined ? {} : { inputs }) }
}

function mapping(value: unknown): Mapping | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : undefined
}

/** A path in the folder, which must not lead out of it. */
function pathIn(flavor: Mapping, key: string): string | undefined {
  const path = flavor[key]
  if (typeof path !== 'string' || path === '') return undefined
  if (path.startsWith('/') || path.includes('\\') || path.split('/').some(part => part === '..' || part === ''))
    throw invalid(`Cannot read MLmodel: ${key} is ${shown(path)}, wanted the path of a file in the model's folder`)
  return path
}

/** Flavours whose own file we read. LightGBM's scikit-learn classes are pickled, or written by skops. */
function ofFile(flavors: Mapping, name: 'xgboost' | 'lightgbm' | 'onnx'): Servable | undefined {
  const flavor = mapping(flavors[name])
  const file = flavor && pathIn(flavor, 'data')
  if (file === undefined) return undefined
  if (file.endsWith('.pkl')) return { ...pickled(flavor!, file), flavor: name }
  if (file.endsWith('.skops')) return { flavor: name, file, isPython: true, runsCode: false }
  return { flavor: name, file, isPython: false, runsCode: false }
}

function ofSklearn(flavors: Mapping): Servable | undefined {
  const flavor = mapping(flavors['sklearn'])
  const file = flavor && pathIn(flavor, 'pickled_model')
  if (file === undefined) return undefined
  if (flavor!['serialization_format'] === 'skops') return { flavor: 'sklearn', file, isPython: true, runsCode: false }
  return { ...pickled(flavor!, file), flavor: 'sklearn' }
}

/** A pickle alone, unless code lies beside it that it needs. */
function pickled(flavor: Mapping, file: string): Omit<Servable, 'flavor'> {
  const hasCode = typeof flavor['code'] === 'string'
  return { isPython: true, runsCode: true, ...(hasCode ? {} : { file }) }
}

function ofPython(flavors: Mapping): Servable | undefined {
  if (mapping(flavors['python_function']) === undefined) return undefined
  return { flavor: 'python_function', isPython: true, runsCode: true }
}

const TYPES: Readonly<Record<string, NonNullable<DeclaredFeature['type']>>> = {
  double: 'number',
  float: 'number',
  long: 'integer',
  integer: 'integer',
  boolean: 'boolean',
  string: 'string',
}

/** Columns with names and types that a row has; a signature of tensors, or with other types, declares nothing. */
function inputsOf(given: unknown): readonly DeclaredFeature[] | undefined {
  if (typeof given !== 'string') return undefined
  let columns: unknown
  try {
    columns = JSON.parse(given)
  } catch {
    throw new Problem('invalid', 'Cannot read MLmodel: the inputs of its signature are no JSON')
  }
  if (!Array.isArray(columns) || columns.length === 0 || columns.length > INPUTS_MAX) return undefined
  const features = columns.map(column => {
    const { name, type } = mapping(column) ?? {}
    const known = typeof type === 'string' && Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
    return typeof name === 'string' && name !== '' && known !== undefined ? { name, type: known } : undefined
  })
  return features.includes(undefined) ? undefined : (features as DeclaredFeature[])
}
