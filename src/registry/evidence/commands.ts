import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { Problem } from '../../errors.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Command, CommandContext } from '../../platform/command.ts'
import type { ModelVersion } from '../version.ts'
import type { Told } from './evidence.ts'
import type { KeyInfo } from './signing-keys.ts'

const VERSION = { name: 'version', summary: 'MODEL@VERSION or MODEL@ALIAS', completes: 'model' } as const
const SHORT = 16

const showCommand: Command = {
  path: 'evidence',
  summary: 'What was signed of a version, and whether it is believed',
  description:
    'With --folder, the artifact is written there with its signature (model.sig) and our public key (key.pub), for whoever\n' +
    'verifies it without us: python -m model_signing verify key DIR/model --signature DIR/model.sig --public_key DIR/key.pub',
  args: [VERSION],
  options: [
    {
      name: 'folder',
      type: 'string',
      value: 'DIR',
      completes: 'file',
      summary: 'Write the model, its signature and key',
    },
    {
      name: 'bom',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'Write its bill of materials (CycloneDX 1.6)',
    },
    {
      name: 'purpose',
      type: 'string',
      value: 'PURPOSE',
      summary: 'What the artifact is taken for, where it must be said',
    },
  ],
  examples: [
    { line: 'bellwether evidence churn@champion', does: 'signature, provenance, measurement, validations, approvals' },
    { line: 'bellwether evidence churn@1.0.0 --folder churn-1.0.0', does: 'for somebody who verifies it elsewhere' },
    { line: 'bellwether evidence churn@1.0.0 --bom churn.cdx.json', does: 'for the inventory' },
  ],
  run: runShow,
}

const addCommand: Command = {
  path: 'evidence add',
  summary: 'Keep what somebody else signed about a version',
  description: 'A Sigstore bundle about its artifact, by a key of the folder evidence.trustedKeys.',
  args: [VERSION, { name: 'bundle', summary: 'The file', completes: 'file' }],
  run: async ({ api, args, terminal }) => {
    const text = await readFile(args['bundle']!, 'utf8')
    const kept = await (await api()).json<Told>('POST', placeOf(args), parsed(text, args['bundle']!))
    terminal.result(kept, () => `Kept: ${kept.about}, signed by ${kept.keyId.slice(0, SHORT)}`)
    return undefined
  },
}

const signCommand: Command = {
  path: 'evidence sign',
  summary:
    'Sign a version again, by the key of now: after a key was revoked, or for one from before there were signatures',
  args: [VERSION],
  run: async ({ api, args, terminal }) => {
    const signed = await (await api()).json<{ statements: Told[] }>('POST', `${placeOf(args)}/sign`)
    terminal.result(signed, () => `Signed: ${signed.statements.map(({ about }) => about).join(', ')}`)
    return undefined
  },
}

const verifyCommand: Command = {
  path: 'evidence verify',
  summary: 'Check a signed model in a folder, without a server',
  description:
    'OpenSSF Model Signing 1.0, whoever signed it. The exit status is not 0 where a file is changed, missing or not signed.',
  args: [{ name: 'folder', summary: 'Where the files of the model are', completes: 'file' }],
  options: [
    {
      name: 'signature',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'Default: model.sig in the folder',
    },
    { name: 'key', type: 'string', value: 'FILE', completes: 'file', summary: 'The public key, PEM' },
    {
      name: 'certificates',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'Certificates of authorities, PEM, where it was signed with one',
    },
  ],
  examples: [
    {
      line: 'bellwether evidence verify churn --signature churn.sig --key trainer.pub',
      does: 'is it what she signed?',
    },
  ],
  run: runVerify,
}

const keysCommand: Command = {
  path: 'evidence keys',
  summary: 'The keys that evidence is signed with',
  run: async ({ api, terminal }) => {
    const { keys } = await (await api()).json<{ keys: KeyInfo[] }>('GET', '/evidence/keys')
    terminal.result({ keys }, () =>
      terminal.table(
        ['key', 'state', 'made', 'by'],
        keys.map(({ id, state, madeAt, madeBy }) => [id.slice(0, SHORT), state, day(madeAt), madeBy]),
      ),
    )
    return undefined
  },
}

const rotateCommand: Command = {
  path: 'evidence rotate',
  summary: 'Let a new key sign; what the one before signed is still believed',
  run: async ({ api, terminal }) => {
    const key = await (await api()).json<KeyInfo>('POST', '/evidence/keys')
    terminal.result(key, () => `${key.id.slice(0, SHORT)} signs now`)
    return undefined
  },
}

const revokeCommand: Command = {
  path: 'evidence revoke',
  summary: 'Believe nothing any more that a key signed',
  description:
    'Versions that only it signed are not loaded any more, until they are signed again: bellwether evidence sign.',
  args: [{ name: 'key', summary: 'Its id, as `evidence keys` tells it, or the begin of it' }],
  run: async ({ api, args, terminal }) => {
    const server = await api()
    const { keys } = await server.json<{ keys: KeyInfo[] }>('GET', '/evidence/keys')
    const found = keys.filter(({ id }) => id.startsWith(args['key']!))
    if (found.length !== 1) {
      throw new Problem(
        'not_found',
        `Cannot revoke ${args['key']}: ${found.length === 0 ? 'no key begins so' : `${found.length} keys begin so`}`,
      )
    }
    const key = await server.json<KeyInfo>('POST', `/evidence/keys/${found[0]!.id}/revoke`)
    terminal.result(key, () => `${key.id.slice(0, SHORT)} is believed no more`)
    return undefined
  },
}

