/** `bellwether smoke`: from the options to a list of checks. */
import { setTimeout } from 'node:timers/promises'
import { client, httpTransport } from '../client.ts'
import { Problem } from '../errors.ts'
import { seededRandom } from '../math/random.ts'
import type { CommandContext } from '../platform/command.ts'
import { INTERRUPTED } from '../platform/run-command.ts'
import { durationText } from '../platform/text-table.ts'
import { padEnd, padStart, plain } from '../platform/text-width.ts'
import { serverUrl } from './load-target.ts'
import { durationMs } from './settings.ts'
import { type SmokeCheck, smoke } from './smoke.ts'
import { MODELS_USUAL, NOT_WELL } from './statuses.ts'

const WAIT_MS_MAX = 3_600_000
/** For one check: a model in Python may have to be started first. */
const CHECK_MS_MAX = 60_000
const SEED = 17

export async function runSmoke(context: CommandContext): Promise<number | undefined> {
  const { args, options, terminal, signal } = context
  const url = args['url'] ?? serverUrl(context)
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new Problem('usage', `Cannot ask the server ${plain(url)}: wanted a URL such as http://127.0.0.1:8080`)
  }
  const key = options['key'] as string | undefined
  const api = client(request =>
    httpTransport(url, key, AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS_MAX)]))(request),
  )
  const { paint } = terminal
  const words = { ok: paint.good('ok     '), failed: paint.bad('failed '), skipped: paint.notable('skipped') }
  const line = ({ name, state, ms, detail }: SmokeCheck): string =>
    `${words[state]}  ${padEnd(plain(name), 24)} ${paint.faint(padStart(durationText(ms), 8))}  ${plain(detail)}`
  const models = options['model'] as readonly string[] | undefined
  const checks = await smoke({
    api,
    ...(models === undefined || models.length === 0 ? {} : { models }),
    modelsMax: options['all'] === true ? Number.POSITIVE_INFINITY : MODELS_USUAL,
    ...(options['purpose'] === undefined ? {} : { purpose: String(options['purpose']) }),
    waitMs: durationMs('wait', options['wait'], WAIT_MS_MAX, 0),
    random: seededRandom(SEED),
    now: () => performance.now(),
    pause: ms => setTimeout(ms, undefined, { signal }),
    onCheck: check => terminal.say(line(check)),
  })
  if (signal.aborted) return INTERRUPTED
  const failed = checks.filter(({ state }) => state === 'failed').length
  terminal.result({ url, well: failed === 0, checks }, () =>
    failed === 0 ? paint.strong(`${plain(url)} is well`) : paint.bad(`${failed} of ${checks.length} checks failed`),
  )
  return failed === 0 ? undefined : NOT_WELL
}
