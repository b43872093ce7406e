import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { Problem } from '../../errors.ts'
import type { Command, CommandContext } from '../../platform/command.ts'
import { numberText } from '../../platform/text-table.ts'
import { modelOf, pathOf, splitModel, versionOf } from '../fetch-version.ts'
import { BUNDLE_TARGETS, type BundleTarget, bundleText } from './bundle.ts'

const GLOBAL_DEFAULT = 'bellwether'

export const bundleCommand: Command = {
  path: 'bundle',
  summary: 'Write a version as one file that answers without a server',
  description: `The file has validation, prediction and explanation inside, depends on nothing, and answers as the server does. What it answers becomes no record: that is the price of having no server. That the version was given away is recorded.

Targets: esm (a module with predict() and explain(), for Node, Deno, bundlers), browser (a script that makes a global), lambda (a module with handler(event) for AWS Lambda), azure (the same for Azure Functions).`,
  args: [{ name: 'model', summary: 'Name of the model; with @VERSION or @ALIAS, that version', completes: 'model' }],
  options: [
    {
      name: 'target',
      type: 'string',
      value: 'TARGET',
      default: 'esm',
      completes: BUNDLE_TARGETS,
      summary: 'Where it will run: esm, browser, lambda or azure',
    },
    {
      name: 'output',
      short: 'o',
      type: 'string',
      value: 'FILE',
      required: true,
      completes: 'file',
      summary: 'The file',
    },
    {
      name: 'global',
      type: 'string',
      value: 'NAME',
      default: GLOBAL_DEFAULT,
      summary: 'Of browser: name of the global that holds the model',
    },
    { name: 'purpose', type: 'string', value: 'TEXT', summary: 'What it is for, where the model wants to know' },
  ],
  examples: [
    { line: 'bellwether bundle churn@1.0.0 --output churn.mjs', does: 'a module for Node' },
    { line: 'bellwether bundle churn --target lambda -o index.mjs', does: 'a function for AWS Lambda' },
  ],
  run: writeBundle,
}

async function writeBundle({ args, options, terminal, api }: CommandContext): Promise<undefined> {
  const [name, reference] = splitModel(args['model'] ?? '')
  const output = String(options['output'])
  const target = targetOf(options['target'])
  const purpose = options['purpose'] as string | undefined
  const client = await api()
  const version = await versionOf(client, name, reference)
  const model = await modelOf(client, version, purpose)
  const { format, signature, artifact } = version
  const about = { model: name, version: version.version, artifactSha256: artifact.sha256, format }
  const text = await bundleText(about, signature, model, {
    target,
    global: String(options['global'] ?? GLOBAL_DEFAULT),
  })
  await writeFile(output, text).catch((error: Error) => {
    throw new Problem('unavailable', `Cannot write ${output}: ${error.message}`, { cause: error })
  })
  const bundleSha256 = createHash('sha256').update(text).digest('hex')
  const told = { target, bundleSha256, ...(purpose === undefined ? {} : { purpose }) }
  const { id: record } = await client.json<{ id: string }>('POST', `${pathOf(version)}/bundles`, told)
  const bytes = Buffer.byteLength(text)
  terminal.result({ model: name, version: version.version, output, bytes, ...told, record }, () =>
    [
      `Wrote ${name}@${version.version} for ${target}, ${numberText(bytes)} bytes: ${output}`,
      `Recorded as ${record}`,
    ].join('\n'),
  )
  return undefined
}

function targetOf(value: unknown): BundleTarget {
  const target = BUNDLE_TARGETS.find(known => known === value)
  if (target !== undefined) return target
  throw new Problem('usage', `Cannot use --target ${value}: wanted one of ${BUNDLE_TARGETS.join(', ')}`)
}
