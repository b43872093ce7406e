/**
 * Explaining as a protocol of `predict()`: the same journey with the same record, which keeps what is found, and an answer
 * that says more. Why an explained call is a prediction like any other: docs/adr/0018-explained-calls-are-predictions.md.
 */
import { Problem } from '../errors.ts'
import { type Background, explainerOf } from '../predictor/explainer.ts'
import type { InvocationRequest } from '../route.ts'
import { type Explain, type Explained, type Explaining, explainRows } from '../serving/explain-rows.ts'
import { columnsOf, explainingOf, marginNames } from '../serving/explaining.ts'
import { explanationWriter } from '../serving/explanation-text.ts'
import type { LoadedModel } from '../serving/lane.ts'
import type { Protocol } from '../serving/predict.ts'
import { rest } from '../serving/rest.ts'
import type { Rows } from '../serving/signature.ts'
import { answerOf } from './answer.ts'
import type { Backgrounds } from './backgrounds.ts'
import { requireInteractions } from './interactions.ts'
import { type Method, type Question, readQuestion } from './question.ts'
import { biasOf, type Found, type Sampled, sampled } from './sampled.ts'

/** The protocol of one call: it reads the call's address before it reads its body. */
export function explainProtocol(backgrounds: Backgrounds, request: Pick<InvocationRequest, 'query'>): Protocol {
  let question: Question | undefined
  return {
    door: 'explain',
    refuses() {
      try {
        question = readQuestion(request.query)
        return undefined
      } catch (error) {
        if (error instanceof Problem) return error
        throw error
      }
    },
    read: rest.read,
    explain: (model, rows, _, timer) => find(model, rows, question!, backgrounds, timer),
    write(journey, lane) {
      const bodies = journey.ids.map((_, row) => answerOf(journey, lane, row, question!))
      return { body: journey.rows!.single ? bodies[0] : { explanations: bodies } }
    },
  }
}

type Timer = Parameters<Explain>[3]

async function find(
  model: LoadedModel,
  rows: Rows,
  question: Question,
  backgrounds: Backgrounds,
  timer: Timer,
): Promise<Found> {
  const exact = question.method === 'auto' || question.method === 'exact' ? model.exact() : undefined
  if (question.interactions) requireInteractions(model, question.method, rows.count)
  if (exact !== undefined) return explainRows(exact, rows, timer, true)
  const background = await backgrounds.of(model, question.backgroundRows)
  if (background === undefined) {
    if (question.method === 'exact') throw unfit(model, 'exact', 'nothing is known of its inside that would allow it')
    const method = question.method === 'auto' ? 'kernel-shap' : question.method
    throw unfit(model, method, 'it was registered without reference data to compare with')
  }
  const compared = comparedWith(model, question.method, background)
  if (compared !== undefined) return explainRows(compared, rows, timer, true)
  const method = question.method === 'lime' ? 'lime' : 'kernel-shap'
  const categorical = model.signature.inputs.map(({ type }) => type === 'string' || type === 'boolean')
  const byColumn = categorical.map((_, column) => categorical[model.signature.columns.indexOf(column)]!)
  const found = await sampled(method, model.predictor, background, rows, byColumn)
  return { ...reasoned(model, method, found), sampled: found }
}

/** The exact way that needs rows to compare with, where there is one. */
function comparedWith(model: LoadedModel, method: Method, background: Background): Explaining | undefined {
  if (method === 'kernel-shap' || method === 'lime') return undefined
  const isInterventional = method === 'interventional-tree-shap'
  const explainer = model.artifact && explainerOf(model.artifact, { background, isInterventional })
  if (explainer !== undefined && (!isInterventional || explainer.method === method)) {
    return explainingOf(explainer, model.signature, model.version, model.predictor, explainer.method)
  }
  if (isInterventional) throw unfit(model, method, 'it is no forest, or none whose columns come from one feature each')
  if (method === 'exact') throw unfit(model, method, 'nothing is known of its inside that would allow it')
  return undefined
}

function reasoned(model: LoadedModel, method: string, found: Sampled): Explained {
  const { outputCount, bias, contributions } = found
  const columns = columnsOf(model.signature)
  const width = columns.names.length
  const margins = marginNames(outputCount, model.version, model.predictor)
  const size = outputCount * width
  // LIME has an intercept of its own for each row, and so a text.
  const rows = contributions.length / size
  const writers = Array.from({ length: rows }, (_, row) =>
    explanationWriter({ ...columns, margins, method, bias: biasOf(bias, row, outputCount) }),
  )
  const writerAt = (offset: number) => writers[offset / size]!
  return {
    by: {
      method,
      outputCount,
      featureCount: width,
      bias: bias.slice(0, outputCount),
      writer: {
        write: (values, offset) => writerAt(offset).write(values, offset),
        writeAll: (values, offset) => writerAt(offset).writeAll(values, offset),
        writeSensitive: (values, offset) => writerAt(offset).writeSensitive(values, offset),
      },
    },
    values: contributions,
  }
}

function unfit({ version }: LoadedModel, method: string, why: string): Problem {
  const message = `Cannot explain ${version.model}@${version.version} by ${method}: ${why}`
  return new Problem('invalid', message, { fields: [{ field: 'method', problem: why }] })
}
