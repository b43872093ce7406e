/** MLflow's scoring protocol 2.0, and KServe's v1: lists of rows in, lists of predictions out. */
import type { ProblemCode } from '../errors.ts'
import { quote } from '../ledger/canonical.ts'
import { bodyText } from '../platform/body-text.ts'
import type { Answer } from '../route.ts'
import { rowsOfCsv, rowsOfForms } from './invocation-rows.ts'
import type { Journey } from './journey.ts'
import { readJson } from './json.ts'
import type { Lane } from './lane.ts'
import type { Protocol } from './predict.ts'

const CSV = /^\s*text\/csv\s*(?:;|$)/i

export const mlflow: Protocol = {
  door: 'mlflow',
  read(bytes, model, rowsMax, _journey, headers) {
    const text = bodyText(bytes)
    const type = headers?.['content-type']
    if (typeof type === 'string' && CSV.test(type)) return rowsOfCsv(text, model, rowsMax)
    const forms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const
    return rowsOfForms(readJson(text, 'leave'), forms, model, rowsMax)
  },
  write: (journey, lane) => ({ text: `{"predictions":[${predictions(journey, lane)}],${origin(journey, lane)}}` }),
}

export const kserve: Protocol = {
  door: 'kserve',
  read: (bytes, model, rowsMax) =>
    rowsOfForms(readJson(bodyText(bytes), 'leave'), ['instances', 'inputs'], model, rowsMax),
  write: writeKserve,
}

function writeKserve(journey: Journey, lane: Lane): Answer {
  const told = `"predictions":[${predictions(journey, lane)}]`
  const why = journey.context!.explain ? `,"explanations":[${journey.explanationTexts.join(',')}]` : ''
  return { text: `{${told}${why},${origin(journey, lane)}}` }
}

/** A model of one output answers numbers, one of several answers objects, as a table's rows are written in both protocols. */
function predictions({ rows, outputTexts }: Journey, { model: { outputs } }: Lane): string {
  if (outputs.count > 1) return outputTexts.join(',')
  const { outputs: values, count } = rows!
  let text = ''
  for (let row = 0; row < count; row++) text += row === 0 ? values[row]! : `,${values[row]!}`
  return text
}

/** What answered, and the ids of the records, which both protocols have no place for and their clients pass over. */
function origin({ ids }: Journey, { model: { version } }: Lane): string {
  const name = `"model_name":${quote(version.model)},"model_version":${quote(version.version)}`
  return `${name},"prediction_ids":["${ids.join('","')}"]`
}

/** Names of MLflow's `ErrorCode`. */
export const MLFLOW_CODES: Readonly<Record<ProblemCode, string>> = {
  malformed: 'MALFORMED_REQUEST',
  invalid: 'INVALID_PARAMETER_VALUE',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  method_not_allowed: 'NOT_IMPLEMENTED',
  conflict: 'RESOURCE_CONFLICT',
  too_large: 'INVALID_PARAMETER_VALUE',
  unsupported_type: 'BAD_REQUEST',
  timeout: 'DEADLINE_EXCEEDED',
  rate_limited: 'REQUEST_LIMIT_EXCEEDED',
  failed: 'INTERNAL_ERROR',
  overloaded: 'TEMPORARILY_UNAVAILABLE',
  storage_full: 'TEMPORARILY_UNAVAILABLE',
  unavailable: 'TEMPORARILY_UNAVAILABLE',
  usage: 'BAD_REQUEST',
  corrupt: 'DATA_LOSS',
  misconfigured: 'INVALID_STATE',
}
