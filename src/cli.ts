/** The command line: what `bellwether` is told becomes a command, and the command's outcome an exit status. */
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { resolve } from 'node:path'
import { accessCommands } from './access/commands.ts'
import { client, httpTransport, type Transport } from './client.ts'
import { driftCommands } from './drift/commands.ts'
import { Problem } from './errors.ts'
import { explainCommands } from './explain/commands.ts'
import { feedbackCommands } from './feedback/commands.ts'
import { cardCommand } from './governance/card/commands.ts'
import { webhookCommands } from './governance/webhooks/commands.ts'
import { ledgerCommands } from './ledger/commands.ts'
import { loadtestCommands } from './loadtest/commands.ts'
import type { Command, CommandContext, Option, Program } from './platform/command.ts'
import type { ParsedRun } from './platform/command-line.ts'
import { completionScript, MODEL_NAMES, SHELLS, type Shell } from './platform/completion.ts'
import { type LoadedConfig, loadConfig } from './platform/config.ts'
import { configCommand } from './platform/config-command.ts'
import { CONFIG_KEYS } from './platform/config-keys.ts'
import { runningServer } from './platform/folder.ts'
import { type CommandHost, type Connection, runCommandLine, TRACE_VARIABLE } from './platform/run-command.ts'
import { plain } from './platform/text-width.ts'
import { registryCommands } from './registry/commands.ts'
import { evidenceCommands } from './registry/evidence/commands.ts'
import { rotateMasterCommand } from './registry/evidence/rotate-master-command.ts'
import { lifecycleCommands } from './registry/lifecycle/commands.ts'
import { servingCommands } from './serving/commands.ts'
import { streamCommand } from './serving/stream/commands.ts'
import { trainCommand } from './training/jobs/commands.ts'
import { studyCommands } from './training/studies/commands.ts'
import { validationCommands } from './training/validation/commands.ts'

// What is imported from here on starts in half the time from the second start on: the application is a thousand modules.
enableCompileCache()

const PACKAGE = new URL('../package.json', import.meta.url)
const { version, description } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string; description: string }

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const
const ALIVE_MS_MAX = 2_000

const GLOBALS: readonly Option[] = [
  { name: 'json', type: 'boolean', summary: 'Answer in JSON, for programs; problems too, on standard error' },
  {
    name: 'server',
    type: 'string',
    value: 'URL',
    env: 'BELLWETHER_URL',
    summary: 'Talk to this server, not to the one on the data folder',
  },
  { name: 'key', type: 'string', value: 'KEY', env: 'BELLWETHER_KEY', summary: 'API key, where the server has keys' },
  {
    name: 'data',
    type: 'string',
    value: 'DIR',
    setting: 'data',
    completes: 'folder',
    summary: 'Folder of everything that is kept',
  },
  {
    name: 'config',
    type: 'string',
    value: 'FILE',
    env: 'BELLWETHER_CONFIG',
    completes: 'file',
    summary: 'Settings to use, in place of ./bellwether.yaml',
  },
]

const start: Command = {
  path: 'start',
  summary: 'Serve the registered models',
  description: `API, records and metrics in one process. It answers on loopback at first; beyond it only once there is an API key (\`bellwether key create\`). Everything it keeps is in the data folder, which one process holds at a time; a new folder is made where there is none.

One JSON line for each invocation goes to standard output, what people want to know to standard error. SIGINT (Ctrl-C) and SIGTERM stop it after it has finished what it accepted; a second one stops it at once, and even then no acknowledged record is lost.`,
  options: [
    {
      name: 'port',
      short: 'p',
      type: 'number',
      value: 'PORT',
      setting: 'server.port',
      summary: 'Port to listen on; 0 takes a free one',
    },
    {
      name: 'grpc-port',
      type: 'number',
      value: 'PORT',
      setting: 'server.grpcPort',
      summary: 'Port to listen on for gRPC too; 0 takes a free one',
    },
    { name: 'host', type: 'string', value: 'ADDRESS', setting: 'server.host', summary: 'Address to listen on' },
    {
      name: 'model',
      type: 'string',
      value: 'NAME',
      setting: 'server.model',
      completes: 'model',
      summary: 'Model that POST /predict asks; without it, the only one there is',
    },
    {
      name: 'workers',
      type: 'number',
      value: 'N',
      setting: 'server.workers',
      summary: 'Processes that answer on the one port; the one that was started keeps the records',
    },
    {
      name: 'database',
      type: 'string',
      value: 'URL',
      setting: 'database.url',
      summary: 'PostgreSQL database for metadata; without it, SQLite in the data folder',
    },
    {
      name: 'log-level',
      type: 'string',
      value: 'LEVEL',
      setting: 'log.level',
      completes: ['debug', 'info', 'warn', 'error', 'silent'],
      summary: 'How much is logged',
    },
  ],
  examples: [
    { line: 'bellwether start', does: 'data in ./.bellwether, answers at http://127.0.0.1:8080' },
    { line: 'bellwether start --data /var/lib/bellwether --port 9000', does: 'elsewhere' },
    { line: 'bellwether start > invocations.jsonl', does: 'keep the log lines' },
  ],
  run: startServer,
}

