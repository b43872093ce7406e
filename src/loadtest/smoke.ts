/** Whether a fresh deployment is well: what a careful person would try by hand after it was started. */
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../client.ts'
import { asProblem, Problem } from '../errors.ts'
import type { Random } from '../math/random.ts'
import type { ModelVersion } from '../registry/version.ts'
import { versionOf } from '../serving/fetch-version.ts'
import { profileOf } from './load-target.ts'
import { sampleRows } from './sample-rows.ts'
import { samplesOf } from './server-cost.ts'

export interface SmokeCheck {
  readonly name: string
  /** `skipped`: the caller may not do what it wants, which says nothing of the server. */
  readonly state: 'ok' | 'failed' | 'skipped'
  readonly ms: number
  readonly detail: string
}

export interface SmokeParts {
  readonly api: Client
  /** Asked, in this order. Default: all of the server's, by name. */
  readonly models?: readonly string[]
  readonly modelsMax: number
  /** What the predictions are for; default: none, or the first permitted where the model requires one. */
  readonly purpose?: string
  /** How long a server that is not up or not ready is waited for, milliseconds. */
  readonly waitMs: number
  readonly random: Random
  /** Milliseconds of a clock that does not go back. */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  readonly onCheck?: (check: SmokeCheck) => void
}

interface Answer {
  readonly id: string
  readonly version: string
  readonly outputs: Readonly<Record<string, unknown>>
}

const PAUSE_MS = 250

/** Goes on after a check that failed, as far as later ones do not rest on it. */
export async function smoke(parts: SmokeParts): Promise<readonly SmokeCheck[]> {
  const { api } = parts
  const checks: SmokeCheck[] = []
  const check = (name: string, run: () => Promise<string>): Promise<boolean> => checked(parts, checks, name, run)
  const isAlive = await check('alive', () => waited(parts, () => alive(api)))
  if (!isAlive) return checks
  await check('ready', () => waited(parts, () => ready(api)))
  await check('API description', () => described(api))
  let models: readonly string[] = []
  await check('models', async () => {
    const found = await modelsOf(parts)
    models = found.asked
    return found.detail
  })
  const answered: string[] = []
  for (const model of models) {
    let answer: Answer | undefined
    await check(`${model}: prediction`, async () => {
      const given = await predicted(parts, model)
      answer = given.answer
      return given.detail
    })
    if (answer === undefined) continue
    answered.push(model)
    const { id, outputs } = answer
    await check(`${model}: record`, () => recorded(api, id, outputs))
  }
  await check('metrics', () => measured(api, answered))
  return checks
}

async function checked(
  { now, onCheck }: SmokeParts,
  checks: SmokeCheck[],
  name: string,
  run: () => Promise<string>,
): Promise<boolean> {
  const startedAt = now()
  let found: Pick<SmokeCheck, 'state' | 'detail'>
  try {
    found = { state: 'ok', detail: await run() }
  } catch (error) {
    const problem = asProblem(error)
    found = { state: problem.code === 'forbidden' ? 'skipped' : 'failed', detail: toldOf(problem) }
  }
  const check = { name, ...found, ms: now() - startedAt }
  checks.push(check)
  onCheck?.(check)
  return check.state === 'ok'
}

function toldOf(problem: Problem): string {
  const fields = problem.fields.map(({ field, problem: what }) => `${field} ${what}`)
  const cause = problem.code === 'failed' && problem.cause instanceof Error ? [problem.cause.message] : []
  return [problem.message, ...fields, ...cause].join('; ')
}

/** Again and again until it is so, or the time is over: then with what was wrong last. */
async function waited({ waitMs, now, pause }: SmokeParts, run: () => Promise<string>): Promise<string> {
  const until = now() + waitMs
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (now() + PAUSE_MS > until) throw error
      await pause(PAUSE_MS)
    }
  }
}

