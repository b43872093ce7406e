/**
 * One JSON line for each invocation: who asked which version, what came of it and how long it took. No features, no raw
 * identities: the body is there as its SHA-256, so that whoever holds a body can find its line.
 */

import { hash } from 'node:crypto'
import { quote } from '../ledger/canonical.ts'
import { momentText } from '../platform/json-number.ts'
import type { CallContext } from './context.ts'
import type { Journey, Observer } from './journey.ts'
import { millisecondsText } from './milliseconds-text.ts'
import { quoteAgain } from './quote-again.ts'

/** Rows of a batch whose results stand in the line. */
const RESULTS_MAX = 100

const quoteActor = quoteAgain()
const quoteSource = quoteAgain()

/** @param line takes one line, without its line feed. */
export function accessLog(line: (json: string) => void): Observer {
  return journey => line(lineOf(journey))
}

/** Put together by hand: a logger would walk and escape every value again, at three times the price. */
function lineOf(journey: Journey): string {
  const { context, problem, actor, body, trace } = journey
  const head = `{"level":"info","time":${momentText(journey.at)},"message":"invocation","requestId":"${journey.requestId}"`
  const door = `,"door":"${journey.door}"${placeOf(journey)}`
  const result = problem === undefined ? resultOf(journey) : `,"status":${problem.status},"code":"${problem.code}"`
  const payload = body === undefined ? '' : `,"payloadSha256":"${hash('sha256', body, 'hex')}"`
  const traced = trace === undefined ? '' : `,"traceId":"${trace.traceId}"`
  const said = context === undefined ? '' : contextOf(context)
  const who = actor === undefined ? '' : `,"actor":${quoteActor(actor.id)}`
  const source = journey.source === '' ? '}' : `,"source":${quoteSource(journey.source)}}`
  return `${head}${door}${result},"latencyMs":${millisecondsText(journey.tookMs)}${payload}${traced}${said}${who}${source}`
}

/** What was asked: all of the lane where one was reached. */
function placeOf({ lane, model, version }: Journey): string {
  if (lane !== undefined) return lane.texts.log
  const modelText = model === undefined ? '' : `,"model":${quote(model)}`
  return version === undefined ? modelText : `${modelText},"version":${quote(version)}`
}

function contextOf({ subject, purpose }: CallContext): string {
  const subjectText = subject === undefined ? '' : `,"subject":${quote(subject)}`
  return purpose === undefined ? subjectText : `${subjectText},"purpose":${quote(purpose)}`
}

function resultOf({ ids, outputTexts, rows }: Journey): string {
  if (rows!.single) return `,"status":200,"id":"${ids[0]!}","result":${outputTexts[0]!}`
  return `,"status":200,"rows":${ids.length},"result":[${outputTexts.slice(0, RESULTS_MAX).join(',')}]`
}
