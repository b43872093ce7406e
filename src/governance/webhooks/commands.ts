import type { Command, CommandContext } from '../../platform/command.ts'
import type { Tried, WaitingDelivery } from './tell.ts'
import type { Webhook } from './webhooks.ts'

const ID = [{ name: 'id', summary: 'The webhook, as `webhook list` shows it' }]

const create: Command = {
  path: 'webhook create',
  summary: 'Have another server told of changes; its secret is shown once',
  description:
    'Each change that stands in the ledger is sent as a CloudEvent, signed as standardwebhooks.com has it, until the server\n' +
    'answers with 2xx, for about an hour.',
  options: [
    { name: 'name', type: 'string', value: 'NAME', required: true, summary: 'What it is called here' },
    { name: 'url', type: 'string', value: 'URL', required: true, summary: 'Where the messages go, https://…' },
    {
      name: 'on',
      type: 'string',
      value: 'ACTION',
      required: true,
      repeatable: true,
      summary: 'What it hears of: alias:moved, alias:* or *; may be given several times',
    },
  ],
  examples: [
    {
      line: "bellwether webhook create --name releases --url https://example.com/told --on 'alias:*' --on key:revoked",
      does: 'who answers for customers, and which key is gone',
    },
  ],
  run: async ({ api, options, terminal }) => {
    const body = { name: options['name'], url: options['url'], actions: options['on'] }
    const made = await (await api()).json<{ webhook: Webhook; secret: string }>('POST', '/webhooks', body)
    terminal.result(made, () => `Made ${made.webhook.id} (${made.webhook.name})\nSecret, shown once: ${made.secret}`)
    return undefined
  },
}

const list: Command = {
  path: 'webhook list',
  summary: 'All webhooks, without their secrets',
  run: async ({ api, terminal }) => {
    const { webhooks } = await (await api()).json<{ webhooks: Webhook[] }>('GET', '/webhooks')
    terminal.result({ webhooks }, () =>
      webhooks.length === 0
        ? 'No webhooks. Make one with: bellwether webhook create --name NAME --url URL --on ACTION'
        : terminal.table(
            ['id', 'name', 'url', 'hears of'],
            webhooks.map(({ id, name, url, actions }) => [id, name, url, actions.join(' ')]),
          ),
    )
    return undefined
  },
}

const remove: Command = {
  path: 'webhook delete',
  summary: 'Tell a webhook nothing more',
  args: ID,
  run: async context => {
    const { webhook } = await asked<{ webhook: Webhook }>(context, 'DELETE', '')
    context.terminal.result({ webhook }, () => `Deleted ${webhook.id} (${webhook.name})`)
    return undefined
  },
}

const attempt: Command = {
  path: 'webhook test',
  summary: 'Send a webhook an example, at once and once',
  args: ID,
  run: async context => {
    const tried = await asked<Tried>(context, 'POST', '/test')
    const { status, answer = '', error } = tried
    context.terminal.result(tried, () =>
      status === undefined ? `No answer: ${error}` : `It answered ${status}${answer === '' ? '' : `: ${answer}`}`,
    )
    return undefined
  },
}

const deliveries: Command = {
  path: 'webhook deliveries',
  summary: 'What a webhook has not taken yet',
  args: ID,
  run: async context => {
    const told = await asked<{ deliveries: WaitingDelivery[] }>(context, 'GET', '/deliveries')
    const { terminal } = context
    terminal.result(told, () =>
      told.deliveries.length === 0
        ? 'Nothing waits: it has taken everything'
        : terminal.table(
            ['change', 'action', 'target', 'state', 'tried', 'why'],
            told.deliveries.map(({ id, action, target, state, attempts, error = '' }) => [
              id,
              action,
              target,
              state === 'dead' ? 'given up' : state,
              String(attempts),
              error,
            ]),
          ),
    )
    return undefined
  },
}

export const webhookCommands: readonly Command[] = [create, list, remove, attempt, deliveries]

async function asked<T>({ api, args }: CommandContext, method: 'GET' | 'POST' | 'DELETE', path: string): Promise<T> {
  return await (await api()).json<T>(method, `/webhooks/${encodeURIComponent(args['id'] ?? '')}${path}`)
}
