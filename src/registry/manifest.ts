/** model.yaml: what the trainer says of a version, read and checked. */
import { Compile } from 'typebox/compile'
import { type Document, isAlias, isMap, isNode, LineCounter, parseDocument, visit } from 'yaml'
import { type FieldProblem, Problem } from '../errors.ts'
import type { Durability } from '../ledger/record.ts'
import type { DeclaredPython } from '../runtimes/python-keys.ts'
import type { DeclaredRemote } from '../runtimes/remote-keys.ts'
import { type DeclaredDrift, DRIFT_STATISTICS } from './drift-keys.ts'
import type { DeclaredReasons, ExplainMode } from './explain-keys.ts'
import { manifestSchema } from './manifest-schema.ts'
import type { DeclaredService } from './service-keys.ts'
import type { FeatureType } from './signature.ts'
import { type DeclaredValidation, validationProblems } from './validation-keys.ts'

const TEXT_LENGTH_MAX = 1 << 20
const ALIASES_MAX = 20
const PROBLEMS_MAX = 20

export interface DeclaredFeature {
  readonly name: string
  readonly type?: FeatureType
  readonly description?: string
  readonly unit?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly categories?: readonly string[]
  readonly nullable?: boolean
  readonly sensitive?: boolean
  readonly protected?: boolean
}

export interface DeclaredOutput {
  readonly name?: string
  readonly type?: 'number' | 'integer'
  readonly description?: string
  readonly unit?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** See `manifest-schema.ts` for what each key means. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly artifact?: string
  readonly reference?: string
  readonly evaluation?: string
  readonly target?: string
  readonly owner?: string
  readonly description?: string
  readonly signature?: { readonly inputs?: readonly DeclaredFeature[]; readonly output?: DeclaredOutput }
  readonly metrics?: Readonly<Record<string, number>>
  readonly metrics_tolerance?: number
  readonly threshold?: number
  readonly uses?: {
    readonly permitted?: readonly string[]
    readonly prohibited?: readonly string[]
    readonly required?: boolean
  }
  readonly limitations?: readonly string[]
  readonly drift?: DeclaredDrift
  readonly service?: DeclaredService
  readonly trust?: 'code'
  readonly python?: DeclaredPython
  readonly remote?: DeclaredRemote
  readonly durability?: Durability
  readonly explain?: ExplainMode
  readonly reasons?: DeclaredReasons
  readonly validation?: DeclaredValidation
}

const compiled = Compile(manifestSchema)

/** Reads the text of a model.yaml (JSON is YAML, too). Throws `malformed`, or `invalid` with each wrong field and its line. */
export function parseManifest(text: string): Manifest {
  if (text.length > TEXT_LENGTH_MAX) {
    throw new Problem(
      'too_large',
      `Cannot read model.yaml: it has ${text.length} characters, wanted at most ${TEXT_LENGTH_MAX}`,
    )
  }
  const lines = new LineCounter()
  const document = parsed(text, lines)
  const value = asValue(document)
  return checked(value, field => lineOf(document, lines, field))
}

/** Checks a manifest that is a value already, e.g. a bare artifact's name and version. */
export function checkManifest(value: unknown): Manifest {
  return checked(value, () => undefined)
}

type Path = readonly (string | number)[]

function checked(value: unknown, lineAt: (path: Path) => number | undefined): Manifest {
  const found: { path: Path; problem: string }[] = []
  if (!compiled.Check(value)) found.push(...schemaProblems(value))
  else found.push(...moreProblems(value as unknown as Manifest))
  if (found.length === 0) return value as Manifest
  const fields: FieldProblem[] = found.slice(0, PROBLEMS_MAX).map(({ path, problem }) => {
    const line = lineAt(path)
    return { field: nameOf(path), problem: line === undefined ? problem : `${problem} (line ${line})` }
  })
  const list = fields.map(({ field, problem }) => (field === '' ? problem : `${field} ${problem}`)).join('; ')
  throw new Problem('invalid', `Cannot take model.yaml: ${list}`, { fields })
}

function parsed(text: string, lines: LineCounter): Document {
  let document: Document
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      uniqueKeys: true,
      prettyErrors: false,
      strict: true,
    }) as Document
  } catch (error) {
    throw malformed(error instanceof RangeError ? 'it is nested too deep' : String(error))
  }
  const [error] = document.errors
  if (error === undefined) return document
  throw malformed(`line ${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`)
}

function asValue(document: Document): unknown {
  let aliases = 0
  try {
    visit(document, {
      Alias: () => {
        aliases++
        return aliases > ALIASES_MAX ? visit.BREAK : undefined
      },
    })
    if (aliases > ALIASES_MAX) throw malformed(`it has more than ${ALIASES_MAX} aliases`)
    if (!isMap(document.contents)) throw malformed('wanted keys and values, such as "name: churn"')
    return document.toJS({ maxAliasCount: ALIASES_MAX })
  } catch (error) {
    if (error instanceof Problem) throw error
    throw malformed(error instanceof RangeError ? 'it is nested too deep' : (error as Error).message)
  }
}

function malformed(detail: string): Problem {
  return new Problem('malformed', `Cannot read model.yaml: ${detail}`)
}

interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: Readonly<Record<string, unknown>>
}

