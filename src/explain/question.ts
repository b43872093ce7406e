/** What a caller wants of an explanation: read from the address, with a reason for all that cannot be used. */
import { type TSchema, Type } from 'typebox'
import { type FieldProblem, Problem } from '../errors.ts'

/** `exact` is whatever the model has; `auto` is that, or else `kernel-shap`. */
export const METHODS = ['auto', 'exact', 'interventional-tree-shap', 'kernel-shap', 'lime'] as const
export type Method = (typeof METHODS)[number]

export interface Question {
  readonly method: Method
  /** Reasons told. */
  readonly top: number
  /** Rows of the background sample to compare with. */
  readonly backgroundRows: number
  readonly interactions: boolean
}

const TOP_DEFAULT = 3
const TOP_MAX = 1000
const BACKGROUND_DEFAULT = 100
const BACKGROUND_MAX = 200

export const questionSchema: TSchema = Type.Object(
  {
    method: Type.Optional(
      Type.Enum([...METHODS], {
        default: 'auto',
        description:
          'exact: as the model allows. interventional-tree-shap, kernel-shap, lime: against the background sample. auto: exact, else kernel-shap',
      }),
    ),
    top: Type.Optional(
      Type.Integer({ minimum: 1, maximum: TOP_MAX, default: TOP_DEFAULT, description: 'Reasons told in sentences' }),
    ),
    background: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: BACKGROUND_MAX,
        default: BACKGROUND_DEFAULT,
        description: 'Rows of the reference data to compare with, where a method does',
      }),
    ),
    interactions: Type.Optional(
      Type.Boolean({ default: false, description: 'Also what two features move only together; exact TreeSHAP alone' }),
    ),
  },
  { additionalProperties: false },
)

/** Throws `invalid` naming each parameter that cannot be used. */
export function readQuestion(query: URLSearchParams | undefined): Question {
  const given = new Map(query ?? [])
  const fields: FieldProblem[] = []
  const take = (name: string): string | undefined => {
    const value = given.get(name)
    given.delete(name)
    return value
  }
  const number = (name: string, otherwise: number, largest: number): number => {
    const text = take(name)
    if (text === undefined) return otherwise
    const value = /^\d{1,6}$/.test(text) ? Number(text) : 0
    if (value >= 1 && value <= largest) return value
    fields.push({ field: name, problem: `is ${JSON.stringify(text.slice(0, 20))}, wanted 1 to ${largest}` })
    return otherwise
  }
  const asked = take('method') ?? 'auto'
  const method = METHODS.find(known => known === asked)
  if (method === undefined) {
    fields.push({ field: 'method', problem: `is ${JSON.stringify(asked.slice(0, 40))}, wanted ${METHODS.join(', ')}` })
  }
  const top = number('top', TOP_DEFAULT, TOP_MAX)
  const backgroundRows = number('background', BACKGROUND_DEFAULT, BACKGROUND_MAX)
  const interactions = take('interactions') ?? 'false'
  if (interactions !== 'true' && interactions !== 'false') {
    fields.push({ field: 'interactions', problem: 'is neither true nor false' })
  }
  take('explain') // is asked already, by the address itself
  for (const name of given.keys()) fields.push({ field: name.slice(0, 64), problem: 'is not known' })
  if (fields.length === 0) return { method: method!, top, backgroundRows, interactions: interactions === 'true' }
  const [first] = fields
  throw new Problem('invalid', `Cannot explain: ${first!.field} ${first!.problem}`, { fields })
}
