/** A version that answers anywhere JavaScript runs: validation, prediction and explanation in one file, without a server. */
import { Problem } from '../../errors.ts'
import { type Explainer, explainerOf } from '../../predictor/explainer.ts'
import { type Model, predictorOf } from '../../predictor/model.ts'
import type { MarginPredictor, Predictor } from '../../predictor/predictor.ts'
import type { Signature } from '../../registry/signature.ts'
import { marginNames } from '../explaining.ts'
import { outputWriter } from '../outputs.ts'
import { type CompiledSignature, compileSignature } from '../signature.ts'
import { type Packed, unpack } from './pack.ts'

/** What a bundle says of itself. */
export interface About {
  readonly model: string
  readonly version: string
  /** SHA-256 of the registered artifact. */
  readonly artifactSha256: string
  /** SHA-256 of the signature's canonical JSON. */
  readonly signatureSha256: string
  readonly format: string
}

/** The data of a bundle. */
export interface EdgeContent {
  readonly about: About
  readonly signature: Signature
  readonly model: Model
}

type Row = Readonly<Record<string, unknown>>
type ByMargin<T> = T | Readonly<Record<string, T>>

export interface EdgePrediction {
  readonly model: string
  readonly version: string
  readonly outputs: Readonly<Record<string, number | string>>
}

export interface EdgeExplanation extends EdgePrediction {
  readonly method: string
  readonly explanation: {
    readonly bias: ByMargin<number>
    readonly contributions: ByMargin<Readonly<Record<string, number>>>
  }
}

export interface EdgeModel {
  readonly about: About
  readonly signature: Signature
  /**
   * One row gives one answer, an array of rows an object with as many `predictions`, as `POST /predict` does.
   *
   * @throws Problem `invalid` with every wrong field; `failed` where the model has no finite answer.
   */
  predict(input: Row): EdgePrediction
  predict(input: readonly Row[]): { readonly predictions: readonly EdgePrediction[] }
  /** As `predict`, with what each feature contributed, as `POST /explain` tells it. Throws `invalid` where the model has no exact explanation. */
  explain(input: Row): EdgeExplanation
  explain(input: readonly Row[]): { readonly explanations: readonly EdgeExplanation[] }
}

const ROWS_MAX = 1_000_000

interface Parts {
  readonly about: About
  readonly signature: Signature
  readonly compiled: CompiledSignature
  readonly predictor: Predictor
  readonly outputText: ReturnType<typeof outputWriter>
  readonly explainer: () => Explainer | undefined
}

export function openEdgeModel(packed: Packed): EdgeModel {
  const { about, signature, model } = unpack(packed) as EdgeContent
  const predictor = predictorOf(model)
  const compiled = compileSignature(signature, predictor)
  let explainer: Explainer | undefined
  const parts: Parts = {
    about,
    signature,
    compiled,
    predictor,
    outputText: outputWriter(signature.outputs, predictor.outputCount),
    // Its tables take longer to make than a prediction: made for whoever asks why.
    explainer: () => (explainer ??= explainerOf(model)),
  }
  return {
    about,
    signature,
    predict: ((input: unknown) => predict(parts, input)) as EdgeModel['predict'],
    explain: ((input: unknown) => explain(parts, input)) as EdgeModel['explain'],
  }
}

interface Answered {
  readonly single: boolean
  readonly values: Float64Array
  readonly predictions: readonly EdgePrediction[]
}

function answers({ about, compiled, predictor, outputText }: Parts, input: unknown): Answered {
  const { values, outputs, count, single } = compiled.read(input, ROWS_MAX)
  predictor.predict(values, count, outputs)
  const { model, version } = about
  const predictions = Array.from({ length: count }, (_, row) => {
    const text = outputText.write(outputs, row * outputText.count)
    return { model, version, outputs: JSON.parse(text) as EdgePrediction['outputs'] }
  })
  return { single, values, predictions }
}

function predict(parts: Parts, input: unknown): unknown {
  const { single, predictions } = answers(parts, input)
  return single ? predictions[0] : { predictions }
}

function explain(parts: Parts, input: unknown): unknown {
  const { about, signature, compiled, predictor } = parts
  const explainer = parts.explainer()
  if (explainer === undefined) {
    throw new Problem('invalid', `Cannot explain: a model of the format ${about.format} has no exact explanation here`)
  }
  const { single, values, predictions } = answers(parts, input)
  const { outputCount, featureCount, bias, method } = explainer
  const contributions = new Float64Array(predictions.length * outputCount * featureCount)
  explainer.explain(values, predictions.length, contributions)
  const margins = marginNames(outputCount, { signature }, predictor as Predictor & Partial<MarginPredictor>)
  const named = <T>(of: (margin: number) => T): ByMargin<T> =>
    margins.length === 0 ? of(0) : Object.fromEntries(margins.map((name, margin) => [name, of(margin)]))
  const explained = predictions.map((prediction, row): EdgeExplanation => {
    const start = (margin: number): number => (row * outputCount + margin) * featureCount
    const byFeature = (margin: number): Record<string, number> =>
      Object.fromEntries(
        compiled.inputs.map(({ name }, input) => [name, contributions[start(margin) + compiled.columns[input]!]!]),
      )
    const explanation = { bias: named(margin => bias[margin]!), contributions: named(byFeature) }
    return { ...prediction, method, explanation }
  })
  return single ? explained[0] : { explanations: explained }
}
