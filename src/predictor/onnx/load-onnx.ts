/**
 * An ONNX file as a model: trees, linear models, small networks and what prepares their columns are computed here; every other
 * graph is left to ONNX Runtime, with the reason. Semantics are those of ONNX Runtime, in the precision of the graph.
 */
import type { OnnxGraph } from '../external.ts'
import type { Forest } from '../forest.ts'
import type { Pipeline } from '../pipeline.ts'
import type { AnswerScale, ModelHead, Task } from '../predictor.ts'
import { answerOf, looksLikeShares, type OnnxAnswer } from './answer.ts'
import { inputsOf, intakeOf, namesOf, type OnnxInput, textsAround } from './columns.ts'
import { withOutput } from './expose.ts'
import { compileGraph } from './graph.ts'
import { type OnnxModel, readOnnx } from './proto.ts'
import { type Batch, isUnsupported, Recorder, unsupported, type Value } from './recorder.ts'
import { simplified } from './simplify.ts'
import { damaged } from './wire.ts'

/** The domains whose operators ONNX Runtime brings along. */
const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx.ml', 'com.microsoft'])

/** Throws `invalid` where the bytes are no ONNX model, or one that nothing here can run. */
export function loadOnnx(bytes: Uint8Array): Forest | Pipeline | OnnxGraph {
  const model = readChecked(bytes)
  const inputs = inputsOf(model)
  const answer = answerOf(model)
  try {
    return compiled(model, inputs, answer)
  } catch (error) {
    if (!isUnsupported(error)) throw error
    return graphOf(model, bytes, inputs, answer, error.message)
  }
}

/** As a model that ONNX Runtime computes, whether or not it could be computed here. */
export function asGraph(bytes: Uint8Array): OnnxGraph {
  const model = readChecked(bytes)
  return graphOf(model, bytes, inputsOf(model), answerOf(model), 'it was asked for')
}

function readChecked(bytes: Uint8Array): OnnxModel {
  const model = readOnnx(bytes)
  const foreign = model.nodes.find(({ domain }) => !DOMAINS.has(domain) && !model.functions.includes(domain))
  if (foreign === undefined) return model
  const wanted = 'export the model with operators of ONNX alone'
  throw damaged(`its operator ${foreign.domain} ${foreign.op} is a custom one; ${wanted}`)
}

function compiled(model: OnnxModel, inputs: readonly OnnxInput[], answer: OnnxAnswer): Forest | Pipeline {
  const recorder = new Recorder()
  const features = intakeOf(inputs).map(read => recorder.feature(read))
  const values = new Map<string, Value>()
  let from = 0
  for (const { name, type, rank, columns } of inputs) {
    const registers = Int32Array.from(features.slice(from, from + columns))
    values.set(name, recorder.batch(type, rank === 1 ? [] : [columns], registers))
    from += columns
  }
  const result = compileGraph(model, values, answer.name, recorder)
  if (result.kind === 'constant' || result.shape.length > 1) throw unsupported('an answer that is not rows × columns')
  const scale = meaningOf(answer, result.registers.length, result.bounded || looksLikeShares(model, answer))
  const { outputs, classes } = outputsOf(result, scale, answer, recorder)
  const head = headOf(
    model,
    inputs,
    scale,
    classes,
    features.map(register => recorder.dictionary(register).texts),
  )
  const codes = intakeOf(inputs).map((read, index) =>
    read === 'code' ? (recorder.dictionary(features[index]!).codes.get('') ?? -1) : -1,
  )
  return simplified({
    ...head,
    kind: 'pipeline',
    registers: recorder.registers,
    intake: recorder.intake.map(({ read }, index) => ({ read, missing: codes[index]! })),
    constants: recorder.constants(),
    steps: recorder.steps,
    outputs,
  })
}

interface Meaning {
  readonly task: Task
  readonly answers: AnswerScale
  /** The one of several numbers that is the answer. */
  readonly only?: number
}

/** @param isShare beside a class, the numbers are probabilities. */
function meaningOf({ isLabel, hasLabel, classes, ending }: OnnxAnswer, columns: number, isShare: boolean): Meaning {
  if (isLabel) return { task: (classes?.length ?? 0) > 2 ? 'multiclass' : 'binary', answers: 'class' }
  const isClasses = hasLabel || ending === 'softmax' || (ending === 'sigmoid' && columns === 1)
  if (!isClasses) return { task: 'regression', answers: 'number' }
  const answers = isShare || !hasLabel ? 'probability' : 'number'
  if (columns > 2) return { task: 'multiclass', answers }
  return { task: 'binary', answers, ...(columns === 2 ? { only: 1 } : {}) }
}

