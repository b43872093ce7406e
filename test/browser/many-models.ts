/** Two hundred models of fifty features, each with its reference and some traffic: what an overview must bear. */
import { stumpModel } from '../../src/registry/stumps.suite.ts'

export const MODELS = 200
export const FEATURES = 50
const REFERENCE_ROWS = 300
/** So many predictions are judged for drift. */
const PREDICTIONS = 100
const AT_ONCE = 4

const names = Array.from({ length: FEATURES }, (_, index) => `feature_${String(index).padStart(2, '0')}`)

/** The same numbers for ever: row and column make a value between 0 and 1. */
function value(row: number, column: number): number {
  return ((row * 7919 + column * 104_729) % 1000) / 1000
}

const artifact = stumpModel({
  features: names,
  stumps: names.map((_, feature) => ({ feature, split: 0.5, left: -0.1, right: 0.1 })),
})

const reference = [
  names.join(','),
  ...Array.from({ length: REFERENCE_ROWS }, (_, row) => names.map((_, column) => value(row, column)).join(',')),
].join('\n')

export function nameOf(model: number): string {
  return `model-${String(model).padStart(3, '0')}`
}

/** Registers the models and asks each of them. */
export async function makeManyModels(url: string): Promise<void> {
  const rows = Array.from({ length: PREDICTIONS }, (_, row) =>
    Object.fromEntries(names.map((name, column) => [name, value(row + 17, column)])),
  )
  const body = JSON.stringify(rows)
  const waiting = Array.from({ length: MODELS }, (_, model) => nameOf(model))
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      await register(url, name)
      const headers = { 'content-type': 'application/json' }
      await done(await fetch(`${url}/models/${name}/predict`, { method: 'POST', headers, body }))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function register(url: string, name: string): Promise<void> {
  const form = new FormData()
  form.set('name', name)
  form.set('version', '1.0.0')
  form.set('artifact', new Blob([Buffer.from(artifact)]), 'model.json')
  form.set('reference', new Blob([reference]), 'train.csv')
  await done(await fetch(`${url}/models/register`, { method: 'POST', body: form }))
}

async function done(response: Response): Promise<void> {
  const text = await response.text()
  if (!response.ok) throw new Error(`Cannot make the models: status ${response.status}, ${text}`)
}
