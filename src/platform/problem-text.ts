/** A problem as a person at a terminal reads it, and as a program reads it from standard error. */
import { AnsweredProblem } from '../client.ts'
import { PROBLEMS, Problem } from '../errors.ts'
import type { Paint } from './paint.ts'
import { plain } from './text-width.ts'

const FIELDS_SHOWN_MAX = 20

/** A sentence, the fields it is about, and what helps to follow it up. No stack: `traceText` is for those who want one. */
export function problemText(problem: Problem, paint: Paint): string {
  const shown = problem.fields.slice(0, FIELDS_SHOWN_MAX)
  const more = problem.fields.length - shown.length
  const requestId = problem instanceof AnsweredProblem ? problem.requestId : undefined
  return [
    `${paint.bad('error')} ${plain(problem.message)}`,
    ...shown.map(({ field, problem: text }) => `  ${paint.strong(plain(field))} ${plain(text)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...(problem.retryAfterSeconds === undefined ? [] : [`  try again in ${problem.retryAfterSeconds} s`]),
    ...(requestId === undefined ? [] : [paint.faint(`  request ${plain(requestId)}`)]),
  ].join('\n')
}

/** One line of JSON. */
export function problemJson(problem: Problem): string {
  const requestId = problem instanceof AnsweredProblem ? problem.requestId : undefined
  const { code, message, fields } = problem
  return JSON.stringify({
    code,
    detail: message,
    ...(fields.length === 0 ? {} : { errors: fields }),
    ...(requestId === undefined ? {} : { requestId }),
  })
}

export function exitStatus(problem: Problem): number {
  return PROBLEMS[problem.code].exit
}

/** What a command tells of anything that was thrown. A fault of ours keeps its message: whoever runs the command is its host. */
export function commandProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const found = error instanceof Error ? error.message : String(error)
  return new Problem('failed', `Cannot go on: ${found}`, { cause: error })
}

/** The stacks of an error and of its causes. */
export function traceText(error: unknown): string {
  const lines: string[] = []
  const seen = new Set<unknown>()
  for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at)
    lines.push(at.stack ?? at.message)
  }
  return lines.join('\ncaused by ')
}