/** A class is answered by its number. */
function outputsOf(
  { registers, type }: Batch,
  { answers, only }: Meaning,
  { classes }: OnnxAnswer,
  recorder: Recorder,
): { outputs: Int32Array; classes: readonly string[] | undefined } {
  if (answers !== 'class')
    return { outputs: only === undefined ? registers : registers.subarray(only, only + 1).slice(), classes }
  if (registers.length !== 1) throw unsupported('several classes for one row')
  if (type === 'text') {
    const texts = recorder.dictionary(registers[0]!).texts
    const names = classes ?? [...texts]
    const keys = Float64Array.from(texts, (_, code) => code)
    const places = Float64Array.from(texts, text => names.indexOf(text))
    return { outputs: recorder.lookup(registers, keys, places, Number.NaN), classes: names }
  }
  if (classes === undefined) throw unsupported('a class whose names are not told')
  const keys = Float64Array.from(classes, Number)
  return { outputs: recorder.lookup(registers, keys, Float64Array.from(classes.keys()), Number.NaN), classes }
}

function headOf(
  model: OnnxModel,
  inputs: readonly OnnxInput[],
  { task, answers }: Meaning,
  classes: readonly string[] | undefined,
  texts: readonly (readonly string[])[],
): ModelHead {
  const reads = intakeOf(inputs)
  const types = inputs.flatMap(({ type, columns }) => Array.from({ length: columns }, () => type))
  const last =
    model.nodes.findLast(({ op }) => /Ensemble|Classifier|Regressor|Gemm|MatMul/.test(op)) ??
    model.nodes.findLast(({ op }) => !/Cast|Identity|Reshape|ZipMap/.test(op))
  return {
    format: 'onnx',
    task,
    objective: last?.op ?? 'Identity',
    ...namesOf(inputs),
    featureTypes: types.map(type =>
      type === 'text' ? 'c' : type === 'whole' ? 'int' : type === 'truth' ? 'i' : 'float',
    ),
    categories: reads.map((read, index) => (read === 'code' ? texts[index]! : undefined)),
    unseen: 'other',
    answers,
    ...(classes === undefined || task === 'regression' ? {} : { classes }),
    facts: factsOf(model, reads.length),
  }
}

function factsOf(model: OnnxModel, features: number): Record<string, number | string> {
  return {
    features,
    nodes: model.nodes.length,
    ...(model.producer === '' ? {} : { producer: model.producer }),
    opset: Array.from(model.opsets, ([domain, version]) => `${domain || 'ai.onnx'} ${version}`).join(', '),
  }
}

function graphOf(
  model: OnnxModel,
  bytes: Uint8Array,
  inputs: readonly OnnxInput[],
  answer: OnnxAnswer,
  reason: string,
): OnnxGraph {
  const { columns } = answer
  if (answer.isLabel && answer.classes === undefined && answer.type === 'text') {
    throw damaged('it answers texts that it does not list; export it with probabilities')
  }
  // Whoever runs it finds out where nothing says so.
  const known = columns > 0 ? columns : (answer.classes?.length ?? (answer.ending === 'softmax' ? 3 : 1))
  const meaning = meaningOf(answer, known, looksLikeShares(model, answer))
  const texts = inputs.flatMap(({ name, type, columns: width }) => {
    const list = type === 'text' ? textsAround(model, name) : []
    return Array.from({ length: width }, () => list)
  })
  const head = headOf(model, inputs, meaning, answer.classes, texts)
  return {
    ...head,
    facts: { ...head.facts, engine: 'onnxruntime', because: reason },
    kind: 'onnx-graph',
    outputCount: meaning.only === undefined && !answer.isLabel ? known : 1,
    bytes: answer.zipped ? withOutput(bytes, answer.name) : bytes,
    inputs: inputs.map(({ type: _, ...input }) => input),
    answer: { name: answer.name, columns: known, ...(meaning.only === undefined ? {} : { only: meaning.only }) },
  }
}
