/**
 * What every artifact becomes. Pure: no I/O, no clock; runs in a browser.
 *
 * A predictor takes rows of numbers. Turning names, booleans and categories into numbers is the signature's work.
 */
import type { CallTrace } from './call-trace.ts'

export type ArtifactFormat =
  | 'xgboost-json'
  | 'xgboost-ubj'
  | 'lightgbm-text'
  | 'lightgbm-json'
  | 'onnx'
  | 'pmml'
  | 'python'
  | 'remote'

/** What the outputs mean. */
export type Task = 'binary' | 'multiclass' | 'regression' | 'ranking' | 'survival'

/**
 * What the numbers answered are: probabilities (of the second class, or of each class); the log-odds of the second class; the
 * number of a class; or any number.
 */
export type AnswerScale = 'probability' | 'log-odds' | 'class' | 'number'

/** What is known of a model, whatever computes it. */
export interface ModelHead {
  readonly format: ArtifactFormat
  readonly task: Task
  /** The trainer's name of the loss, e.g. `binary:logistic`. */
  readonly objective: string
  /** Feature names in column order; `f0`, `f1`… where the artifact has none. */
  readonly features: readonly string[]
  /** What the artifact says of each feature, if anything: `int`, `float`, `i` (indicator), `c` (categorical), `q`. */
  readonly featureTypes: readonly (string | undefined)[]
  /** Whether the artifact itself carried names (then a signature must use the same). */
  readonly named: boolean
  /** The texts of each feature in code order, where the artifact names them: a row holds the index of the text. */
  readonly categories: readonly (readonly string[] | undefined)[]
  /** What a row holds for a text that is none of the categories: NaN, or −1, which is in no set. */
  readonly unseen: 'missing' | 'other'
  /** Names of the classes in the order of their numbers, where the artifact names them and the task has classes. */
  readonly classes?: readonly string[]
  readonly answers: AnswerScale
  /** Facts for the model card and for people: trees, depth, leaves… */
  readonly facts: Readonly<Record<string, number | string>>
}

export interface Predictor extends ModelHead {
  /** Numbers a row answers: one, or one for each class or target. */
  readonly outputCount: number
  /** Approximate memory held, bytes. */
  readonly bytes: number
  /**
   * @param rows `count` × `features.length`, row-major; NaN is a missing value.
   * @param out receives `count` × `outputCount`, row-major.
   */
  predict(rows: Float64Array, count: number, out: Float64Array): void
}

/** A predictor whose answers are a link function of sums, as those of trees and linear models are. */
export interface MarginPredictor extends Predictor {
  /** Sums a row has: as many as `outputCount`, but where the answer is the likeliest class. */
  readonly marginCount: number
  /** As `predict`, before the link function: `count` × `marginCount`. */
  margin(rows: Float64Array, count: number, out: Float64Array): void
}

/** A predictor that somebody else computes: another run time, process or server. */
export interface AwaitedPredictor extends Omit<Predictor, 'predict'> {
  /**
   * As `Predictor.predict`; `rows` is read before it returns, and nothing is written to `out` once it has rejected. Rejects
   * with a `Problem` that says what failed, and where.
   *
   * @param trace what whoever computes it learns of the trace that the call belongs to, and tells it.
   */
  predict(rows: Float64Array, count: number, out: Float64Array, trace?: CallTrace): Promise<void>
  /** Lets go of what it holds; predictions under way end first or fail. */
  close(): Promise<void>
  /** Why it cannot answer now, if so. */
  readonly fault?: () => string | undefined
}

export type AnyPredictor = Predictor | AwaitedPredictor

export function isAwaited(predictor: AnyPredictor): predictor is AwaitedPredictor {
  return 'close' in predictor
}

/** The head alone, without the arrays of the model that it is the head of. */
export function headOf(model: ModelHead): ModelHead {
  const { format, task, objective, features, featureTypes, named, categories, unseen, classes, answers, facts } = model
  const head = { format, task, objective, features, featureTypes, named, categories, unseen, answers, facts }
  return classes === undefined ? head : { ...head, classes }
}

/** Throws `RangeError` where the arrays handed to a predictor are too short. */
export function requireRoom(rows: Float64Array, wantedIn: number, out: Float64Array, wantedOut: number): void {
  if (rows.length < wantedIn) throw new RangeError(`Cannot predict: ${rows.length} values given, wanted ${wantedIn}`)
  if (out.length < wantedOut)
    throw new RangeError(`Cannot predict: room for ${out.length} answers, wanted ${wantedOut}`)
}
