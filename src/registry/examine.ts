/**
 * Examines a submission: loads the artifact, reads the data, infers what the manifest leaves out, makes the reference
 * profile, recomputes the metrics. Runs in a worker thread (`examine-worker.ts`), for it may take minutes.
 */
import { type CsvReading, type CsvTable, readCsv } from '../data/csv.ts'
import { Problem } from '../errors.ts'
import { explainerOf } from '../predictor/explainer.ts'
import type { ExternalModel, PythonSettings } from '../predictor/external.ts'
import { loadArtifact } from '../predictor/load-artifact.ts'
import { isExternal, type Model, predictorOf } from '../predictor/model.ts'
import { type AnyPredictor, type ArtifactFormat, isAwaited, type Task } from '../predictor/predictor.ts'
import type { Runtimes } from '../runtimes/runtimes.ts'
import { type Background, backgroundOf, backgroundRows } from './background.ts'
import type { ExplainMode } from './explain-keys.ts'
import { explainMode, requireReasonsKnown } from './explaining.ts'
import { columnsNote, describeExternal, externalColumns, openNew } from './external.ts'
import { featureNames, inferSignature, outputsOf, requireColumns } from './infer.ts'
import type { Manifest } from './manifest.ts'
import { measure, requireReproduced, THRESHOLD, TOLERANCE, truthOf } from './measure.ts'
import { measureClasses } from './measure-classes.ts'
import { type ColumnProfile, profileCategories, profileNumbers, type ReferenceProfile } from './profile.ts'
import { type EncodedColumn, encodeTable, predictColumns } from './rows.ts'
import type { Signature } from './signature.ts'

/** How to read each file of the submission. */
export interface Sources {
  readonly artifact: () => AsyncIterable<Uint8Array>
  readonly reference?: () => AsyncIterable<Uint8Array>
  readonly evaluation?: () => AsyncIterable<Uint8Array>
}

export interface Shape {
  readonly rows: number
  readonly columns: readonly string[]
}

export interface Examination {
  readonly format: ArtifactFormat
  readonly task: Task
  readonly objective: string
  readonly facts: Readonly<Record<string, number | string>>
  readonly signature: Signature
  readonly external?: ExternalModel
  readonly profile?: ReferenceProfile
  readonly background?: Background
  readonly explain: ExplainMode
  readonly reference?: Shape
  readonly evaluation?: Shape
  readonly measuredMetrics?: Readonly<Record<string, number>>
  readonly notes: readonly string[]
}

const REFERENCE = 'the reference data'
const EVALUATION = 'the evaluation data'

/** What an examination may need of others. */
export interface Outside {
  readonly runtimes: Runtimes
  /** Where the artifact is Python's. */
  readonly python?: PythonSettings
}

