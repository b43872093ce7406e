/** What model.yaml may say about Python. */
import { join, resolve } from 'node:path'
import { type TSchema, Type } from 'typebox'
import type { PythonSettings } from '../predictor/external.ts'

/** See `pythonSchema` for what each key means. */
export interface DeclaredPython {
  readonly command?: string
  readonly environment?: string
  readonly requirements?: string | readonly string[]
  readonly workers?: number
  readonly threads?: number
  readonly timeoutMs?: number
  readonly startMs?: number
  readonly memoryMb?: number
  readonly batch?: { readonly rowsMax?: number; readonly waitMs?: number }
  readonly input?: 'dataframe' | 'numpy'
  readonly texts?: 'text' | 'category'
  readonly numbers?: 'float64' | 'float32'
  readonly method?: string
}

const closed = { additionalProperties: false }
const path = (description: string): TSchema =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 4096 }))
const whole = (description: string, minimum: number, maximum: number): TSchema =>
  Type.Optional(Type.Integer({ description, minimum, maximum }))
const oneOf = (values: string[], description: string): TSchema => Type.Optional(Type.Enum(values, { description }))

const DEFAULTS = {
  workers: 1,
  threads: 1,
  timeoutMs: 10_000,
  startMs: 120_000,
  memoryMb: 2048,
  rowsMax: 4096,
  waitMs: 0,
} as const

export const pythonSchema: TSchema = Type.Object(
  {
    command: path(
      'Python program on the machine of the server, 3.9 or newer. Default: the setting `python.command`, `python3`',
    ),
    environment: path('Instead of `command`: path of a virtual environment there'),
    requirements: Type.Optional(
      Type.Union(
        [
          Type.String({ minLength: 1, maxLength: 4096 }),
          Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 1000 }),
        ],
        {
          description:
            'A requirements.txt, relative to this file, or its lines: what is installed is compared with it before the artifact is loaded',
        },
      ),
    ),
    workers: whole('Processes that answer. Default: 1', 1, 64),
    threads: whole('Threads of numerical libraries in each of them. Default: 1', 1, 256),
    timeoutMs: whole(
      'A batch that takes longer is ended with its process, milliseconds. Default: 10000',
      10,
      3_600_000,
    ),
    startMs: whole('Loading the artifact may take so long, milliseconds. Default: 120000', 100, 3_600_000),
    memoryMb: whole('A process that holds more is ended, MB. Default: 2048', 64, 1_048_576),
    batch: Type.Optional(
      Type.Object(
        {
          rowsMax: whole('Rows that are sent on together, at most. Default: 4096', 1, 100_000),
          waitMs: whole(
            'A free process waits so long for more rows, where more are likely to come, milliseconds. Default: 0',
            0,
            1000,
          ),
        },
        { ...closed, description: 'How calls are gathered' },
      ),
    ),
    input: oneOf(
      ['dataframe', 'numpy'],
      'What the model is given. Default: a pandas DataFrame where it knows names of columns, else a numpy matrix',
    ),
    texts: oneOf(
      ['text', 'category'],
      'How texts come in a DataFrame. Default: pandas categories to LightGBM and XGBoost trained on such, else texts',
    ),
    numbers: oneOf(
      ['float64', 'float32'],
      '`float32`: numbers are rounded first, for a model that was tried out on such. Default: float64, and int64 where a column has whole numbers only',
    ),
    method: Type.Optional(
      Type.String({
        description:
          'What is called: predict_proba, predict, decision_function, or pyfunc. Default: probabilities where a classifier has them, else predict',
        pattern: '^(predict_proba|predict|decision_function|pyfunc)$',
      }),
    ),
  },
  { ...closed, description: 'How a Python artifact is run' },
)

/** A worker runs in a folder of its own, so that a path must not depend on where it runs. */
function located(command: string): string {
  return command.includes('/') ? resolve(command) : command
}

/** @param command of the server's settings. @param requirements lines, from wherever they came. */
export function pythonSettings(
  declared: DeclaredPython,
  trust: boolean,
  requirements: readonly string[],
  command: string,
): PythonSettings {
  const { batch, environment, requirements: _, ...said } = declared
  return {
    ...DEFAULTS,
    ...batch,
    ...said,
    command: located(declared.command ?? (environment === undefined ? command : join(environment, 'bin/python'))),
    trust,
    requirements,
  }
}
