/** The step of the journey that sees how often somebody asks, where limits are set. */
import type { Rates, Taken } from '../access/rates.ts'
import type { Problem } from '../errors.ts'
import type { Catalogue } from '../registry/catalogue.ts'
import type { Answer, InvocationRequest } from '../route.ts'
import { defaultModel } from './choose.ts'
import type { Journey } from './journey.ts'

interface Limited {
  readonly rates?: Rates | undefined
  readonly catalogue: Catalogue
  readonly defaultModel?: string
}

/**
 * Takes what the call costs from the buckets of its address, its caller and its model; nothing to wait for where they are in
 * memory. Throws, or rejects with, `rate_limited`.
 */
export function takeTokens(
  serving: Limited,
  journey: Journey,
  { params }: Pick<InvocationRequest, 'params'>,
): Promise<void> | undefined {
  const { actor, source } = journey
  const taken = serving.rates!.take({ source, actor, model: journey.model ?? meant(serving, params['name']) })
  if (taken instanceof Promise) return taken.then(found => noted(journey, found))
  if (taken !== undefined) noted(journey, taken)
  return undefined
}

/** The model that a call means that names none. */
function meant({ catalogue, defaultModel: configured }: Limited, name: string | undefined): string | undefined {
  if (name !== undefined) return undefined
  try {
    const model = defaultModel(catalogue, configured)
    return catalogue.has(model) ? model : undefined
  } catch {
    return undefined // the next step says so
  }
}

function noted(journey: Journey, { problem, headers }: Taken): void {
  if (problem !== undefined) throw problem
  journey.rateHeaders = headers
}

/** Whoever was not admitted has asked as well: guesses are counted with their address. */
export async function limitStranger(
  { rates }: Limited,
  { actor, source }: Journey,
  problem: Problem,
): Promise<Problem> {
  const isStranger = actor === undefined && (problem.code === 'unauthenticated' || problem.code === 'forbidden')
  if (rates === undefined || !isStranger) return problem
  return (await rates.take({ source, actor, model: undefined }))?.problem ?? problem
}

export function withHeaders(answer: Answer, headers: Readonly<Record<string, string>> | undefined): Answer {
  return headers === undefined ? answer : { ...answer, headers: { ...headers, ...answer.headers } }
}
