/** What the options of a load test mean. Throw `usage` for what they cannot. */
import { Problem } from '../errors.ts'
import { plain } from '../platform/text-width.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }

/** `500ms`, `30s`, `5m`, `1h`; a bare number is seconds. */
export function durationMs(name: string, value: unknown, most: number, least = 1): number {
  const text = String(value).trim()
  const [, digits = '', unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text) ?? []
  const ms = digits === '' ? Number.NaN : Number(digits) * UNITS[unit]!
  if (ms >= least && ms <= most) return ms
  const wanted = Number.isNaN(ms) ? 'a time such as 500ms, 30s or 5m' : `${least / 1000} to ${most / 1000} seconds`
  throw new Problem('usage', `Cannot use --${name} ${plain(text)}: wanted ${wanted}`)
}

export function numberWithin(name: string, value: unknown, least: number, most: number): number {
  const number = Number(value)
  if (number >= least && number <= most) return number
  throw new Problem('usage', `Cannot use --${name} ${plain(String(value))}: wanted a number from ${least} to ${most}`)
}

/** Names in small letters. Those given by hand win over ours; what would change how a request is framed is refused. */
export function headersOf(
  given: readonly string[] | undefined,
  ours: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const headers = new Map(Object.entries(ours))
  for (const text of given ?? []) {
    const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(text) ?? []
    if (name === '') throw new Problem('usage', `Cannot use --header ${plain(text)}: wanted 'Name: value'`)
    if (/^(?:content-length|transfer-encoding|connection|expect|upgrade|te|trailer)$/i.test(name)) {
      throw new Problem(
        'usage',
        `Cannot use --header ${plain(text)}: it decides how the request is framed, which is ours`,
      )
    }
    headers.set(name.toLowerCase(), value.trim())
  }
  return headers
}
