/** Keeps secrets out of what people and machines read: whatever is called like one, and whatever looks like one. */
import { stdSerializers } from 'pino'

const CENSOR = '[redacted]'
const DEPTH_MAX = 8

/** Names of fields that hold secrets, as a whole name or as its end: `authorization`, `x-api-key`, `dbPassword`. */
const SECRET_NAME =
  /(authorization|cookie|password|passwd|secret|token|api[-_]?key|master|private[-_]?key|credentials?)$/i

/** API keys of ours, credentials of an Authorization header, the password of a URL, PEM private keys. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\bbw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}/g, CENSOR],
  [/\b(bearer|basic)(\s+)[A-Za-z0-9._~+/-]{6,}=*/gi, `$1$2${CENSOR}`],
  [/(:\/\/[^\s:/?#"@]+:)[^\s/?#"@]+(?=@)/g, `$1${CENSOR}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gs, CENSOR],
]

/** A text without the secrets that can be told by their form. */
export function redactText(text: string): string {
  return SECRET_TEXTS.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text)
}

/** Fields without the values of those that are called like secrets, at any depth. Errors become plain objects. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redacted(fields, 0, new Set()) as Record<string, unknown>
}

function redacted(value: unknown, depth: number, above: Set<object>): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value
  if (above.has(value) || depth > DEPTH_MAX) return '[…]'
  if (value instanceof Error) return redacted({ ...stdSerializers.errWithCause(value) }, depth, above)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return inside(value, above, () => value.map(item => redacted(item, depth + 1, above)))
  if ('toJSON' in value && typeof value.toJSON === 'function') return value
  return inside(value, above, () =>
    Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name,
        SECRET_NAME.test(name) && member !== undefined ? CENSOR : redacted(member, depth + 1, above),
      ]),
    ),
  )
}

/** Runs with `value` marked as above, so that a circle ends. */
function inside<T>(value: object, above: Set<object>, run: () => T): T {
  above.add(value)
  try {
    return run()
  } finally {
    above.delete(value)
  }
}
