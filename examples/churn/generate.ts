/**
 * Writes `train.csv` and `evaluation.csv`: `node examples/churn/generate.ts`. The files in the repository are what it wrote;
 * a test compares them.
 */
import { writeFileSync } from 'node:fs'
import { features, type Observed, sample } from './bank.ts'

/** Customers the model learns from, and others that it is judged on. */
export const FILES = {
  'train.csv': { seed: 'bank, train, 1', rows: 5000 },
  'evaluation.csv': { seed: 'bank, evaluation, 1', rows: 2000 },
} as const

export const TARGET = 'churned'

export function csvOf(rows: readonly Observed[]): string {
  const lines = rows.map(row => {
    const values = Object.values(features(row)).map(Number)
    return [...values, row.gender, row.country, Number(row.churned)].join(',')
  })
  return `${[...Object.keys(features(rows[0]!)), 'gender', 'country', TARGET].join(',')}\n${lines.join('\n')}\n`
}

if (import.meta.main) {
  for (const [name, { seed, rows }] of Object.entries(FILES)) {
    const observed = sample(seed, rows)
    writeFileSync(new URL(name, import.meta.url), csvOf(observed))
    const share = observed.filter(({ churned }) => churned).length / rows
    process.stdout.write(`${name}: ${rows} customers, ${(share * 100).toFixed(1)} % left\n`)
  }
}
