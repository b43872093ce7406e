import { writeFile } from 'node:fs/promises'
import { Problem } from '../../errors.ts'
import type { Command } from '../../platform/command.ts'

const FORMATS = ['json', 'yaml', 'md', 'pdf']

export const cardCommand: Command = {
  path: 'card',
  summary: 'The model card of a version',
  description:
    'What it is, what it is for, how good it is and for whom, what was signed of it, and what became of it in production.\n' +
    'As a PDF for a committee, as Markdown for Hugging Face, as YAML and JSON for programs.',
  args: [{ name: 'version', summary: 'MODEL@VERSION or MODEL@ALIAS', completes: 'model' }],
  options: [
    {
      name: 'format',
      type: 'string',
      value: 'FORMAT',
      summary: 'pdf, md, yaml or json; else by the name of the file, else md',
    },
    {
      name: 'output',
      type: 'string',
      value: 'FILE',
      completes: 'file',
      summary: 'Where to write it; without it, to standard output',
    },
  ],
  examples: [
    { line: 'bellwether card churn@champion --output churn.pdf', does: 'for the risk committee' },
    { line: 'bellwether card churn@1.0.0 --format md > README.md', does: 'for Hugging Face' },
  ],
  run: async ({ api, args, options, terminal }) => {
    const text = args['version'] ?? ''
    const at = text.indexOf('@')
    if (at <= 0)
      throw new Problem(
        'usage',
        `Cannot tell which version ${JSON.stringify(text)} is: wanted MODEL@VERSION or MODEL@ALIAS`,
      )
    const output = options['output'] as string | undefined
    const format = formatOf(options['format'] as string | undefined, output)
    if (format === 'pdf' && output === undefined)
      throw new Problem('usage', 'Cannot write a PDF to a terminal: wanted --output FILE')
    const path = `/models/${encodeURIComponent(text.slice(0, at))}/versions/${encodeURIComponent(text.slice(at + 1))}/card?format=${format}`
    const answer = await (await api()).send({ method: 'GET', path })
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (output === undefined) {
      process.stdout.write(bytes)
      return undefined
    }
    await writeFile(output, bytes)
    terminal.result({ output, format, bytes: bytes.length }, () => `Written: ${output} (${bytes.length} bytes)`)
    return undefined
  },
}

function formatOf(given: string | undefined, output: string | undefined): string {
  const extension = output?.split('.').at(-1)
  const format = given ?? (extension !== undefined && FORMATS.includes(extension) ? extension : 'md')
  if (FORMATS.includes(format)) return format
  throw new Problem('usage', `Cannot write the card as ${JSON.stringify(given)}: wanted ${FORMATS.join(', ')}`)
}
