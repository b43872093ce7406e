import { Problem } from '../../errors.ts'
import type { Command, CommandContext } from '../../platform/command.ts'
import type { ApprovalState } from './approvals.ts'
import { compareCommand } from './compare-command.ts'
import { standingCommands } from './standing-commands.ts'
import { placeOfVersion } from './version-place.ts'

const version = { name: 'version', summary: 'MODEL@VERSION or MODEL@ALIAS', completes: 'model' } as const

const approve: Command = {
  path: 'approve',
  summary: 'Approve of a version, or reject it',
  description:
    'Signed and kept as evidence of the version. Who registered it may not; the last word of each person counts.\n' +
    'How many must approve before it becomes champion is said by versions.approvals.',
  args: [version],
  options: [
    { name: 'comment', type: 'string', value: 'TEXT', summary: 'Why; it is needed' },
    { name: 'reject', type: 'boolean', summary: 'Say no' },
  ],
  examples: [
    { line: 'bellwether approve churn@1.1.0 --comment "Slices looked at, card read"', does: 'says yes' },
    { line: 'bellwether approve churn@1.1.0 --reject --comment "Worse for the young"', does: 'says no' },
  ],
  run: async context => {
    const { api, options, terminal, args } = context
    const { comment } = options
    if (typeof comment !== 'string') throw new Problem('usage', 'Cannot decide without a reason: wanted --comment')
    const decision = options['reject'] === true ? 'rejected' : 'approved'
    const path = placeOf(args)
    const state = await (await api()).json<ApprovalState>('POST', path, { decision, comment })
    terminal.result(state, () => `${args['version']} is ${decision}; ${summary(state)}`)
    return undefined
  },
}

const approvals: Command = {
  path: 'approvals',
  summary: 'Who approved of a version, and how many must',
  args: [version],
  run: async ({ api, args, terminal }) => {
    const path = placeOf(args)
    const state = await (await api()).json<ApprovalState>('GET', path)
    terminal.result(state, () => {
      const rows = state.approvals.map(({ decision, by, at, comment, counts }) => [
        counts ? decision : `${decision}, does not count`,
        by,
        new Date(at).toISOString(),
        comment,
      ])
      const table = rows.length === 0 ? [] : [terminal.table(['decision', 'by', 'when', 'comment'], rows), '']
      return [...table, `${args['version']}: ${summary(state)}`].join('\n')
    })
    return undefined
  },
}

export const lifecycleCommands: readonly Command[] = [compareCommand, approve, approvals, ...standingCommands]

function summary({ needed, approved, rejected }: ApprovalState): string {
  return `${approved} approved, ${rejected} rejected, ${needed} must approve`
}

function placeOf({ version = '' }: CommandContext['args']): string {
  return `${placeOfVersion(version)}/approvals`
}
