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
import { requireInteractions } from './interactions.ts'
import { type Method, type Question, readQuestion } from './question.ts'
import { biasOf, type Found, type Sampled, sampled } from './sampled.ts'

/** The protocol of one call: it reads the call's address before it reads its body. */
export function explainProtocol(request: Pick<InvocationRequest, 'query'>): Protocol {
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
    explain: (model, rows, _, timer) => find(model, rows, question!, timer),
    write(journey, lane) {
      const bodies = journey.ids.map((_, row) => answerOf(journey, lane, row, question!))
      return { body: journey.rows!.single ? bodies[0] : { explanations: bodies } }
    },
  }
}

type Timer = Parameters<Explain>[3]

async function find(model: LoadedModel, rows: Rows, question: Question, timer: Timer): Promise<Found> {
  const { method } = question
  if (question.interactions) requireInteractions(model, method, rows.count)
  const exact = method === 'auto' || method === 'exact' ? model.exact() : undefined
  if (exact !== undefined) return explainRows(exact, rows, timer, true)
  if (method === 'exact') throw unfit(model, method, 'nothing is known of its inside that would allow it')
  const estimate = method === 'auto' ? 'kernel-shap' : method
  if (model.background === undefined) {
    throw unfit(model, estimate, 'it was registered without reference data to compare with')
  }
  const { rows: all, count } = model.background
  const background = { rows: all, count: Math.min(count, question.backgroundRows) }
  if (estimate === 'interventional-tree-shap') {
    return explainRows(interventional(model, estimate, background), rows, timer, true)
  }
  const categorical = model.signature.inputs.map(({ type }) => type === 'string' || type === 'boolean')
  const byColumn = categorical.map((_, column) => categorical[model.signature.columns.indexOf(column)]!)
  const found = await sampled(estimate, model.predictor, background, rows, byColumn)
  return { ...reasoned(model, estimate, found), sampled: found }
}

function interventional(model: LoadedModel, method: Method, background: Background): Explaining {
  const explainer = model.artifact && explainerOf(model.artifact, { background, isInterventional: true })
  if (explainer?.method !== method) {
    throw unfit(model, method, 'it is no forest, or none whose columns come from one feature each')
  }
  return explainingOf(explainer, model.signature, model.version, model.predictor, method)
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
