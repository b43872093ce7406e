/** Models that somebody else computes, as plain data: what is known of them, and whom to ask. `runtimes/` asks. */
import type { ModelHead } from './predictor.ts'

/** What a column holds, beyond the number that stands for it in a row. */
export interface ExternalColumn {
  readonly name: string
  /** `int` and `bool` where no row of the data had another value; a missing one makes either a `float`. */
  readonly type: 'float' | 'int' | 'bool' | 'text'
  /** Of a `text`: a row holds the index of the text, NaN where it is missing. */
  readonly categories?: readonly string[]
}

interface Outside extends ModelHead {
  /** Numbers a row answers. */
  readonly outputCount: number
}

/** An artifact that a Python process loads: see `docs/python-models.md`. */
export interface PythonModel extends Outside {
  readonly kind: 'python'
  readonly packaging: 'pickle' | 'joblib' | 'skops' | 'mlflow'
  /** In the order in which the model takes them; empty while only the artifact is known. */
  readonly columns: readonly ExternalColumn[]
  /** What is called: `predict_proba`, `predict`, `decision_function`… */
  readonly method: string
  readonly settings: PythonSettings
}

/** How Python is run. Defaults are filled in. */
export interface PythonSettings {
  /** A program on the path, or the path of one. */
  readonly command: string
  /** Whether the artifact may run code of its own. */
  readonly trust: boolean
  /** Lines of a requirements.txt. */
  readonly requirements: readonly string[]
  readonly workers: number
  readonly threads: number
  /** For a batch. */
  readonly timeoutMs: number
  /** Until it has loaded the artifact. */
  readonly startMs: number
  /** Of each worker. */
  readonly memoryMb: number
  readonly rowsMax: number
  readonly waitMs: number
  /** How rows are handed over: by name, or as a matrix. Default: by name where the model has names. */
  readonly input?: 'dataframe' | 'numpy'
  /** Whether texts come as texts or as pandas categories. Default: categories to LightGBM and XGBoost alone. */
  readonly texts?: 'text' | 'category'
  /** Whether numbers are rounded first. Default: not, and whole numbers are int64. */
  readonly numbers?: 'float64' | 'float32'
  readonly method?: string
}

/** A model behind another server, asked by the Open Inference Protocol v2. */
export interface RemoteModel extends Outside {
  readonly kind: 'remote'
  readonly columns: readonly ExternalColumn[]
  readonly settings: RemoteSettings
  /** One tensor for all columns, or one for each. */
  readonly layout: 'matrix' | 'columns'
  readonly tensors: readonly { readonly name: string; readonly datatype: string; readonly rank: number }[]
  readonly output: string
  /** Which column of the answer counts, where one of two does. */
  readonly answered?: number
  /** Whether tensors are sent in binary. */
  readonly binary: boolean
}

/** Whom to ask, and how long. Defaults are filled in. */
export interface RemoteSettings {
  readonly url: string
  readonly model: string
  readonly version?: string
  readonly timeoutMs: number
  readonly retries: number
  readonly rowsMax: number
  /** Environment variable by header. */
  readonly headers: Readonly<Record<string, string>>
}

/** An ONNX graph of which no forest or linear model could be made. */
export interface OnnxGraph extends Outside {
  readonly kind: 'onnx-graph'
  /** The artifact. */
  readonly bytes: Uint8Array
  /** The features in their order are the columns of these, one after the other. */
  readonly inputs: readonly OnnxGraphInput[]
  /** The tensor that is asked for, its columns, and, where only one of them is the answer, which. */
  readonly answer: { readonly name: string; readonly columns: number; readonly only?: number }
}

export interface OnnxGraphInput {
  readonly name: string
  /** `TensorProto.DataType`. */
  readonly element: number
  /** Rows alone, or rows × columns. */
  readonly rank: 1 | 2
  readonly columns: number
  /** It takes one row at a time. */
  readonly isSingle: boolean
}

export type ExternalModel = PythonModel | RemoteModel | OnnxGraph
