/**
 * One JSON line for each invocation: who asked which version, what came of it and how long it took. No features, no raw
 * identities: the body is there as its SHA-256, so that whoever holds a body can find its line.
 */
import { hash } from 'node:crypto'
import { quote } from '../ledger/canonical.ts'
import type { Journey, Observer } from './journey.ts'

/** Rows of a batch whose results stand in the line. */
const RESULTS_MAX = 100

/** @param line takes one line, without its line feed. */
export function accessLog(line: (json: string) => void): Observer {
  return journey => line(lineOf(journey))
}

/** Put together by hand: a logger would walk and escape every value again, at three times the price. */
function lineOf(journey: Journey): string {
  const { context, lane, problem, actor, body, model, version } = journey
  const release = lane?.release
  const arm = lane?.arm
  return (
    `{"level":"info","time":${journey.at},"message":"invocation","requestId":${quote(journey.requestId)}` +
    (context?.traceId === undefined ? '' : `,"traceId":"${context.traceId}"`) +
    `,"door":"${journey.door}"` +
    (model === undefined ? '' : `,"model":${quote(model)}`) +
    (version === undefined ? '' : `,"version":${quote(version)}`) +
    (release == null ? '' : `,"release":${quote(release)}`) +
    (arm == null ? '' : `,"arm":${quote(arm)}`) +
    (problem === undefined ? resultOf(journey) : `,"status":${problem.status},"code":"${problem.code}"`) +
    `,"latencyMs":${journey.tookMs}` +
    (body === undefined ? '' : `,"payloadSha256":"${hash('sha256', body, 'hex')}"`) +
    (context?.subject === undefined ? '' : `,"subject":${quote(context.subject)}`) +
    (context?.purpose === undefined ? '' : `,"purpose":${quote(context.purpose)}`) +
    (actor === undefined ? '' : `,"actor":${quote(actor.id)}`) +
    (journey.source === '' ? '}' : `,"source":${quote(journey.source)}}`)
  )
}

function resultOf({ ids, outputTexts, rows }: Journey): string {
  if (rows!.single) return `,"status":200,"id":"${ids[0]!}","result":${outputTexts[0]!}`
  return `,"status":200,"rows":${ids.length},"result":[${outputTexts.slice(0, RESULTS_MAX).join(',')}]`
}