async function startServer({ config, signal, terminal }: CommandContext): Promise<undefined> {
  const { openApp } = await import('./app.ts')
  const app = await openApp(config)
  try {
    const data = resolve(config.config.data)
    const { strong, faint, accent, notable } = terminal.paint
    const url = app.url ?? ''
    terminal.warn(
      [
        `${strong('Bellwether')} ${version} answers at ${accent(url)}`,
        `  dashboard              ${url}/`,
        `  API and how to use it  ${url}/docs`,
        `  metrics                ${url}/metrics`,
        ...(app.grpc === undefined ? [] : [`  gRPC                   ${app.grpc}`]),
        `  data                   ${data}`,
        ...ignoredVariables(config).map(note => `  ${notable('note')}                   ${note}`),
        ...app.notes.map(note => `  ${notable('note')}                   ${note}`),
        faint('Stop with Ctrl-C: what was accepted is finished first.'),
      ].join('\n'),
    )
    renewOnHangUp(app.renew)
    await aborted(signal)
    terminal.warn('Stopping: no new requests, finishing those accepted')
  } finally {
    await app.close()
  }
  terminal.warn('Stopped')
}

/** As services do that are told of a change: only from a terminal it means that somebody has gone. */
function renewOnHangUp(renew: (() => Promise<void>) | undefined): void {
  if (renew !== undefined && process.stdin.isTTY !== true) process.on('SIGHUP', () => void renew())
}

/** A misspelt variable would otherwise have no effect and say nothing. */
function ignoredVariables({ ignored }: LoadedConfig): readonly string[] {
  const ours = [TRACE_VARIABLE, ...GLOBALS.map(({ env }) => env)]
  return ignored
    .filter(({ name }) => !ours.includes(name))
    .map(({ name, meant, wanted }) => {
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`
      return `${plain(name)} sets nothing${wanted === undefined ? hint : `: wanted ${wanted}`}`
    })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(done => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
}

const completion: Command = {
  path: 'completion',
  summary: 'Print a completion script for a shell',
  description: `The script completes commands, options, files and, while a server runs, the names of models.`,
  args: [
    {
      name: 'shell',
      summary: `${SHELLS.join(' or ')}; \`${MODEL_NAMES}\` prints names of models, for the scripts`,
      completes: SHELLS,
    },
  ],
  examples: [
    { line: 'source <(bellwether completion bash)', does: 'bash, for this session' },
    {
      line: 'bellwether completion bash > ~/.local/share/bash-completion/completions/bellwether',
      does: 'bash, from now on',
    },
    { line: 'bellwether completion zsh > ~/.zsh/completions/_bellwether', does: 'zsh, from now on' },
  ],
  run: async context => {
    const shell = context.args['shell']
    if (shell === MODEL_NAMES) return printModelNames(context)
    if (!SHELLS.includes(shell as Shell)) {
      const found = JSON.stringify(shell)
      throw new Problem(
        'usage',
        `Cannot make a completion script: there is none for ${found}, wanted ${SHELLS.join(' or ')}`,
      )
    }
    process.stdout.write(completionScript(PROGRAM, shell as Shell))
    return undefined
  },
}

/** Only of a server that runs: completing a word must neither open a data folder nor complain. */
async function printModelNames({ options, config, terminal }: CommandContext): Promise<undefined> {
  try {
    const running = await serverTransport(options, () => config)
    if (running === undefined) return undefined
    const { models } = await client(running(AbortSignal.timeout(ALIVE_MS_MAX))).json<{ models: { name?: string }[] }>(
      'GET',
      '/models',
    )
    // A shell will read this: nothing but what a name may consist of.
    const names = models.map(({ name }) => String(name)).filter(name => /^[\w.-]+$/.test(name))
    if (names.length > 0) terminal.say(names.join('\n'))
  } catch {
    // No names, then: the shell offers none.
  }
  return undefined
}