async function alive(api: Client): Promise<string> {
  const { status } = await api.json<{ status?: string }>('GET', '/healthz')
  if (status !== 'ok') throw wrong(`/healthz says ${JSON.stringify(status)}, wanted "ok"`)
  return 'GET /healthz'
}

async function ready(api: Client): Promise<string> {
  const { checks = [] } = await api.json<{ checks?: { name: string }[] }>('GET', '/readyz')
  return checks.map(({ name }) => name).join(', ')
}

async function described(api: Client): Promise<string> {
  const { openapi, paths = {} } = await api.json<{ openapi?: string; paths?: object }>('GET', '/openapi.json')
  const count = Object.keys(paths).length
  if (openapi === undefined || count === 0) throw wrong('/openapi.json describes no paths')
  return `OpenAPI ${openapi}, ${count} paths`
}

async function modelsOf(parts: SmokeParts): Promise<{ readonly asked: readonly string[]; readonly detail: string }> {
  const { api, models, modelsMax } = parts
  if (models !== undefined) return { asked: models, detail: `asked for: ${models.join(', ')}` }
  const { models: all } = await api.json<{ models: { name: string; versions: string[] }[] }>(
    'GET',
    '/models?limit=10000',
  )
  const asked = all.filter(({ versions }) => versions.length > 0).map(({ name }) => name)
  if (asked.length === 0) throw wrong('no model is registered, so that nothing can be asked')
  const kept = asked.slice(0, modelsMax)
  const rest = asked.length - kept.length
  return {
    asked: kept,
    detail: `${asked.length} registered${rest === 0 ? '' : `, ${rest} of them not asked: --all asks them`}`,
  }
}

async function predicted(
  { api, random, purpose }: SmokeParts,
  model: string,
): Promise<{ readonly answer: Answer; readonly detail: string }> {
  const version = (await versionOf(api, model, undefined)) as ModelVersion
  const [row] = sampleRows(version.signature, await profileOf(api, version), 1, random)
  const stated = purpose ?? (version.uses.required ? version.uses.permitted[0] : undefined)
  const response = await api.send({
    method: 'POST',
    path: `/models/${encodeURIComponent(model)}/predict`,
    headers: {
      'content-type': 'application/json',
      ...(stated === undefined ? {} : { 'bellwether-purpose': stated }),
    },
    body: JSON.stringify(row),
  })
  const answer = (await response.json()) as Answer
  const names = Object.keys(answer.outputs)
  const missing = version.signature.outputs.filter(({ name }) => !names.includes(name)).map(({ name }) => name)
  if (answer.version === version.version && missing.length > 0) throw wrong(`the answer lacks ${missing.join(', ')}`)
  const values = Object.entries(answer.outputs).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  return { answer, detail: `${model}@${answer.version}: ${values.slice(0, 3).join(', ')}` }
}

async function recorded(api: Client, id: string, outputs: Answer['outputs']): Promise<string> {
  const { record } = await api.json<{ record: { outputs?: object } }>('GET', `/predictions/${encodeURIComponent(id)}`)
  if (!isDeepStrictEqual({ ...record.outputs }, { ...outputs })) {
    throw wrong(`the record says ${JSON.stringify(record.outputs)}, the answer said ${JSON.stringify(outputs)}`)
  }
  return id
}

async function measured(api: Client, answered: readonly string[]): Promise<string> {
  const response = await api.send({ method: 'GET', path: '/metrics', headers: { accept: 'text/plain' } })
  const samples = samplesOf(await response.text(), 'predictions_total')
  const uncounted = answered.filter(model => {
    const label = `model=${JSON.stringify(model)}`
    return !samples.some(({ labels, value }) => labels.includes(label) && value > 0)
  })
  if (uncounted.length > 0) throw wrong(`predictions_total does not count ${uncounted.join(', ')}`)
  return answered.length === 0 ? 'GET /metrics' : 'predictions_total counts what was asked'
}

function wrong(found: string): Problem {
  return new Problem('corrupt', `Cannot find it well: ${found}`)
}
