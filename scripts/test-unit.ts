/**
 * The tests beside the source, in two processes, each with half of the files: starting a process for each of four hundred files
 * takes longer than most of their tests. `npm test` runs every file in a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PROCESSES = 2
const TEST_MS_MAX = 120_000

interface Ended {
  readonly code: number
  readonly output: Buffer
}

function run(part: number): Promise<Ended> {
  const flags = [
    '--test',
    '--test-isolation=none',
    `--test-timeout=${TEST_MS_MAX}`,
    `--test-shard=${part}/${PROCESSES}`,
    ...(process.stdout.isTTY ? ['--test-reporter=spec'] : []),
  ]
  const child: ChildProcess = spawn(process.execPath, [...flags, 'src/**/*.test.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/node') },
  })
  const output: Buffer[] = []
  child.stdout!.on('data', chunk => output.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? 1, output: Buffer.concat(output) }))
  })
}

// One after the other, so that what is printed can be read.
const running = Array.from({ length: PROCESSES }, (_, index) => run(index + 1))
for (const each of running) {
  const { code, output } = await each
  process.stdout.write(output)
  if (code !== 0) process.exitCode = code
}
