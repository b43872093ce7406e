/** Three ways to falsify a ledger, each tried on a copy of its export, and what the stand-alone verifier says. */
import { spawn } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The end that is cut off is worth telling: older heads than the very last are gone back to. */
const SHARE_KEPT_MAX = 0.8
const VERIFIER = fileURLToPath(new URL('../../tools/verify-export.mjs', import.meta.url))

export interface Verdict {
  readonly intact: boolean
  /** The faults it names; without them, what it found. */
  readonly says: readonly string[]
}

export interface Tampering {
  /** What somebody did, in plain words. */
  readonly deed: string
  readonly verdict: Verdict
}

/**
 * Runs the verifier, which imports nothing of ours, on an export with a head that was kept elsewhere. All paths are relative to
 * `scratch`.
 */
export function verify(
  scratch: string,
  exported: string,
  keptHead: string,
  proofs: readonly string[] = [],
): Promise<Verdict> {
  const args = [VERIFIER, exported, '--head', keptHead, ...proofs.flatMap(proof => ['--proof', proof])]
  const child = spawn(process.execPath, args, { cwd: scratch, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => {
      const lines = text.trim().split('\n')
      const faults = lines.filter(line => line.startsWith('FAULT')).map(line => line.replace(/^FAULT\s+/, ''))
      resolve({ intact: code === 0, says: faults.length > 0 ? faults : lines })
    })
  })
}

interface Copy {
  readonly folder: string
  readonly records: string[]
  readonly heads: string[]
}

/**
 * @param scratch folder for the copies; the other paths are relative to it.
 * @param exported folder of a whole export.
 * @param recordId the prediction that is to be changed.
 */
export async function tamper(
  scratch: string,
  exported: string,
  keptHead: string,
  recordId: string,
): Promise<readonly Tampering[]> {
  const all: readonly ((copy: Copy) => string)[] = [copy => edit(copy, recordId), remove, cutOff]
  const tried: Tampering[] = []
  for (const [i, falsify] of all.entries()) {
    const name = `tampered-${i + 1}`
    const folder = join(scratch, name)
    cpSync(join(scratch, exported), folder, { recursive: true })
    const copy = { folder, records: linesOf(folder, 'records.jsonl'), heads: linesOf(folder, 'heads.jsonl') }
    const deed = falsify(copy)
    writeLines(folder, 'records.jsonl', copy.records)
    writeLines(folder, 'heads.jsonl', copy.heads)
    tried.push({ deed, verdict: await verify(scratch, name, keptHead) })
  }
  return tried
}

/** A customer who was likely to leave is said to have been unlikely to. */
function edit({ records }: Copy, recordId: string): string {
  const at = records.findIndex(line => line.includes(`"id":"${recordId}"`))
  const [, name, value] = /"outputs":\{"([^"]+)":([\d.e-]+)/.exec(records[at]!)!
  const falsified = Number((Number(value) / 10).toPrecision(3))
  records[at] = records[at]!.replace(`"${name}":${value}`, `"${name}":${falsified}`)
  return `rewrites record ${at + 1}: ${name} was ${Number(Number(value).toPrecision(3))}, now ${falsified}`
}

function remove({ records }: Copy): string {
  const at = Math.floor(records.length / 2)
  records.splice(at, 1)
  return `takes out record ${at + 1}, as if it had never been answered`
}

/** Only a head that was kept elsewhere gives this one away. */
function cutOff({ records, heads }: Copy): string {
  const sizes = heads.map(line => (JSON.parse(line) as { size: number }).size)
  const last = sizes.findLastIndex(size => size <= records.length * SHARE_KEPT_MAX)
  const kept = last === -1 ? 0 : sizes[last]!
  const lost = records.length - kept
  records.length = kept
  heads.length = last + 1
  return `cuts off the last ${lost} records with the signed heads over them; what is left is consistent in itself`
}

function linesOf(folder: string, name: string): string[] {
  return readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')
}

function writeLines(folder: string, name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, name), lines.map(line => `${line}\n`).join(''))
}
