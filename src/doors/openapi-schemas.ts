/** From a route's TypeBox schemas to what OpenAPI 3.1 says: JSON Schema 2020-12, and parameters. */
import type { TSchema } from 'typebox'
import type { AnyRoute } from '../route.ts'

type Json = Readonly<Record<string, unknown>>

/** A schema without what only TypeBox knows. */
export function jsonSchemaOf(schema: TSchema | object): Json {
  return cleaned(schema) as Json
}

/** Whether the body may be left out: its schema is a union with `undefined`. */
export function isOptionalBody(schema: TSchema): boolean {
  return ((schema as Json)['anyOf'] as readonly Json[] | undefined)?.some(isUndefined) ?? false
}

export function parametersOf({ path, params, query }: AnyRoute): object[] {
  const names = [...path.matchAll(/:([^/]+)/g)].map(match => match[1]!)
  const described = (params as Json | undefined)?.['properties'] as Json | undefined
  return [
    ...names.map(name => ({
      name,
      in: 'path',
      required: true,
      schema: cleaned(described?.[name] ?? { type: 'string', minLength: 1 }),
    })),
    ...queryParameters(query as Json | undefined),
  ]
}

function queryParameters(query: Json | undefined): object[] {
  const required = (query?.['required'] ?? []) as readonly string[]
  return Object.entries((query?.['properties'] ?? {}) as Readonly<Record<string, Json>>).map(([name, schema]) => {
    const { description, ...rest } = schema
    return {
      name,
      in: 'query',
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: cleaned(rest),
    }
  })
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter(item => !isUndefined(item)).map(cleaned)
  if (typeof value !== 'object' || value === null) return value
  const { patternProperties, anyOf, ...rest } = value as Json
  const whole: Record<string, unknown> = Object.fromEntries(
    Object.entries(rest).map(([name, item]) => [name, cleaned(item)]),
  )
  // A record of any names is said more plainly.
  const anyName = (patternProperties as Json | undefined)?.['^.*$']
  if (anyName !== undefined) whole['additionalProperties'] = cleaned(anyName)
  else if (patternProperties !== undefined) whole['patternProperties'] = cleaned(patternProperties)
  if (anyOf === undefined) return whole
  const branches = cleaned(anyOf) as readonly Json[]
  return branches.length === 1 ? { ...branches[0], ...whole } : { ...whole, anyOf: branches }
}

function isUndefined(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && (schema as Json)['type'] === 'undefined'
}
