/** `bellwether deprecate`, `retire`, `restore`, `callers`. */
import { Problem } from '../../errors.ts'
import type { Command, CommandContext } from '../../platform/command.ts'
import type { StandingTold } from './standing-routes.ts'
import { placeOfVersion } from './version-place.ts'

const args = [{ name: 'version', summary: 'MODEL@VERSION or MODEL@ALIAS', completes: 'model' }] as const
const reason = { name: 'reason', type: 'string', value: 'TEXT', summary: 'Why; it is needed' } as const
const successor = {
  name: 'successor',
  type: 'string',
  value: 'VERSION',
  summary: 'What to call in its place',
} as const

const deprecate: Command = {
  path: 'deprecate',
  summary: 'Say that a version should not be called any more',
  description: 'It is served on. Its answers say so in the headers Deprecation, Sunset and Link, and so does gRPC.',
  args,
  options: [
    reason,
    successor,
    { name: 'by', type: 'string', value: 'DATE', summary: 'From then on it may be retired: 2027-01-31' },
  ],
  examples: [
    {
      line: 'bellwether deprecate churn@1.0.0 --reason "Trained before the tariff change" --successor 2.0.0 --by 2027-01-31',
      does: 'tells every caller',
    },
  ],
  run: context => {
    const { by } = context.options
    const sunset = typeof by === 'string' ? { sunsetAt: dayOf(by) } : {}
    return change(context, 'deprecate', { ...texts(context, 'successor'), ...sunset })
  },
}

const retire: Command = {
  path: 'retire',
  summary: 'Take a version out of service',
  description:
    'Refused while an alias points at it, and while somebody called it within 7 days (--quiet-days) unless forced.\n' +
    'Whoever calls it then is told why, and what to call instead.',
  args,
  options: [
    reason,
    successor,
    { name: 'quiet-days', type: 'string', value: 'DAYS', summary: 'Nobody may have called it for so long; 7' },
    { name: 'force', type: 'boolean', summary: 'Also while somebody calls it' },
  ],
  run: context => {
    const { 'quiet-days': days, force } = context.options
    const quiet = typeof days === 'string' ? { quietDays: daysOf(days, 'quiet-days') } : {}
    return change(context, 'retire', { ...texts(context, 'successor'), ...quiet, ...(force === true ? { force } : {}) })
  },
}

const restore: Command = {
  path: 'restore',
  summary: 'Take back the deprecation or retirement of a version',
  args,
  options: [reason],
  run: context => change(context, 'restore', {}),
}

const callers: Command = {
  path: 'callers',
  summary: 'Who still calls a version, and whether it is deprecated or retired',
  args,
  options: [{ name: 'days', type: 'string', value: 'DAYS', summary: 'Callers of so many days; 7' }],
  run: async ({ api, args: { version = '' }, options: { days }, terminal }) => {
    const query = typeof days === 'string' ? `?days=${daysOf(days, 'days')}` : ''
    const told = await (await api()).json<StandingTold>('GET', `${placeOfVersion(version)}/standing${query}`)
    terminal.result(told, () => {
      const rows = told.callers.map(({ actor, calls, rows: all, lastAt }) => [
        actor,
        String(calls),
        String(all),
        new Date(lastAt).toISOString(),
      ])
      const table = rows.length === 0 ? [] : [terminal.table(['caller', 'calls', 'rows', 'last call'], rows), '']
      return [...table, sentence(told), ...(rows.length === 0 ? [`Nobody called it for ${told.days} days`] : [])].join(
        '\n',
      )
    })
    return undefined
  },
}

export const standingCommands: readonly Command[] = [deprecate, retire, restore, callers]

async function change(context: CommandContext, verb: string, body: object): Promise<undefined> {
  const {
    api,
    args: { version = '' },
    terminal,
    options,
  } = context
  if (typeof options['reason'] !== 'string') {
    throw new Problem('usage', `Cannot ${verb} ${version}: wanted --reason, which callers and the ledger are told`)
  }
  const path = `${placeOfVersion(version)}/${verb}`
  const told = await (await api()).json<StandingTold>('POST', path, { reason: options['reason'], ...body })
  terminal.result(told, () => sentence(told))
  return undefined
}

function sentence({ model, version, state, reason: why, successor: next, sunsetAt }: StandingTold): string {
  const is = state === 'good' ? 'in good standing' : `${state}: ${why}`
  const instead = next === undefined ? '' : `; ${next} takes its place`
  const until = sunsetAt === undefined ? '' : `; it may be retired from ${new Date(sunsetAt).toISOString()} on`
  return `${model}@${version} is ${is}${instead}${until}`
}

function texts({ options }: Pick<CommandContext, 'options'>, name: string): object {
  return typeof options[name] === 'string' ? { [name]: options[name] } : {}
}

function dayOf(text: string): number {
  // A time without its zone would mean another moment on another machine; a day alone is one of UTC.
  const at = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return at
  throw new Problem(
    'usage',
    `Cannot use --by ${JSON.stringify(text)}: wanted a day (2027-01-31) or a time with its zone`,
  )
}

function daysOf(text: string, option: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new Problem('usage', `Cannot use --${option} ${JSON.stringify(text)}: wanted a number of days from 1`)
}
