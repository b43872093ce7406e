/** What the demo does and tells, step by step. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { client, httpTransport } from '../../src/client.ts'
import { Problem } from '../../src/errors.ts'
import type { SignedHead } from '../../src/ledger/evidence.ts'
import { openTerminal } from '../../src/platform/terminal.ts'
import { durationText, numberText } from '../../src/platform/text-table.ts'
import { loadArtifact } from '../../src/predictor/load-artifact.ts'
import type { ModelVersion } from '../../src/registry/version.ts'
import { summary } from './ending.ts'
import { type FilePlan, MANIFEST, peopleOf, planOf, writeManifest } from './file-population.ts'
import { type Lived, live } from './live.ts'
import { type Population, simulated } from './population.ts'
import { bellwether } from './server-process.ts'
import type { Demo, Told } from './stage.ts'
import { tamper, verify } from './tampering.ts'
import { blockHead, heading, indented, tellFigures, tellRecord, tellRefusals, tellTampering } from './telling.ts'
import type { Answered } from './traffic.ts'

const EXAMPLE = fileURLToPath(new URL('model.yaml', import.meta.url))
const BARE_NAME = 'churn'
const BARE_VERSION = '1.0.0'
/** Of the order in which the customers of a file come. */
const SEED = 'demo'
/** Files in the folder of the demo, where its commands run. */
const PROOF = 'proof.json'
const HEAD = 'kept-head.json'
const EXPORT = 'export'
const DATA = 'data'

export async function tellStory(demo: Demo): Promise<void> {
  const startedAt = performance.now()
  const terminal = openTerminal(process, { json: false, env: process.env })
  const told: Told = { ...demo, terminal, api: client(httpTransport(demo.server.url)) }
  const { url, startedInMs } = demo.server
  heading(terminal, 1, 'A server of its own')
  terminal.say(`   ${url}, ready after ${durationText(startedInMs)}; everything is in ${demo.folder}`)

  heading(terminal, 2, 'A trained model goes into production')
  const registered = await register(told)
  const { version } = registered

  heading(terminal, 3, 'Live traffic over HTTP, watched')
  const population = populationOf(told, registered)
  const { traffic, blocks, outcomes } = await drive(told, version, population)
  if (demo.signal.aborted) return
  await command(told, ['drift', version.model])

  heading(terminal, 4, 'One customer, on the record')
  const chosen = mostAtRisk(traffic.answered)
  await tellRecord(told, chosen)
  await command(told, ['audit', 'prove', chosen.id, '--output', PROOF])

  heading(terminal, 5, 'Nobody changed the record')
  await command(told, ['audit', 'head', '--output', HEAD])
  await command(told, ['audit', 'verify', '--head', HEAD])
  await command(told, ['audit', 'export', '--output', EXPORT])
  const { intact, says } = await verify(demo.folder, EXPORT, HEAD, [PROOF])
  if (!intact) throw new Problem('corrupt', `Cannot verify the export: ${says.join('; ')}`)
  terminal.say(
    indented(
      `${terminal.paint.good('✓')} tools/verify-export.mjs, which imports nothing of Bellwether: ${says.at(-1)}`,
    ),
  )

  heading(terminal, 6, 'And if somebody does?')
  tellTampering(terminal, await tamper(demo.folder, EXPORT, HEAD, chosen.id))

  heading(terminal, 7, 'Summary')
  await summary(told, {
    population,
    traffic,
    blocks,
    outcomes,
    head: JSON.parse(readFileSync(join(demo.folder, HEAD), 'utf8')) as SignedHead,
    seconds: (performance.now() - startedAt) / 1000,
    version,
  })
}

interface Registered {
  readonly version: ModelVersion
  /** How the file of the options is divided, if there is one. */
  readonly plan: FilePlan | undefined
}

/** A bare model file for real data gets its reference from that data; what knows more than its bytes is registered as it is. */
async function register(told: Told): Promise<Registered> {
  const { folder, options } = told
  const { data, model } = options
  const file = resolve(model ?? EXAMPLE)
  const isBare = !/\.ya?ml$/i.test(file)
  const planFor = (path: string, features: readonly string[]): Promise<FilePlan> =>
    planOf(path, features, { ...options, rowsMax: options.customers, withReference: isBare, seed: SEED })
  let plan: FilePlan | undefined
  if (isBare && data !== undefined) {
    plan = await planFor(data, loadArtifact(readFileSync(file)).features)
    writeManifest(folder, file, plan, BARE_NAME, BARE_VERSION)
    await command(told, ['register', MANIFEST])
  } else {
    const named = isBare ? ['--name', BARE_NAME, '--version', BARE_VERSION] : []
    await command(told, ['register', file, ...named])
  }
  const { models } = await told.api.json<{ models: { name: string; versions: string[] }[] }>('GET', '/models')
  const { name, versions } = models[0]!
  const path = `/models/${encodeURIComponent(name)}/versions/${versions.at(-1)}`
  const version = await told.api.json<ModelVersion>('GET', path)
  const names = version.signature.inputs.map(input => input.name)
  return { version, plan: plan ?? (data === undefined ? undefined : await planFor(data, names)) }
}

/** Shows a command line and what it says, as if somebody had typed it in the folder of the demo. */
async function command({ terminal, folder }: Told, words: readonly string[]): Promise<void> {
  const args = [...words, '--data', DATA]
  const line = `bellwether ${args.map(shortened).join(' ')}`
  terminal.say(`   ${terminal.paint.accent(`$ ${line}`)}`)
  const { status, stdout, stderr } = await bellwether(folder, args)
  if (status !== 0) throw new Problem('failed', `Cannot run \`${line}\`: ${(stderr || stdout).trim()}`)
  terminal.say(indented(stdout.trimEnd()))
}

/** Paths as one would type them here. */
function shortened(text: string): string {
  const here = `${process.cwd()}/`
  return text.startsWith(here) ? text.slice(here.length) : text
}

function populationOf({ options, terminal }: Told, { version, plan }: Registered): Population {
  const { data, customers } = options
  const population = plan === undefined ? simulated(customers, version.signature) : peopleOf(plan, version.signature)
  if (population.people.length === 0) throw new Problem('invalid', `Cannot send traffic: ${data} has no rows`)
  for (const note of population.notes) terminal.say(`   ${note}`)
  return population
}

async function drive(told: Told, version: ModelVersion, population: Population): Promise<Lived> {
  const { terminal } = told
  blockHead(terminal)
  const lived = await live(told, version, population)
  const { traffic } = lived
  terminal.say('')
  tellFigures(terminal, traffic)
  tellRefusals(terminal, traffic.refusals)
  if (traffic.failures.length > 0) {
    const { count, status, told: why } = traffic.failures[0]!
    throw new Problem('failed', `Cannot go on: ${numberText(count)} right requests were answered ${status}: ${why}`)
  }
  return lived
}

function mostAtRisk(answered: readonly Answered[]): Answered {
  return answered.reduce((worst, next) => (next.value > worst.value ? next : worst))
}
