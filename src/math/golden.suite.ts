/** Reads the golden vectors, and compares with them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

/** A file of `test/golden`; infinities and NaN, which JSON has not, stand there as texts and come as numbers. */
export function golden<T>(name: string): T {
  const text = readFileSync(new URL(`../../test/golden/${name}.json`, import.meta.url), 'utf8')
  return JSON.parse(text, (_, value: unknown) =>
    value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value,
  ) as T
}

/** Equal within `relative` of what is wanted, or within `absolute` of it. */
export function near(got: number, wanted: number, relative: number, absolute = 0, what = ''): void {
  const isNear =
    got === wanted ||
    (Number.isNaN(got) && Number.isNaN(wanted)) ||
    Math.abs(got - wanted) <= Math.max(absolute, relative * Math.abs(wanted))
  assert.ok(isNear, `${what} is ${got}, wanted ${wanted}`)
}
