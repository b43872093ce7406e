/** Explains a prediction that was made: as its record says, or, where it does not, from the features as they were served. */
import { permits } from '../access/roles.ts'
import { Problem } from '../errors.ts'
import type { OpenedLedger } from '../ledger/open-ledger.ts'
import type { Contributions, Explanation, PredictionRecord, Scalar } from '../ledger/record.ts'
import type { SubjectKeys } from '../ledger/subject-keys.ts'
import type { Actor } from '../route.ts'
import { marginNames } from '../serving/explaining.ts'
import { sealedExplanationId } from '../serving/explanation-text.ts'
import type { LoadedModel } from '../serving/lane.ts'
import type { Models } from '../serving/models.ts'
import { type Told, tell } from './answer.ts'

export interface KeptParts {
  readonly ledger: Pick<OpenedLedger, 'find'>
  readonly seals: Pick<SubjectKeys, 'unseal'>
  readonly models: Pick<Models, 'get'>
}

export interface ExplainedPrediction extends Told {
  readonly id: string
  readonly at: number
  readonly model: string
  readonly version: string
  readonly outputs: PredictionRecord['outputs']
  /** Values by feature, those that may be told. */
  readonly features: PredictionRecord['features']
  /** Whether the record itself says it; else it was computed now. */
  readonly kept: boolean
  /** Sensitive features that are neither explained nor shown, and why. */
  readonly withheld?: { readonly features: readonly string[]; readonly because: 'sealed' | 'erased' }
}

type Sensitive = Readonly<Record<string, Scalar>>

/**
 * Throws `not_found` where there is no such prediction, or what is needed was erased; `forbidden` where it is sealed and the
 * caller may not open it; `invalid` where nothing is kept and there is no exact way.
 */
export async function explainPrediction(
  parts: KeptParts,
  id: string,
  actor: Actor,
  top: number,
): Promise<ExplainedPrediction> {
  const record = await parts.ledger.find(id)
  if (record?.kind !== 'prediction') throw new Problem('not_found', `Cannot explain prediction ${id}: there is none`)
  const model = await parts.models.get(record.model, record.version)
  const isAllowed = permits(actor, 'prediction:unseal')
  const { explanation } = record
  if (explanation !== undefined) return await asKept(parts, record, explanation, model, isAllowed, top)
  return await asComputed(parts, record, model, isAllowed, top)
}

function headOf({ id, at, model, version, outputs }: PredictionRecord) {
  return { id, at, model, version, outputs }
}

async function asKept(
  parts: KeptParts,
  record: PredictionRecord,
  explanation: Explanation,
  model: LoadedModel,
  isAllowed: boolean,
  top: number,
): Promise<ExplainedPrediction> {
  const hidden = sensitiveOf(model)
  const isErased = { now: false }
  const open = (text: string | undefined, boundTo: string) =>
    isAllowed && text !== undefined ? opened(parts.seals, text, record, boundTo, isErased) : undefined
  const sensitive = (await open(record.sealed, record.id)) as Sensitive | undefined
  const more = (await open(explanation.sealed, sealedExplanationId(record.id))) as Contributions | undefined
  const withheld = new Set(more === undefined ? hidden : [])
  const row = {
    ...numbersOf(model, explanation, more),
    outputs: outputsOf(model, record),
    values: valuesOf(model, { ...record.features, ...sensitive }),
    withheld,
  }
  const told = tell(model, row, top)
  const features = { ...record.features, ...sensitive }
  if (withheld.size === 0) return { ...headOf(record), features, kept: true, ...told }
  const because = isErased.now ? 'erased' : 'sealed'
  return {
    ...headOf(record),
    features,
    kept: true,
    ...without(told, withheld),
    withheld: { features: hidden, because },
  }
}

