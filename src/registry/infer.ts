/** What model.yaml leaves out: features and their order from the artifact, types and ranges from the reference data. */
import type { Column } from '../data/column.ts'
import type { CsvTable } from '../data/csv.ts'
import { Problem } from '../errors.ts'
import type { ModelHead } from '../predictor/predictor.ts'
import type { DeclaredFeature, Manifest } from './manifest.ts'
import type { Feature, FeatureType, Output, Signature } from './signature.ts'

/** What of an artifact matters here. */
export type Artifact = Pick<
  ModelHead,
  'features' | 'featureTypes' | 'named' | 'categories' | 'task' | 'answers' | 'classes'
>

const LISTED_MAX = 20

/**
 * The names of the features in column order. They are the artifact's; one without names takes them from the declared
 * signature, else from the reference columns in their order, without the target.
 *
 * @param header of the reference data, if there is any.
 */
export function featureNames(
  artifact: Artifact,
  manifest: Manifest,
  header: readonly string[] | undefined,
): readonly string[] {
  const declared = manifest.signature?.inputs?.map(({ name }) => name)
  const count = artifact.features.length
  if (artifact.named) {
    if (declared !== undefined) requireSameNames(artifact.features, declared)
    return artifact.features
  }
  if (declared !== undefined) {
    if (declared.length === count || count === 0) return declared
    throw invalid(
      'signature',
      `the artifact has ${count} features without names, and the signature declares ${declared.length}`,
    )
  }
  if (header === undefined) {
    if (count > 0) return artifact.features
    throw invalid('signature', 'the artifact tells no features: declare signature.inputs, or give reference data')
  }
  const columns = header.filter(name => name !== manifest.target)
  if (columns.length === count || count === 0) return columns
  const without = manifest.target === undefined ? '' : ` besides the target ${manifest.target}`
  throw invalid(
    'signature',
    `the artifact has ${count} features without names, and the reference data has ${columns.length} columns${without}; name them in signature.inputs`,
  )
}

/** Throws `invalid` listing the columns of a data set that a model needs and it lacks. */
export function requireColumns(header: readonly string[], wanted: readonly string[], what: string): void {
  const there = new Set(header)
  const missing = wanted.filter(name => !there.has(name))
  if (missing.length === 0) return
  throw new Problem('invalid', `Cannot use ${what}: it lacks ${listed(missing)}; it has ${listed(header)}`, {
    fields: missing.slice(0, LISTED_MAX).map(field => ({ field, problem: `is not a column of ${what}` })),
  })
}

function requireSameNames(artifact: readonly string[], declared: readonly string[]): void {
  const [inArtifact, inSignature] = [new Set(artifact), new Set(declared)]
  const missing = artifact.filter(name => !inSignature.has(name))
  const extra = declared.filter(name => !inArtifact.has(name))
  if (missing.length === 0 && extra.length === 0) return
  const parts = [
    missing.length === 0 ? undefined : `it lacks ${listed(missing)}`,
    extra.length === 0 ? undefined : `it has ${listed(extra)}, which the artifact does not`,
  ]
  throw new Problem(
    'invalid',
    `Cannot take the signature: ${parts.filter(part => part !== undefined).join(', and ')}`,
    {
      fields: [
        ...missing
          .slice(0, LISTED_MAX)
          .map(field => ({ field, problem: 'is a feature of the artifact and missing from the signature' })),
        ...extra.slice(0, LISTED_MAX).map(field => ({ field, problem: 'is no feature of the artifact' })),
      ],
    },
  )
}

/** Makes the signature; `notes` takes what a person should know of what was inferred. */
export function inferSignature(
  artifact: Artifact,
  manifest: Manifest,
  names: readonly string[],
  reference: CsvTable | undefined,
  notes: string[],
  outputCount = 1,
): Signature {
  const declarations = new Map(manifest.signature?.inputs?.map(feature => [feature.name, feature]))
  const inputs = names.map((name, index): Feature => {
    const declared = declarations.get(name) ?? { name }
    const column = reference?.columns.get(name)
    const known = artifact.categories[index]
    const takesTexts = artifact.featureTypes.length === 0 || artifact.featureTypes[index] === 'any'
    const takesCodes = takesTexts || artifact.featureTypes[index] === 'c' || known !== undefined
    const type = column === undefined ? declaredType(declared, known) : typeOf(declared, column, takesCodes)
    const categories = type === 'string' ? categoriesOf(declared, known, column, takesTexts ? [] : notes) : undefined
    return {
      ...describedPart(declared),
      name,
      type,
      ...(categories === undefined ? {} : { categories }),
      nullable: declared.nullable ?? (column === undefined || column.missing > 0),
      sensitive: declared.sensitive ?? false,
      protected: declared.protected ?? false,
      ...(column === undefined ? {} : { observed: observedIn(column) }),
    }
  })
  for (const feature of inputs) noteLimits(feature, notes)
  return { inputs, outputs: outputsOf(artifact, manifest, outputCount) }
}