/** Throws `invalid` where artifact, manifest and data do not belong together or stated metrics are not reproduced. */
export async function examine(manifest: Manifest, sources: Sources, outside: Outside): Promise<Examination> {
  const { runtimes, python } = outside
  const bytes = await allBytes(sources.artifact())
  const served = { name: `${manifest.name}@${manifest.version}`, artifact: async () => bytes }
  const described = await describeExternal(manifest, python, bytes, served, runtimes)
  const model: Model = described?.model ?? loadArtifact(bytes)
  const closing: (() => Promise<void>)[] = described === undefined ? [] : [described.close]
  const open: OpenModel = async (signature, reference) => {
    const opened = await described?.open(externalColumns(signature, reference))
    const predictor =
      opened?.predictor ?? (isExternal(model) ? await openNew(model, served, runtimes) : predictorOf(model))
    if (isAwaited(predictor)) closing.push(() => predictor.close())
    return { predictor, ...(opened === undefined ? {} : { external: opened.model }) }
  }
  try {
    return await examineWith(model, open, manifest, sources, [...(described?.notes ?? [])])
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

/** Opens a model whose columns are known; `external` is what the registry keeps of one that somebody else computes. */
type OpenModel = (
  signature: Signature,
  reference: CsvTable | undefined,
) => Promise<{ readonly predictor: AnyPredictor; readonly external?: ExternalModel }>

async function examineWith(
  model: Model,
  open: OpenModel,
  manifest: Manifest,
  sources: Sources,
  notes: string[],
): Promise<Examination> {
  const reference = sources.reference && (await readReference(model, manifest, sources.reference()))
  const names = featureNames(model, manifest, reference?.header)
  const inferred = inferSignature(model, manifest, names, reference, notes)
  const { predictor, external } = await open(inferred, reference)
  const note = external && columnsNote(external)
  if (note !== undefined) notes.push(note)
  const signature = { ...inferred, outputs: outputsOf(model, manifest, predictor.outputCount) }
  const columns = reference && encodeTable(signature, reference, REFERENCE)
  const profile = columns && (await profileOf(signature, predictor, columns, reference.rows))
  requireReasonsKnown(manifest.reasons, names)
  const background = columns && backgroundOf(names, columns, reference.rows)
  const compared = background && backgroundRows(background, names.length, name => names.indexOf(name))
  const explainer = explainerOf(model, compared === undefined ? {} : { background: compared })
  const explain = explainMode(manifest.explain, explainer, columns, notes)
  if (reference !== undefined) noteUnused(reference.header, names, manifest.target, notes)

  const evaluation = sources.evaluation && (await readEvaluation(signature, manifest, sources.evaluation()))
  const measuredMetrics = evaluation && (await measured(model, predictor, signature, manifest, evaluation, notes))
  if (evaluation === undefined && Object.keys(manifest.metrics ?? {}).length > 0) {
    notes.push('the stated metrics were not checked: there is no evaluation data')
  }
  return {
    format: model.format,
    task: model.task,
    objective: model.objective,
    facts: model.facts,
    signature,
    notes,
    explain,
    ...(background === undefined ? {} : { background }),
    ...(external === undefined ? {} : { external }),
    ...(profile === undefined ? {} : { profile }),
    ...(reference === undefined ? {} : { reference: shapeOf(reference) }),
    ...(evaluation === undefined ? {} : { evaluation: shapeOf(evaluation) }),
    ...(measuredMetrics === undefined ? {} : { measuredMetrics }),
  }
}

function shapeOf({ rows, header }: CsvTable): Shape {
  return { rows, columns: header }
}

async function readReference(model: Model, manifest: Manifest, source: AsyncIterable<Uint8Array>): Promise<CsvTable> {
  const declarations = new Map(manifest.signature?.inputs?.map(feature => [feature.name, feature]))
  const asText = (name: string, index: number): boolean => {
    const declared = declarations.get(name)
    return declared?.type === 'string' || declared?.categories !== undefined || model.categories[index] !== undefined
  }
  const texts = new Set<string>()
  const keep: CsvReading['keep'] = header => {
    const names = featureNames(model, manifest, header)
    requireColumns(header, names, REFERENCE)
    for (const [index, name] of names.entries()) if (asText(name, index)) texts.add(name)
    return names
  }
  return await readCsv(source, { what: REFERENCE, keep, texts })
}

async function readEvaluation(
  signature: Signature,
  { target }: Manifest,
  source: AsyncIterable<Uint8Array>,
): Promise<CsvTable> {
  if (target === undefined) {
    throw new Problem(
      'invalid',
      `Cannot use ${EVALUATION}: model.yaml names no target, the column of what really happened`,
      {
        fields: [{ field: 'target', problem: 'is missing' }],
      },
    )
  }
  const texts = new Set(signature.inputs.filter(({ type }) => type === 'string').map(({ name }) => name))
  const wanted = [...signature.inputs.map(({ name }) => name), target]
  const keep: CsvReading['keep'] = header => {
    requireColumns(header, wanted, EVALUATION)
    return [...new Set(wanted)]
  }
  return await readCsv(source, { what: EVALUATION, keep, texts })
}

async function profileOf(
  signature: Signature,
  predictor: AnyPredictor,
  columns: readonly EncodedColumn[],
  rows: number,
): Promise<ReferenceProfile> {
  const answers = await predictColumns(predictor, columns, rows)
  return {
    format: 1,
    rows,
    features: signature.inputs.map(({ name, categories }, index): ColumnProfile => {
      const { values, other }: EncodedColumn = columns[index]!
      return categories === undefined
        ? profileNumbers(name, values)
        : profileCategories(name, categories, values, other)
    }),
    outputs: signature.outputs.map(({ name }, index) => profileNumbers(name, answers[index]!)),
  }
}

async function measured(
  model: Model,
  predictor: AnyPredictor,
  signature: Signature,
  manifest: Manifest,
  evaluation: CsvTable,
  notes: string[],
): Promise<Record<string, number>> {
  const { task, answers: scale } = model
  if (task !== 'multiclass' && predictor.outputCount > 1) {
    notes.push('metrics of models of several targets are not recomputed')
    return {}
  }
  const classes = task === 'multiclass' && predictor.outputCount > 1 ? classNames(model, predictor) : model.classes
  const truth = truthOf(
    evaluation,
    manifest.target!,
    { task, ...(classes === undefined ? {} : { classes }) },
    EVALUATION,
  )
  const columns = encodeTable(signature, evaluation, EVALUATION, model.unseen)
  const answers = await predictColumns(predictor, columns, evaluation.rows)
  const threshold = manifest.threshold ?? THRESHOLD
  const metrics =
    task === 'multiclass' ? measureClasses(truth, answers) : measure({ task, scale, threshold }, truth, answers[0]!)
  const unknown = requireReproduced(manifest.metrics ?? {}, metrics, manifest.metrics_tolerance ?? TOLERANCE)
  if (unknown.length > 0) {
    const known = Object.keys(metrics)
    const reason =
      known.length === 0 ? `no metric of ${task} models is known here` : `known here are ${known.join(', ')}`
    notes.push(`not recomputed: ${unknown.join(', ')}; ${reason}`)
  }
  return metrics
}

/** By number. */
function classNames({ classes }: Model, { outputCount }: AnyPredictor): readonly string[] {
  return classes ?? Array.from({ length: outputCount }, (_, at) => String(at))
}

function noteUnused(
  header: readonly string[],
  names: readonly string[],
  target: string | undefined,
  notes: string[],
): void {
  const used = new Set(names)
  const unused = header.filter(name => name !== target && !used.has(name))
  if (unused.length > 0) notes.push(`columns of the reference data that the model does not use: ${unused.join(', ')}`)
}

export async function allBytes(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}