async function asComputed(
  parts: KeptParts,
  record: PredictionRecord,
  model: LoadedModel,
  isAllowed: boolean,
  top: number,
): Promise<ExplainedPrediction> {
  const exact = model.exact()
  if (exact === undefined) {
    const way = `POST /models/${record.model}/versions/${record.version}/explain estimates one`
    throw new Problem('invalid', `Cannot explain prediction ${record.id}: its version has no exact explanation; ${way}`)
  }
  const hidden = sensitiveOf(model)
  if (record.sealed !== undefined && !isAllowed) {
    const needed = `its features ${hidden.join(', ')} are sealed, and reading them needs prediction:unseal`
    throw new Problem('forbidden', `Cannot explain prediction ${record.id}: ${needed}`)
  }
  const sealed = record.sealed && (JSON.parse(await parts.seals.unseal(record.sealed, record)) as Sensitive)
  const features = { ...record.features, ...(sealed === '' ? {} : sealed) }
  const { signature } = model
  const whole = Object.fromEntries(signature.inputs.map(({ name }) => [name, features[name] ?? null]))
  const rows = signature.read(whole, 1)
  const contributions = new Float64Array(exact.outputCount * exact.featureCount)
  try {
    exact.explain(rows.values, 1, contributions)
  } finally {
    signature.release(rows)
  }
  const { method, bias } = exact
  const row = { method, bias, contributions, outputs: outputsOf(model, record), values: valuesOf(model, features) }
  return { ...headOf(record), features, kept: false, ...tell(model, row, top) }
}

function sensitiveOf({ signature }: LoadedModel): string[] {
  return signature.inputs.filter(({ sensitive }) => sensitive).map(({ name }) => name)
}

/** Undefined where its key is gone, which `isErased` then says. */
async function opened(
  seals: KeptParts['seals'],
  text: string,
  record: PredictionRecord,
  boundTo: string,
  isErased: { now: boolean },
): Promise<unknown> {
  try {
    return JSON.parse(await seals.unseal(text, { ...record, id: boundTo }))
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not_found') throw error
    isErased.now = true
    return undefined
  }
}

/** What the record says, as numbers by margin and column; what it does not say is 0. */
function numbersOf(
  { signature, version, predictor, exact }: LoadedModel,
  explanation: Explanation,
  more: Contributions | undefined,
): { readonly method: string; readonly bias: Float64Array; readonly contributions: Float64Array } {
  const { bias } = explanation
  const count = typeof bias === 'number' ? 1 : Object.keys(bias).length
  const margins = marginNames(count, version, predictor)
  const inputs = signature.inputs.map(({ name }, input) => ({ name, column: signature.columns[input]! }))
  const contributions = new Float64Array(count * signature.width)
  for (const said of [explanation.contributions, more]) {
    for (let margin = 0; margin < count; margin++) {
      const own = (margins.length === 0 ? said : said?.[margins[margin]!]) as
        | Readonly<Record<string, number>>
        | undefined
      if (own === undefined) continue
      for (const { name, column } of inputs) {
        if (Object.hasOwn(own, name)) contributions[margin * signature.width + column] = own[name]!
      }
    }
  }
  const method = explanation.method ?? exact()?.method ?? 'exact'
  const biases = typeof bias === 'number' ? [bias] : margins.map(name => bias[name]!)
  return { method, bias: Float64Array.from(biases), contributions }
}

function outputsOf({ version }: LoadedModel, { outputs }: PredictionRecord): number[] {
  return version.signature.outputs.map(({ name }) => Number(outputs[name]))
}

function valuesOf({ signature }: LoadedModel, features: Sensitive): (Scalar | undefined)[] {
  return signature.inputs.map(({ name }) => (Object.hasOwn(features, name) ? features[name] : undefined))
}

/** What remains true where some contributions are not known: the others, but no sum. */
function without({ method, scale, explanation, reasons }: Told, withheld: ReadonlySet<string>): Told {
  const some = (of: object): object =>
    Object.fromEntries(
      Object.entries(of).flatMap(([name, value]) => {
        if (typeof value === 'object') return [[name, some(value as object)]]
        return withheld.has(name) ? [] : [[name, value]]
      }),
    )
  const contributions = some(explanation.contributions) as Told['explanation']['contributions']
  return { method, scale, explanation: { ...explanation, contributions }, reasons }
}
