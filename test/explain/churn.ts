/** The example's model, registered in an application of its own. */
import { readFileSync } from 'node:fs'
import type { PredictionRecord } from '../../src/ledger/record.ts'
import type { RunningApp } from '../serving/app.ts'

const EXAMPLE = new URL('../../examples/churn/', import.meta.url)

export const ROW = {
  age: 42,
  tenure: 3,
  balance: 1200,
  num_products: 2,
  has_cr_card: true,
  is_active_member: false,
  estimated_salary: 50_000,
}

export interface Registered {
  readonly status: number
  readonly notes: readonly string[]
  readonly detail: string
}

/** @param yaml what model.yaml says beside name, version and files. */
export async function registerChurn(
  { transport }: Pick<RunningApp, 'transport'>,
  yaml: string,
  version = '1.0.0',
  files: readonly ('reference' | 'artifact')[] = ['artifact', 'reference'],
): Promise<Registered> {
  const body = new FormData()
  const named = { artifact: 'model.json', reference: 'train.csv' }
  const lines = files.map(role => `${role}: ${named[role]}`)
  body.append('model', ['name: churn', `version: ${version}`, ...lines, yaml].join('\n'))
  for (const role of files) body.append(role, new File([readFileSync(new URL(named[role], EXAMPLE))], named[role]))
  const answer = await transport({ method: 'POST', path: '/models/register', body })
  const { notes = [], detail = '' } = (await answer.json()) as Partial<Registered>
  return { status: answer.status, notes, detail }
}

export async function predictionsOf(app: RunningApp): Promise<PredictionRecord[]> {
  return (await app.records()).filter(record => record.kind === 'prediction')
}

export function sumOf(values: object): number {
  return Object.values(values).reduce((sum: number, value) => sum + (value as number), 0)
}

export function logit(probability: number): number {
  return Math.log(probability / (1 - probability))
}

export const SENSITIVE = `signature:
  inputs:
    - {name: age, sensitive: true}
    - {name: tenure}
    - {name: balance}
    - {name: num_products}
    - {name: has_cr_card}
    - {name: is_active_member}
    - {name: estimated_salary, sensitive: true}`