const versionCommand: Command = {
  path: 'version',
  summary: 'Print the versions of the program and of what it runs on',
  run: async ({ terminal }) => {
    const { node, sqlite, openssl } = process.versions
    const versions = { bellwether: version, node, sqlite, openssl, platform: `${process.platform} ${process.arch}` }
    terminal.result(versions, () =>
      Object.entries(versions)
        .map(([name, value]) => `${name.padEnd(10)}  ${value}`)
        .join('\n'),
    )
    return undefined
  },
}

const PROGRAM: Program = {
  name: 'bellwether',
  version,
  summary: `${description}.`,
  guide: [
    { line: 'bellwether start', does: 'serve, with everything kept in ./.bellwether' },
    {
      line: 'bellwether register model.json --name churn --version 1.0.0',
      does: 'put a trained model into production',
    },
    {
      line: `curl -H 'content-type: application/json' -d '{"age": 42, "tenure": 3, …}' localhost:8080/predict`,
      does: 'ask it; the answer is recorded before it is given',
    },
    { line: 'bellwether audit verify', does: 'prove that nobody changed the record' },
  ],
  globals: GLOBALS,
  commands: [
    start,
    streamCommand(start),
    ...registryCommands,
    trainCommand,
    ...studyCommands,
    ...validationCommands,
    ...evidenceCommands,
    ...lifecycleCommands,
    rotateMasterCommand,
    ...servingCommands,
    ...explainCommands,
    ...feedbackCommands,
    ...driftCommands,
    cardCommand,
    ...ledgerCommands,
    ...loadtestCommands,
    ...accessCommands,
    ...webhookCommands,
    configCommand,
    completion,
    versionCommand,
  ],
  settings: CONFIG_KEYS,
  notes: [
    'Commands talk to the server given by --server; else to the one that runs on the data folder; where none runs, they open the folder themselves.',
    'Settings come from defaults, then bellwether.yaml, then the environment, then options; `bellwether config` shows each and where it came from.',
    'Exit status: 0 done, 64 not understood, 65 wrong data, 66 not found, 69 unreachable, 70 a fault of ours, 73 a clash, 74 disk full, 75 try again, 77 not allowed, 78 wrong settings.',
    `${TRACE_VARIABLE}=1 adds the stack to an error, for a report. NO_COLOR=1 turns colour off.`,
  ],
}

/** The API of the server asked for, or of the one that lives on the data folder. */
async function serverTransport(
  options: ParsedRun['options'],
  config: () => LoadedConfig,
): Promise<((signal: AbortSignal | undefined) => Transport) | undefined> {
  const server = options['server'] as string | undefined
  const key = options['key'] as string | undefined
  if (server !== undefined) {
    if (URL.canParse(server) && /^https?:/.test(server)) return signal => httpTransport(server, key, signal)
    throw new Problem(
      'usage',
      `Cannot talk to the server ${JSON.stringify(plain(server))}: wanted a URL such as http://127.0.0.1:8080`,
    )
  }
  const place = runningServer(config().config.data)
  return place !== undefined && (await isAlive(place.url)) ? signal => httpTransport(place.url, key, signal) : undefined
}

/** The file may be left by a server that was killed, and its process id be another's by now: only an answer counts. */
async function isAlive(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ALIVE_MS_MAX) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

async function connect(run: ParsedRun, config: () => LoadedConfig, signal: AbortSignal): Promise<Connection> {
  const running = await serverTransport(run.options, config)
  if (running !== undefined)
    return { client: client(running(signal)), lasting: running(undefined), close: async () => {} }
  const { openApp } = await import('./app.ts')
  const app = await openApp(config(), { listen: false, quiet: true })
  return { client: client(app.transport), lasting: app.transport, close: () => app.close() }
}

function host(signal: AbortSignal): CommandHost {
  const { stdout, stderr, env } = process
  return {
    env,
    stdout,
    stderr,
    signal,
    loadConfig: (settings, file) => {
      const flags = Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [key, value === undefined ? undefined : String(value)]),
      )
      return loadConfig({ flags, env, cwd: process.cwd(), ...(file === undefined ? {} : { file }) })
    },
    connect,
  }
}

/** The first signal asks, the second insists. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const [name, number] of Object.entries(SIGNAL_NUMBERS)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number)
      controller.abort()
    })
  }
  // Whoever started us with a channel to talk over (the demo, a test) and is no more, must leave no server behind.
  if (process.connected === true) process.on('disconnect', () => controller.abort())
  return controller.signal
}

// `bellwether … | head`: whoever read has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const status = await runCommandLine(PROGRAM, process.argv.slice(2), host(stopSignal()))
process.stdout.write('', () => process.exit(status))
