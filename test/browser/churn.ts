/** A server with a model and traffic, as the dashboard's tests need it. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bellwether, type Ended, type RunningServer } from '../server.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/churn/', import.meta.url))
const FEATURES = ['age', 'tenure', 'balance', 'num_products', 'has_cr_card', 'is_active_member', 'estimated_salary']
const FLAGS = new Set(['has_cr_card', 'is_active_member'])

export type Customer = Readonly<Record<string, number | boolean>>

/** Customers of the committed evaluation data. */
export function customers(): Customer[] {
  const [head, ...lines] = readFileSync(`${EXAMPLE}evaluation.csv`, 'utf8').trim().split('\n')
  const columns = head!.split(',')
  return lines.map(line => {
    const cells = line.split(',')
    const entries = FEATURES.map(name => {
      const value = Number(cells[columns.indexOf(name)])
      return [name, FLAGS.has(name) ? value === 1 : value] as const
    })
    return Object.fromEntries(entries)
  })
}

export async function registerChurn(server: RunningServer, key?: string): Promise<Ended> {
  const ended = await bellwether([
    'register',
    `${EXAMPLE}model.yaml`,
    '--server',
    server.url,
    ...(key === undefined ? [] : ['--key', key]),
  ])
  if (ended.status !== 0) throw new Error(ended.stderr)
  return ended
}

/** Asks for predictions, one request each; returns their ids. */
export async function predict(server: RunningServer, asked: readonly Customer[], subject?: string): Promise<string[]> {
  const ids: string[] = []
  for (const customer of asked) {
    const response = await fetch(`${server.url}/models/churn/predict`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'bellwether-purpose': 'retention-offer',
        ...(subject === undefined ? {} : { 'bellwether-subject': subject }),
      },
      body: JSON.stringify(customer),
    })
    const { id } = (await response.json()) as { id: string }
    if (!response.ok) throw new Error(`Cannot predict: status ${response.status}`)
    ids.push(id)
  }
  return ids
}

/** Customers as they are where nobody has an empty account and everybody is older: nothing the model was trained on. */
export function strangers(): Customer[] {
  return customers().map((customer, index) => ({
    ...customer,
    balance: 90_000 + (index % 40) * 1_000,
    age: Math.min(95, Number(customer['age']) + 9),
  }))
}

/** Says of each prediction what happened: something that has little to do with it. */
export async function tellOutcomes(server: RunningServer, ids: readonly string[]): Promise<void> {
  const outcomes = ids.map((predictionId, index) => ({ predictionId, value: index % 4 === 0 }))
  const response = await fetch(`${server.url}/outcomes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(outcomes),
  })
  if (!response.ok) throw new Error(`Cannot tell outcomes: ${await response.text()}`)
}
