/** Times and sizes as people write them: `90s`, `2h`, `512MiB`. */
import type { FieldProblem } from '../../errors.ts'

const UNITS = {
  time: { '': 1, s: 1, m: 60, min: 60, h: 3_600, d: 86_400 },
  bytes: {
    ...{ '': 1, B: 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, KB: 1e3, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
    ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
  },
} as const
const LIMITS = { time: [0.001, 31_536_000], bytes: [1 << 20, 2 ** 50] } as const
const WANTED = { time: 'a time such as 90s, 30m or 2h', bytes: 'a size such as 512MiB or 4GB' } as const

/** Seconds or bytes; a number alone is in them already. */
export function readQuantity(
  from: Readonly<Record<string, unknown>>,
  key: string,
  kind: 'time' | 'bytes',
  wrong: FieldProblem[],
  at: string = '',
): number | undefined {
  const given = from[key]
  if (given === undefined) return undefined
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]*)$/.exec(String(given)) ?? []
  const units: Readonly<Record<string, number>> = UNITS[kind]
  const value = digits !== undefined && Object.hasOwn(units, unit) ? Number(digits) * units[unit]! : Number.NaN
  const [least, most] = LIMITS[kind]
  if (value >= least && value <= most) return kind === 'bytes' ? Math.round(value) : value
  wrong.push({ field: `${at}${key}`, problem: `is ${JSON.stringify(given)}, wanted ${WANTED[kind]}` })
  return undefined
}
