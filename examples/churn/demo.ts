/**
 * `npm run demo`: the main job of Bellwether from end to end, on a simulated bank or on data of your own.
 *
 *     npm run demo -- [--exit] [--customers N] [--port PORT] [--data FILE.csv] [--model MODEL.json]
 *
 * It starts the real server as a process of its own on a temporary folder, registers a model through the command line, asks it about
 * thousands of customers over HTTP while half-way the bank enters a country that the model was not made for, posts what became of them,
 * tells how drift and quality show it, and then proves what was answered: the log is verified, a copy is falsified in three ways,
 * and each is caught by a program that imports nothing of ours.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Problem } from '../../src/errors.ts'
import { paintFor, wantsColour } from '../../src/platform/paint.ts'
import { commandProblem, exitStatus, problemText } from '../../src/platform/problem-text.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import type { Demo } from './stage.ts'
import { tellStory } from './story.ts'

const HELP = `npm run demo -- [OPTIONS]

A server, a model, live traffic into which the world changes, a verified log, and falsified copies caught. About a minute.

  --exit           end when the summary is printed; without it the server stays up until Ctrl-C
  --customers N    how many customers are asked about (default: 5000; of a file, all of its rows)
  --port PORT      port of the server (default: 8080, or a free one where that is taken)
  --data FILE      a CSV file of real customers, in place of the simulated bank; its columns are matched with
                   the model's features (examples/churn/README.md tells how)
  --model FILE     a model file or a model.yaml, in place of examples/churn/model.yaml; a model file gets its
                   reference data from half of the rows of --data
  --arrives NAME   of a file that tells countries, the one whose customers come last (default: Germany, else the rarest)
  --help           this
`

const CUSTOMERS_DEFAULT = 5000

function options(): Demo['options'] | undefined {
  const { values } = parseOptions()
  if (values.help) {
    process.stdout.write(HELP)
    return undefined
  }
  const count = (name: 'customers' | 'port', minimum: number, maximum: number): number | undefined => {
    const text = values[name]
    if (text === undefined) return undefined
    const number = Number(text)
    if (Number.isInteger(number) && number >= minimum && number <= maximum) return number
    throw new Problem('usage', `Cannot use --${name} ${text}: wanted a whole number from ${minimum} to ${maximum}`)
  }
  const { data, model, arrives } = values
  const rowsMax = data === undefined ? CUSTOMERS_DEFAULT : Number.MAX_SAFE_INTEGER
  return {
    ends: values.exit,
    customers: count('customers', 1, 1e7) ?? rowsMax,
    port: count('port', 0, 65_535),
    data,
    model,
    arrives,
  }
}

function parseOptions(): {
  values: {
    exit: boolean
    help: boolean
    customers?: string
    port?: string
    data?: string
    model?: string
    arrives?: string
  }
} {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  try {
    const options = { customers: text, port: text, data: text, model: text, arrives: text }
    return parseArgs({ options: { exit: flag, help: flag, ...options } })
  } catch (error) {
    throw new Problem('usage', `Cannot run the demo: ${(error as Error).message}\n\n${HELP}`, { cause: error })
  }
}

/** Aborted by Ctrl-C and its like; a second one ends this process at once, and the server with it. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort()
    })
  }
  return controller.signal
}

async function main(): Promise<number> {
  const chosen = options()
  if (chosen === undefined) return 0
  const signal = stopSignal()
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-demo-'))
  try {
    const data = join(folder, 'data')
    const server = await startServer(data, join(folder, 'invocations.jsonl'), chosen.port)
    try {
      await tellStory({ options: chosen, folder, data, server, signal })
      if (!chosen.ends) await untilStopped(server, signal)
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return 0
}

async function untilStopped(server: ServerProcess, signal: AbortSignal): Promise<void> {
  await Promise.race([aborted(signal), server.gone])
  // Ctrl-C reaches the server too; only one that ended by itself is worth a word.
  if (!signal.aborted) throw new Problem('failed', `Cannot go on: the server ended: ${server.said().trim()}`)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

try {
  process.exitCode = await main()
} catch (error) {
  const problem = commandProblem(error)
  process.stderr.write(`${problemText(problem, paintFor(wantsColour(process.stderr, process.env)))}\n`)
  process.exitCode = exitStatus(problem)
}
