/** Checks values against a route's schemas and names every field that is wrong. */
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { type FieldProblem, Problem } from '../errors.ts'

const FIELDS_MAX = 100

/** Checks and returns the value, converted where it came as text. Throws `invalid` naming each wrong field. */
export type Check = (value: unknown) => unknown

/** Schemas are compiled when they are first needed: of a hundred routes, most starts need three. */
function compiledLater(schema: TSchema): () => ReturnType<typeof Compile> {
  let compiled: ReturnType<typeof Compile> | undefined
  return () => {
    compiled ??= Compile(schema)
    return compiled
  }
}

/** Whether a body may be left out: its schema is a union with `undefined`. */
export function absenceCheck(schema: TSchema): () => boolean {
  const compiled = compiledLater(schema)
  return () => compiled().Check(undefined)
}

/** What a JSON body is checked with: as it is, nothing converted. */
export function bodyCheck(schema: TSchema): Check {
  const compiled = compiledLater(schema)
  return value => {
    if (compiled().Check(value)) return value
    throw refusal('body', fieldProblems(compiled().Errors(value) as unknown as readonly SchemaError[]))
  }
}

/** What a query or the parameters of a path are checked with: everything comes as text, and misspelled names are refused. */
export function textCheck(schema: TSchema, what: 'query' | 'path'): Check {
  const compiled = compiledLater(schema)
  const properties = new Map(Object.entries((schema as { properties?: Record<string, Property> }).properties ?? {}))
  return value => {
    const texts = { ...(value as object) } as Record<string, unknown>
    const unknown = Object.keys(texts).filter(name => !properties.has(name))
    const converted = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, fromText(properties.get(name), text)]),
    )
    if (unknown.length === 0 && compiled().Check(converted)) return converted
    const wrong = compiled().Check(converted)
      ? []
      : fieldProblems(compiled().Errors(converted) as unknown as readonly SchemaError[])
    const strange = unknown.map(name => ({
      field: shorten(name),
      problem: `is not known, wanted some of ${list(properties)}`,
    }))
    throw refusal(what, [...strange, ...wrong])
  }
}

/** As much of a property's schema as converting a text needs. */
interface Property {
  readonly type?: string
  readonly items?: Property
}

/** A text as what its schema wants, if it is written as one; else as it is, for the check to refuse. */
function fromText(property: Property | undefined, text: unknown): unknown {
  if (property?.type === 'array')
    return (Array.isArray(text) ? text : [text]).map(item => fromText(property.items, item))
  if (typeof text !== 'string') return text
  if (property?.type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  const isNumber = property?.type === 'number' || property?.type === 'integer'
  return isNumber && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : text
}

/** What the compiled schema says; the types of the library do not name the parameters. */
interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: {
    readonly requiredProperties?: readonly string[]
    readonly additionalProperties?: readonly string[]
    readonly allowedValue?: unknown
  }
  readonly message: string
}

function refusal(what: string, fields: readonly FieldProblem[]): Problem {
  const first = fields.slice(0, 3).map(({ field, problem }) => `${field} ${problem}`)
  const more = fields.length > 3 ? `; and ${fields.length - 3} more` : ''
  return new Problem('invalid', `Cannot use the ${what}: ${first.join('; ')}${more}`, {
    fields: fields.slice(0, FIELDS_MAX),
  })
}

function fieldProblems(errors: readonly SchemaError[]): FieldProblem[] {
  const problems: FieldProblem[] = []
  for (const { keyword, instancePath, params, message } of errors) {
    const path = fieldOf(instancePath)
    const inside = (name: string): string => (path === '' ? shorten(name) : `${path}.${shorten(name)}`)
    if (keyword === 'required') {
      for (const name of params.requiredProperties ?? []) problems.push({ field: inside(name), problem: 'is missing' })
    } else if (keyword === 'additionalProperties') {
      for (const name of params.additionalProperties ?? [])
        problems.push({ field: inside(name), problem: 'is not known' })
    } else if (keyword === 'const') {
      problems.push({ field: path, problem: `must be ${JSON.stringify(params.allowedValue)}` })
    } else if (keyword !== 'boolean' && keyword !== 'anyOf') {
      // «boolean» repeats an unknown member; «anyOf» repeats what its branches said.
      problems.push({ field: path, problem: message })
    }
  }
  const wrong = merged(problems)
  // A body that is one thing or a list of them, and wrong inside, is not also wrong because it is not the other.
  return wrong.length === 1
    ? wrong
    : wrong.filter(({ field, problem }) => field !== 'body' || !OTHER_FORM.test(problem))
}

const OTHER_FORM = /^must be (?:array|object)$/

/** One problem a field: the alternatives of a union are told in one sentence. */
function merged(problems: readonly FieldProblem[]): FieldProblem[] {
  const byField = new Map<string, string>()
  for (const { field, problem } of problems) {
    const before = byField.get(field)
    if (before === undefined) byField.set(field, problem)
    else if (!before.includes(problem)) byField.set(field, `${before} or ${problem}`)
  }
  return [...byField].map(([field, problem]) => ({ field: field === '' ? 'body' : field, problem }))
}

/** `/rows/3/age` is `rows[3].age`. */
function fieldOf(pointer: string): string {
  let field = ''
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (/^\d+$/.test(name)) field += `[${name}]`
    else field += field === '' ? shorten(name) : `.${shorten(name)}`
  }
  return field
}

function list(properties: ReadonlyMap<string, unknown>): string {
  return properties.size === 0 ? 'none' : [...properties.keys()].join(', ')
}

function shorten(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 64).toWellFormed()}…`
}
