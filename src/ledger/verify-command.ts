/** `bellwether audit verify`: of a data folder by ourselves, of an export by the verifier that stands alone. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROBLEMS, Problem } from '../errors.ts'
import type { CommandContext } from '../platform/command.ts'
import { openKeyring, openSigner } from '../platform/crypto.ts'
import { runningServer } from '../platform/folder.ts'
import { canonical } from './canonical.ts'
import type { SignedHead } from './evidence.ts'
import { parseHead } from './heads.ts'
import { type VerifyReport, verifyLedger } from './verify.ts'

const VERIFIER = fileURLToPath(new URL('../../tools/verify-export.mjs', import.meta.url))

export async function runVerify(context: CommandContext): Promise<number | undefined> {
  const folder = context.args['dir'] ?? context.config.config.data
  if (existsSync(join(folder, 'records.jsonl')) || existsSync(join(folder, 'records.jsonl.gz'))) {
    return verifyExport(folder, context)
  }
  const { options, terminal, signal } = context
  const kept = options['head'] as string | undefined
  const head = kept === undefined ? undefined : await readHead(kept)
  const publicKeys = await keysFor(folder, context)
  await closeGap(folder, context)
  const progress = terminal.progress('Verifying')
  const report = await verifyLedger(join(folder, 'ledger'), {
    publicKeys,
    signal,
    ...(head !== undefined && { head }),
    progress: (done, total) => progress.update(done, `${done} of ${total} records`),
  })
  progress.end()
  terminal.result(report, () => reportText(folder, report, kept !== undefined))
  return report.ok ? undefined : PROBLEMS.corrupt.exit
}

/** Has a server that runs on the folder sign what came since its last head; without the right to ask, the gap is told. */
async function closeGap(folder: string, { config, api }: CommandContext): Promise<void> {
  if (folder !== config.config.data || runningServer(folder) === undefined) return
  try {
    await (await api()).json('GET', '/audit/head')
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
}

async function readHead(path: string): Promise<SignedHead> {
  try {
    return parseHead(canonical(JSON.parse(await readFile(path, 'utf8'))))
  } catch (cause) {
    throw new Problem('malformed', `Cannot use ${path}: it is no signed head, wanted what \`audit head\` gave`, {
      cause,
    })
  }
}

async function keysFor(folder: string, { config, options }: CommandContext): Promise<readonly string[]> {
  const given = options['public-key'] as readonly string[] | undefined
  if (given !== undefined && given.length > 0) return given
  const { master } = config.config.keys
  const keys = join(folder, 'keys')
  // Looked for first, because opening keys makes those that are not there.
  if (existsSync(join(keys, 'ledger.key')) && (master !== undefined || existsSync(join(keys, 'master.key')))) {
    return [(await openSigner(folder, 'ledger', await openKeyring(folder, master))).publicKey]
  }
  const wanted = 'wanted a data folder with its keys, or --public-key'
  throw new Problem('not_found', `Cannot verify ${folder}: there is no key to check signatures with, ${wanted}`)
}

async function verifyExport(
  folder: string,
  { options, terminal, signal }: CommandContext,
): Promise<number | undefined> {
  const keys = (options['public-key'] ?? []) as readonly string[]
  const head = options['head'] === undefined ? [] : ['--head', options['head'] as string]
  const args = [VERIFIER, folder, ...head, ...keys.flatMap(key => ['--key', key])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], signal })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ok = await new Promise<boolean>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status => resolve(status === 0))
  })
  const lines = said.trimEnd().split('\n')
  terminal.result({ ok, lines }, () => lines.join('\n'))
  return ok ? undefined : PROBLEMS.corrupt.exit
}

function reportText(folder: string, report: VerifyReport, hasKept: boolean): string {
  const { records, proven, sealed, segments, heads, newestHead, bytes } = report
  const per = (part: number, count: number): string => (count === 0 ? '-' : (part / count).toFixed(1))
  const lines = [
    report.ok
      ? `Intact: ${records} records, ${proven} of them proven by ${heads} signed heads`
      : `NOT INTACT: ${report.faults.length} faults; ${proven} of ${records} records are proven`,
    ...report.faults.map(({ what }) => `  - ${what}`),
    ...report.notes.map(note => `Note: ${note}`),
    `Folder: ${folder}`,
    `Sealed: ${sealed} records in ${segments} segments, ${per(bytes.sealed, sealed)} bytes a record`,
    `Journal: ${records - sealed} records, ${per(bytes.journal, records - sealed)} bytes a record`,
    `Tree: ${per(bytes.tree, records)} bytes a record`,
    ...(newestHead === undefined ? [] : [`Newest head: ${newestHead.size} records, root ${newestHead.root}`]),
    `Took ${(report.elapsedMs / 1000).toFixed(1)} s`,
  ]
  if (!hasKept) lines.push('An end cut off together with its heads shows only by --head, one that was kept elsewhere')
  return lines.join('\n')
}
