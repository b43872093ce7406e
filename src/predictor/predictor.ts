/**
 * What every artifact becomes. Pure: no I/O, no clock; runs in a browser.
 *
 * A predictor takes rows of numbers. Turning names, booleans and categories into numbers is the signature's work.
 */

export type ArtifactFormat = 'xgboost-json' | 'xgboost-ubj' | 'lightgbm-text' | 'onnx' | 'pmml' | 'python' | 'remote'

/** What the outputs mean. */
export type Task = 'binary' | 'multiclass' | 'regression' | 'ranking' | 'survival'

export interface Predictor {
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
  /** Numbers a row answers. */
  readonly outputCount: number
  /**
   * @param rows `count` × `features.length`, row-major; NaN is a missing value.
   * @param out receives `count` × `outputCount`, row-major.
   */
  predict(rows: Float64Array, count: number, out: Float64Array): void
  /** As `predict`, before the link function. */
  margin(rows: Float64Array, count: number, out: Float64Array): void
  /** Facts for the model card and for people: trees, depth, leaves… */
  readonly facts: Readonly<Record<string, number | string>>
  /** Approximate memory held, bytes. */
  readonly bytes: number
}