function schemaProblems(value: unknown): { path: Path; problem: string }[] {
  const errors = compiled.Errors(value) as unknown as readonly SchemaError[]
  return errors.flatMap(error => {
    const path = pathOf(error.instancePath)
    const at = valueAt(value, path)
    switch (error.keyword) {
      case 'boolean':
        return [] // told by additionalProperties
      case 'required':
        return (error.params['requiredProperties'] as string[]).map(key => ({
          path: [...path, key],
          problem: 'is missing',
        }))
      case 'additionalProperties':
        return (error.params['additionalProperties'] as string[]).map(key => ({
          path: [...path, key],
          problem: 'is not a key of model.yaml',
        }))
      case 'enum':
        return [
          { path, problem: `is ${shown(at)}, wanted one of ${(error.params['allowedValues'] as string[]).join(', ')}` },
        ]
      case 'type':
        return [{ path, problem: `is ${shown(at)}, wanted ${wantedType(String(error.params['type']), path)}` }]
      case 'pattern':
        return [{ path, problem: `is ${shown(at)}, wanted ${WANTED[nameOf(path)] ?? error.message}` }]
      default:
        return [{ path, problem: `is ${shown(at)}: ${error.message}` }]
    }
  })
}

const WANTED: Readonly<Record<string, string>> = {
  name: 'letters, digits, dots, dashes and underscores, beginning with a letter or digit, at most 100',
  version: 'a semantic version such as 1.0.0',
}

function wantedType(type: string, path: Path): string {
  if (nameOf(path) === 'version') return 'a semantic version such as 1.0.0, as text'
  const article = /^[aeio]/.test(type) ? 'an' : 'a'
  return type === 'string' ? 'a text' : type === 'array' ? 'a list' : `${article} ${type}`
}

/** What the schema cannot say. */
function* moreProblems(manifest: Manifest): Generator<{ path: Path; problem: string }> {
  const { signature, uses, metrics, drift, service } = manifest
  const seen = new Set<string>()
  for (const [index, feature] of (signature?.inputs ?? []).entries()) {
    const path = ['signature', 'inputs', index]
    if (feature.name === '__proto__') yield { path: [...path, 'name'], problem: 'cannot be __proto__' }
    if (seen.has(feature.name)) yield { path: [...path, 'name'], problem: `comes twice: ${feature.name}` }
    seen.add(feature.name)
    if (feature.minimum !== undefined && feature.maximum !== undefined && feature.minimum > feature.maximum) {
      yield { path: [...path, 'minimum'], problem: `is ${feature.minimum}, larger than the maximum ${feature.maximum}` }
    }
    const isText = feature.type === 'string'
    if (feature.categories !== undefined && !isText && feature.type !== undefined) {
      yield { path: [...path, 'categories'], problem: `need the type string, found ${feature.type}` }
    }
    if ((isText || feature.type === 'boolean') && (feature.minimum !== undefined || feature.maximum !== undefined)) {
      yield { path: [...path, 'type'], problem: `is ${feature.type}, which has no minimum and maximum` }
    }
  }
  const both = (uses?.permitted ?? []).find(use => uses?.prohibited?.includes(use))
  if (both !== undefined)
    yield { path: ['uses', 'prohibited'], problem: `names ${JSON.stringify(both)}, which is permitted as well` }
  for (const [metric, value] of Object.entries(metrics ?? {})) {
    if (!Number.isFinite(value)) yield { path: ['metrics', metric], problem: `is ${value}, wanted a finite number` }
  }
  yield* driftProblems(drift)
  yield* externalProblems(manifest)
  yield* validationProblems(manifest)
  const { p99LatencyMs = 0, alertP99LatencyMs = Infinity } = service ?? {}
  if (p99LatencyMs > alertP99LatencyMs) {
    const problem = `is ${p99LatencyMs}, wanted at most alertP99LatencyMs, which is ${alertP99LatencyMs}`
    yield { path: ['service', 'p99LatencyMs'], problem }
  }
}

function* externalProblems({ artifact, python, remote }: Manifest): Generator<{ path: Path; problem: string }> {
  if (remote !== undefined && (artifact ?? python) !== undefined) {
    const beside = artifact === undefined ? 'python' : 'artifact'
    yield { path: ['remote'], problem: `is given beside ${beside}: a remote model has none` }
  }
  if (python?.command !== undefined && python.environment !== undefined) {
    yield { path: ['python', 'environment'], problem: 'is given beside command, which says it' }
  }
}

function* driftProblems(drift: DeclaredDrift = {}): Generator<{ path: Path; problem: string }> {
  for (const statistic of DRIFT_STATISTICS) {
    const threshold = drift[statistic]
    if (threshold?.warning === undefined || threshold.warning < threshold.drift) continue
    const problem = `is ${threshold.warning}, wanted less than drift, which is ${threshold.drift}`
    yield { path: ['drift', statistic, 'warning'], problem }
  }
}

function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map(part => (/^\d+$/.test(part) ? Number(part) : part))
}

/** `signature.inputs[0].type` */
function nameOf(path: Path): string {
  return path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : name === '' ? part : `${name}.${part}`),
    '',
  )
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => (at as Record<string | number, unknown> | undefined)?.[part], value)
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** The line of a field, or of the nearest thing around it. */
function lineOf(document: Document, lines: LineCounter, path: Path): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    if (isAlias(parent)) continue
    const node = keyNode(parent, path[length - 1]!) ?? document.getIn(path.slice(0, length), true)
    const range = isNode(node) ? node.range : undefined
    if (range !== undefined && range !== null) return lines.linePos(range[0]).line
  }
  return undefined
}

function keyNode(parent: unknown, key: string | number): unknown {
  if (!isMap(parent)) return undefined
  return parent.items.find(pair => isNode(pair.key) && 'value' in pair.key && pair.key.value === key)?.key
}