export const evidenceCommands: readonly Command[] = [
  showCommand,
  addCommand,
  signCommand,
  verifyCommand,
  keysCommand,
  rotateCommand,
  revokeCommand,
]

async function runShow({ api, args, options, terminal }: CommandContext): Promise<undefined> {
  const server = await api()
  const { statements } = await server.json<{ statements: Told[] }>('GET', placeOf(args))
  const { folder, bom, purpose } = options
  const written: string[] = []
  if (typeof bom === 'string') {
    await writeFile(bom, `${JSON.stringify(await server.json('GET', `${placeOf(args)}/bom`), undefined, 2)}\n`)
    written.push(bom)
  }
  if (typeof folder === 'string') {
    written.push(...(await writeFolder({ server, place: placeOf(args), folder, purpose, statements })))
  }
  terminal.result({ statements, written }, () => {
    const rows = statements.map(told => [
      told.about,
      told.isBelieved ? 'believed' : 'NOT believed',
      told.keyId.slice(0, SHORT),
      day(told.at),
      told.problem ?? saysOf(told),
    ])
    const table =
      rows.length === 0
        ? 'Nothing was signed: bellwether evidence sign'
        : terminal.table(['about', '', 'key', 'on', ''], rows)
    return written.length === 0 ? table : `${table}\n\nWritten: ${written.join(', ')}`
  })
  return undefined
}

interface FolderParts {
  readonly server: Awaited<ReturnType<CommandContext['api']>>
  readonly place: string
  readonly folder: string
  readonly purpose: unknown
  readonly statements: readonly Told[]
}

/** The model lies in a folder of its own: what is signed is all that is in it. */
async function writeFolder({ server, place, folder, purpose, statements }: FolderParts): Promise<string[]> {
  const signature = statements.filter(({ about, isBelieved }) => about === 'signature' && isBelieved).at(-1)
  const files = (signature?.predicate as { readonly resources?: readonly { readonly name: string }[] } | undefined)
    ?.resources
  if (signature === undefined || files === undefined) {
    throw new Problem('not_found', 'Cannot write the folder: no signature of the version is believed')
  }
  const bundle = await (await server.send({ method: 'GET', path: `${place}/signature` })).text()
  const { keys } = await server.json<{ keys: KeyInfo[] }>('GET', '/evidence/keys')
  const key = keys.find(({ id }) => id === signature.keyId)
  const base = place.replace(/\/evidence$/, '')
  const { model } = await server.json<ModelVersion>('GET', base)
  await mkdir(join(folder, model), { recursive: true })
  const query = typeof purpose === 'string' ? `?purpose=${encodeURIComponent(purpose)}` : ''
  const artifact = await server.send({ method: 'GET', path: `${base}/artifact${query}` })
  const path = join(folder, model, files[0]!.name)
  await pipeline(Readable.fromWeb(artifact.body as ReadableStream<Uint8Array>), createWriteStream(path))
  const written = [path, join(folder, 'model.sig')]
  await writeFile(written[1]!, bundle)
  if (key === undefined) return written
  await writeFile(join(folder, 'key.pub'), key.publicKey)
  return [...written, join(folder, 'key.pub')]
}

async function runVerify({ args, options, terminal }: CommandContext): Promise<undefined> {
  // Loaded where they are used: the program starts without them.
  const { signedElsewhere } = await import('./signed-elsewhere.ts')
  const { verifyFolder } = await import('./verify-folder.ts')
  const folder = args['folder']!
  const {
    signature = join(folder, 'model.sig'),
    key,
    certificates,
  } = options as Readonly<Record<string, string | undefined>>
  if (key === undefined && certificates === undefined) {
    throw new Problem('usage', 'Cannot verify: whom to believe is not said, wanted --key or --certificates')
  }
  const keys = key === undefined ? [] : [await readFile(key, 'utf8')]
  const roots = certificates === undefined ? [] : pems(await readFile(certificates, 'utf8'))
  const model = signedElsewhere(await readFile(signature, 'utf8'), keys, roots, systemClock.now())
  await verifyFolder(folder, model, signature)
  const told = { folder, files: model.files.length, name: model.name }
  terminal.result(told, () => `${folder} is what was signed as ${model.name}: ${model.files.length} files`)
  return undefined
}

function pems(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

function saysOf({ about, predicate }: Told): string {
  const { result, decision } = (predicate ?? {}) as Readonly<Record<string, unknown>>
  if (about === 'validation' && typeof result === 'string') return result.toLowerCase()
  return about === 'approval' && typeof decision === 'string' ? decision : ''
}

function placeOf(args: CommandContext['args']): string {
  const text = args['version'] ?? ''
  const at = text.indexOf('@')
  if (at <= 0)
    throw new Problem(
      'usage',
      `Cannot tell which version ${JSON.stringify(text)} is: wanted MODEL@VERSION or MODEL@ALIAS`,
    )
  return `/models/${encodeURIComponent(text.slice(0, at))}/versions/${encodeURIComponent(text.slice(at + 1))}/evidence`
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Problem('malformed', `Cannot read ${path}: it is not JSON, wanted a Sigstore bundle`)
  }
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
