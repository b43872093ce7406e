import { Problem } from '../errors.ts'
import type { Command, CommandContext } from '../platform/command.ts'
import type { KeyInfo } from './keys.ts'
import { ROLE_NAMES, ROLES } from './roles.ts'

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

const create: Command = {
  path: 'key create',
  summary: 'Make an API key; its secret is shown once',
  description:
    'From the first key on, every caller needs one, so the first must have the role admin. The secret is printed now and\n' +
    `never again: only its hash is kept.\n\nRoles:\n${ROLE_NAMES.map(role => `  ${role.padEnd(10)} ${ROLES[role].join(' ')}`).join('\n')}`,
  options: [
    { name: 'name', type: 'string', value: 'TEXT', required: true, summary: 'What the key is for; people read it' },
    {
      name: 'role',
      type: 'string',
      value: 'ROLE',
      required: true,
      repeatable: true,
      completes: ROLE_NAMES,
      summary: 'What it may do; may be given several times',
    },
    {
      name: 'owner',
      type: 'string',
      value: 'WHO',
      summary: 'Who holds it: a name or an address, or user:… of their tokens; approvals tell people apart by it',
    },
    {
      name: 'expires',
      type: 'string',
      value: 'WHEN',
      summary: 'A duration (90d, 12h, 30m) or a time (2027-01-31T00:00Z)',
    },
  ],
  examples: [
    { line: 'bellwether key create --name root --role admin', does: 'the first key' },
    {
      line: 'bellwether key create --name shop --role service --expires 90d',
      does: 'for a program that asks for predictions',
    },
  ],
  run: createKey,
}

const list: Command = {
  path: 'key list',
  summary: 'All keys, without their secrets',
  run: async ({ api, terminal }) => {
    const { keys } = await (await api()).json<{ keys: KeyInfo[] }>('GET', '/keys')
    terminal.result({ keys }, () =>
      keys.length === 0
        ? 'No keys: everybody on this machine may do everything. Make one with: bellwether key create --name root --role admin'
        : terminal.table(['id', 'name', 'owner', 'roles', 'created', 'expires', 'revoked'], keys.map(rowOf)),
    )
    return undefined
  },
}

const revoke: Command = {
  path: 'key revoke',
  summary: 'Refuse a key from now on, for ever',
  args: [{ name: 'id', summary: 'The key, as `key list` shows it: the 12 hex digits after bw_ in its secret' }],
  run: async ({ api, args, terminal }) => {
    const id = args['id'] ?? ''
    const { key } = await (await api()).json<{ key: KeyInfo }>('DELETE', `/keys/${encodeURIComponent(id)}`)
    terminal.result({ key }, () => `Revoked ${key.id} (${key.name})`)
    return undefined
  },
}

export const accessCommands: readonly Command[] = [create, list, revoke]

async function createKey({ api, options, terminal }: CommandContext): Promise<undefined> {
  const expires = options['expires'] as string | undefined
  const owner = options['owner'] as string | undefined
  const owned = owner === undefined ? {} : { owner }
  const body = {
    name: options['name'],
    ...owned,
    roles: options['role'],
    ...(expires === undefined ? {} : expiryOf(expires)),
  }
  const created = await (await api()).json<{ key: KeyInfo; secret: string }>('POST', '/keys', body)
  terminal.result(created, () => created.secret)
  const { id, roles, expiresAt } = created.key
  const end = expiresAt === undefined ? 'does not expire' : `expires at ${timeOf(expiresAt)}`
  if (!terminal.json)
    terminal.warn(`Key ${id} (${roles.join(', ')}) ${end}. Keep the line above: it is not shown again.`)
}

/** What the API is to be told of `90d` or `2027-01-31T00:00Z`. */
export function expiryOf(text: string): { readonly expiresInMs: number } | { readonly expiresAt: number } {
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? []
  if (count !== undefined) return { expiresInMs: Number(count) * UNITS_MS[unit!]! }
  // A time without its zone would mean another moment on another machine.
  const at = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return { expiresAt: at }
  throw new Problem(
    'usage',
    `Cannot use --expires ${JSON.stringify(text)}: wanted a duration (90d, 12h, 30m) or a time (2027-01-31T00:00Z)`,
  )
}

function rowOf(key: KeyInfo): (string | undefined)[] {
  const time = (at: number | undefined): string | undefined => (at === undefined ? undefined : timeOf(at))
  return [
    key.id,
    key.name,
    key.owner,
    key.roles.join(' '),
    time(key.createdAt),
    time(key.expiresAt),
    time(key.revokedAt),
  ]
}

function timeOf(at: number): string {
  return new Date(at).toISOString().replace(/:\d\d\.\d{3}Z$/, 'Z')
}