function describedPart({ description, unit, minimum, maximum }: DeclaredFeature): Partial<Feature> {
  return {
    ...(description === undefined ? {} : { description }),
    ...(unit === undefined ? {} : { unit }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  }
}

function declaredType(declared: DeclaredFeature, known: readonly string[] | undefined): FeatureType {
  const type = declared.type ?? (known === undefined && declared.categories === undefined ? 'numeric' : 'string')
  if (type === 'string' && known === undefined && declared.categories === undefined) {
    throw invalid(
      declared.name,
      'its type is string, and nothing says its categories: declare them, or give reference data',
    )
  }
  return type
}

function typeOf(declared: DeclaredFeature, column: Column, takesCodes: boolean): FeatureType {
  const { name } = declared
  const seen = observedType(column)
  const wanted = declared.type ?? (declared.categories === undefined ? seen : 'string')
  if (column.kind === 'string' || column.kind === 'text') {
    const example = `such as ${JSON.stringify(column.example.text)} in line ${column.example.line}`
    if (wanted !== 'string')
      throw invalid(name, `it is declared ${wanted}, and its reference column has texts, ${example}`)
    if (!takesCodes) {
      throw invalid(
        name,
        `its reference column has texts, ${example}, and the artifact takes numbers only; encode it before training`,
      )
    }
    if (column.kind === 'text') throw invalid(name, 'its reference column has too many different texts for categories')
    return 'string'
  }
  if (!fits(wanted, seen)) throw invalid(name, `it is declared ${wanted}, and its reference column is ${seen}`)
  return wanted
}

/** Whether all values of a column that looks like `seen` are values of `wanted`. */
function fits(wanted: FeatureType, seen: FeatureType): boolean {
  if (wanted === seen || wanted === 'numeric' || wanted === 'number') return true
  if (wanted === 'integer') return seen === 'boolean' || seen === 'numeric'
  return seen === 'numeric' // a column of gaps fits all
}

function observedType(column: Column): FeatureType {
  if (column.kind === 'string' || column.kind === 'text') return 'string'
  if (column.kind === 'boolean') return 'boolean'
  let any = false
  let flags = true
  for (const value of column.values) {
    if (Number.isNaN(value)) continue
    any = true
    if (value !== 0 && value !== 1) flags = false
    if (!Number.isInteger(value)) return 'number'
  }
  return any ? (flags ? 'boolean' : 'integer') : 'numeric'
}

/** Declared ones, else the artifact's, else those of the reference data, sorted as pandas sorts them before coding. */
function categoriesOf(
  declared: DeclaredFeature,
  known: readonly string[] | undefined,
  column: Column | undefined,
  notes: string[],
): readonly string[] {
  if (declared.categories !== undefined) {
    if (known !== undefined && declared.categories.join('\0') !== known.join('\0')) {
      throw invalid(declared.name, `its declared categories are not those of the artifact, ${listed(known)}`)
    }
    return declared.categories
  }
  if (known !== undefined) return known
  const texts = column?.kind === 'string' ? column.texts.toSorted(byCodePoint) : []
  notes.push(
    `${declared.name}: the categories of the reference data, sorted (${listed(texts)}), are taken as codes 0 to ${texts.length - 1}, as pandas numbers them; declare categories if yours are others`,
  )
  return texts
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function observedIn(column: Column): NonNullable<Feature['observed']> {
  if (column.kind === 'string') return { missing: column.missing, distinct: column.texts.length }
  if (column.kind === 'text') return { missing: column.missing, distinct: 0 }
  const present = column.values.filter(value => !Number.isNaN(value))
  if (present.length === 0) return { missing: column.missing, distinct: 0 }
  const sorted = present.sort()
  let distinct = 1
  for (let index = 1; index < sorted.length; index++) if (sorted[index] !== sorted[index - 1]) distinct++
  return { minimum: sorted[0]! + 0, maximum: sorted.at(-1)! + 0, missing: column.missing, distinct } // + 0: no −0
}

function noteLimits({ name, minimum, maximum, observed }: Feature, notes: string[]): void {
  if (minimum !== undefined && observed?.minimum !== undefined && observed.minimum < minimum) {
    notes.push(`${name}: the reference data has ${observed.minimum}, below the declared minimum ${minimum}`)
  }
  if (maximum !== undefined && observed?.maximum !== undefined && observed.maximum > maximum) {
    notes.push(`${name}: the reference data has ${observed.maximum}, above the declared maximum ${maximum}`)
  }
}

/** One output, or one for each class by its name, or one for each target. */
export function outputsOf(artifact: Artifact, manifest: Manifest, outputCount: number): readonly Output[] {
  const only = outputOf(artifact, manifest)
  if (outputCount === 1) return [only]
  const limits = artifact.answers === 'probability' ? { minimum: 0, maximum: 1 } : {}
  return Array.from({ length: outputCount }, (_, at) => ({
    ...only,
    ...limits,
    name: artifact.task === 'multiclass' ? (artifact.classes?.[at] ?? String(at)) : `${only.name}_${at}`,
  }))
}

function outputOf({ task, answers }: Artifact, { name, signature }: Manifest): Output {
  const declared = signature?.output
  const isProbability = task === 'binary' && answers === 'probability'
  return {
    ...(isProbability ? { minimum: 0, maximum: 1 } : {}),
    ...declared,
    name: declared?.name ?? (isProbability ? `${name.replaceAll(/[-.]/g, '_')}_probability` : 'prediction'),
    type: declared?.type ?? 'number',
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, LISTED_MAX).join(', ')
  return names.length > LISTED_MAX ? `${shown} and ${names.length - LISTED_MAX} more` : shown
}

function invalid(field: string, detail: string): Problem {
  return new Problem('invalid', `Cannot infer the signature: ${field}: ${detail}`, {
    fields: [{ field, problem: detail }],
  })
}
