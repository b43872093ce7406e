/** What a version takes and answers, as JSON Schema (2020-12) for the API's documentation, with an example that works. */
import type { Catalogue } from '../registry/catalogue.ts'
import type { Feature, Output } from '../registry/signature.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Releases } from './choose.ts'
import { MAGNITUDE_MAX } from './row-faults.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** A model as its callers meet it. */
export interface ModelSchema {
  readonly model: string
  /** The version that its release answers with now. */
  readonly version: string
  readonly description: string
  readonly request: JsonSchema
  readonly response: JsonSchema
  readonly example: Readonly<Record<string, unknown>>
}

/** All models that can answer, by name; at most `limit`. */
export function modelSchemas(
  catalogue: Catalogue,
  releases: Releases,
  batchRowsMax: number,
  limit: number,
): ModelSchema[] {
  return catalogue
    .names()
    .slice(0, limit)
    .flatMap(model => {
      const choice = releases.choose(model, undefined)
      const version = choice && catalogue.version(model, choice.version)
      return version === undefined ? [] : [modelSchema(version, batchRowsMax)]
    })
}

export function modelSchema(version: ModelVersion, batchRowsMax: number): ModelSchema {
  const { inputs, outputs } = version.signature
  const row: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(inputs.map(feature => [feature.name, featureSchema(feature)])),
    required: inputs.map(({ name }) => name),
    additionalProperties: false,
  }
  const prediction = predictionSchema(version, outputs)
  const batch = {
    type: 'object',
    properties: { predictions: { type: 'array', items: prediction } },
    required: ['predictions'],
  }
  const uses = version.uses.permitted.length === 0 ? '' : ` Permitted uses: ${version.uses.permitted.join(', ')}.`
  return {
    model: version.model,
    version: version.version,
    description: `${version.description ?? `${version.task} (${version.objective}), ${version.format}.`}${uses}`,
    request: { oneOf: [row, { type: 'array', items: row, minItems: 1, maxItems: batchRowsMax }] },
    response: { oneOf: [prediction, batch] },
    example: Object.fromEntries(inputs.map(feature => [feature.name, exampleOf(feature)])),
  }
}

function predictionSchema({ model, version }: ModelVersion, outputs: readonly Output[]): JsonSchema {
  const text = { type: 'string' }
  const textOrNull = { type: ['string', 'null'] }
  const properties = {
    id: text,
    model: { const: model },
    version: { ...text, examples: [version] },
    release: textOrNull,
    arm: textOrNull,
    outputs: {
      type: 'object',
      properties: Object.fromEntries(outputs.map(output => [output.name, outputSchema(output)])),
      required: outputs.map(({ name }) => name),
    },
  }
  return { type: 'object', properties, required: Object.keys(properties) }
}

function featureSchema(feature: Feature): JsonSchema {
  const described = describe(feature)
  const { type, nullable, categories = [] } = feature
  const limits = {
    minimum: feature.minimum ?? (type === 'integer' ? Number.MIN_SAFE_INTEGER : -MAGNITUDE_MAX),
    maximum: feature.maximum ?? (type === 'integer' ? Number.MAX_SAFE_INTEGER : MAGNITUDE_MAX),
  }
  const orNull = nullable ? ['null'] : []
  switch (type) {
    case 'string':
      return { enum: [...categories, ...(nullable ? [null] : [])], ...described }
    case 'boolean':
      return { enum: [true, false, 0, 1, ...(nullable ? [null] : [])], ...described }
    case 'numeric':
      return { type: ['number', 'boolean', ...orNull], ...limits, ...described }
    default:
      return { type: nullable ? [type, 'null'] : type, ...limits, ...described }
  }
}

function outputSchema({ type, minimum, maximum, description, unit }: Output): JsonSchema {
  return {
    type,
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...sentence([description, unit && `In ${unit}`]),
  }
}

function describe({ description, unit, observed, sensitive, protected: isProtected, nullable }: Feature): JsonSchema {
  const { minimum, maximum } = observed ?? {}
  return sentence([
    description,
    unit && `In ${unit}`,
    minimum === undefined || maximum === undefined ? undefined : `Seen in training: ${minimum} to ${maximum}`,
    nullable ? 'null is a missing value' : undefined,
    sensitive ? 'Sensitive: never stored in clear' : undefined,
    isProtected ? 'A protected attribute' : undefined,
  ])
}

function sentence(parts: readonly (string | undefined)[]): JsonSchema {
  const told = parts.filter(part => part !== undefined && part !== '')
  return told.length === 0 ? {} : { description: told.join('. ') }
}

/** A value that the feature takes, from the middle of what was seen. */
function exampleOf({ type, categories, observed, ...declared }: Feature): unknown {
  if (type === 'string') return categories?.[0] ?? ''
  if (type === 'boolean') return true
  const low = Math.max(observed?.minimum ?? declared.minimum ?? 0, declared.minimum ?? -Infinity)
  const high = Math.min(observed?.maximum ?? declared.maximum ?? Math.max(low, 1), declared.maximum ?? Infinity)
  const middle = (low + high) / 2
  if (type === 'integer') return Math.min(Math.ceil(middle), Math.floor(high))
  return Math.abs(middle) < 1 ? middle : Math.round(middle * 100) / 100
}
