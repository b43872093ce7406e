/** Help made from the commands' data: an overview that reads like a short guide, and a page for each command. */
import type { Command, Option, Program } from './command.ts'
import { commonOptions, nextWords } from './command-line.ts'
import type { Paint } from './paint.ts'
import { padEnd, widthOf, wrap } from './text-width.ts'

const INDENT = '  '
const COLUMNS_MAX = 100
const LEFT_COLUMNS_MAX = 34

export interface Page {
  readonly columns: number
  readonly paint: Paint
}

/** What `--help` prints for these words: the overview, the commands of a group, or one command. */
export function helpText(program: Program, words: readonly string[], page: Page): string {
  const wide = { ...page, columns: Math.min(page.columns, COLUMNS_MAX) }
  if (words.length === 0) return overview(program, wide)
  const command = program.commands.find(({ path }) => path === words.join(' '))
  return command === undefined ? groupHelp(program, words, wide) : commandHelp(program, command, wide)
}

function overview(program: Program, page: Page): string {
  const { strong, faint } = page.paint
  return sections([
    `${strong(program.name)} ${faint(program.version)}\n${paragraph(program.summary, '', page)}`,
    section('Usage', [`${INDENT}${program.name} COMMAND [ARGUMENTS] [OPTIONS]`], page),
    section('First steps', exampleLines(program.guide, page), page),
    section('Commands', pairs(commandPairs(program, []), page), page),
    section('Options of every command', pairs(optionPairs(program, commonOptions(program, undefined)), page), page),
    section(
      'Good to know',
      program.notes.map(note => paragraph(note, INDENT, page)),
      page,
    ),
    `${INDENT}${program.name} COMMAND --help tells more of each.`,
  ])
}

function groupHelp(program: Program, words: readonly string[], page: Page): string {
  const full = [program.name, ...words].join(' ')
  return sections([
    section('Usage', [`${INDENT}${full} COMMAND [ARGUMENTS] [OPTIONS]`], page),
    section('Commands', pairs(commandPairs(program, words), page), page),
    `${INDENT}${full} COMMAND --help tells more of each.`,
  ])
}

/** `audit` and its verbs share a line each; the words already given are left out. */
function commandPairs(program: Program, words: readonly string[]): readonly Pair[] {
  return nextWords(program, words).flatMap(word => {
    const prefix = [...words, word].join(' ')
    const inside = program.commands.filter(({ path }) => path === prefix || path.startsWith(`${prefix} `))
    return inside.map(command => [usageOf(command).slice(words.join(' ').length).trim(), command.summary] as const)
  })
}

function usageOf(command: Command): string {
  const words = (command.args ?? []).map(({ name, optional }) => {
    return optional === true ? `[${name.toUpperCase()}]` : name.toUpperCase()
  })
  return [command.path, ...words].join(' ')
}

export function usageLine(program: Program, command: Command): string {
  const required = (command.options ?? []).filter(option => option.required === true).map(optionUsage)
  const others = (command.options ?? []).some(option => option.required !== true) ? ['[OPTIONS]'] : []
  return [program.name, usageOf(command), ...required, ...others].join(' ')
}

function commandHelp(program: Program, command: Command, page: Page): string {
  const args = (command.args ?? []).map(({ name, summary }) => [name.toUpperCase(), summary] as const)
  const description = command.description?.split(/\n\s*\n/).map(text => prose(text, page)) ?? []
  return sections([
    [paragraph(`${command.summary}.`.replace(/\.\.$/, '.'), '', page), ...description].join('\n\n'),
    section('Usage', [`${INDENT}${usageLine(program, command)}`], page),
    section('Arguments', pairs(args, page), page),
    section('Options', pairs(optionPairs(program, command.options ?? []), page), page),
    section('Examples', exampleLines(command.examples ?? [], page), page),
    section('Options of every command', pairs(optionPairs(program, commonOptions(program, command)), page), page),
  ])
}

type Pair = readonly [string, string]

function optionPairs(program: Program, options: readonly Option[]): readonly Pair[] {
  return options.map(option => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `
    return [`${short}${optionUsage(option)}`, `${option.summary}${remarks(program, option)}`] as const
  })
}

function optionUsage(option: Option): string {
  if (option.type === 'boolean') return `--${option.name}`
  return `--${option.name} ${option.value ?? (option.type === 'number' ? 'N' : 'TEXT')}`
}

function remarks(program: Program, option: Option): string {
  const setting = option.setting === undefined ? undefined : program.settings[option.setting]
  const fallback = option.default ?? setting?.default
  const env = option.env ?? setting?.env
  const parts = [
    ...(option.required === true ? ['required'] : []),
    ...(option.repeatable === true ? ['may be given again'] : []),
    ...(Array.isArray(option.completes) ? [option.completes.join(', ')] : []),
    ...(fallback === undefined || fallback === '' ? [] : [`default: ${String(fallback)}`]),
    ...(env === undefined ? [] : [`env: ${env}`]),
  ]
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`
}

function pairs(list: readonly Pair[], page: Page): readonly string[] {
  const left = Math.min(LEFT_COLUMNS_MAX, Math.max(0, ...list.map(([term]) => widthOf(term))))
  const gap = ' '.repeat(INDENT.length + left + 2)
  return list.flatMap(([term, text]) => {
    const lines = wrap(text, Math.max(20, page.columns - gap.length))
    const fits = widthOf(term) <= left
    const first = fits ? `${INDENT}${padEnd(term, left)}  ${lines[0] ?? ''}` : `${INDENT}${term}`
    return [first.trimEnd(), ...lines.slice(fits ? 1 : 0).map(line => gap + line)]
  })
}

function exampleLines(examples: Program['guide'], page: Page): readonly string[] {
  return examples.flatMap(({ line, does }, i) => [
    ...(i === 0 ? [] : ['']),
    ...wrap(does, page.columns - 4).map(text => `${INDENT}${page.paint.faint(`# ${text}`)}`),
    ...line.split('\n').map(part => `${INDENT}${part}`),
  ])
}

function paragraph(text: string, indent: string, page: Page): string {
  return wrap(text, page.columns - indent.length)
    .map(line => indent + line)
    .join('\n')
}

/** Prose is wrapped; lines that are indented stand as they were written, as in Markdown. */
function prose(text: string, page: Page): string {
  const lines = text.split('\n')
  const firstKept = lines.findIndex(line => /^\s/.test(line))
  if (firstKept === -1) return paragraph(text, '', page)
  const before = paragraph(lines.slice(0, firstKept).join(' '), '', page)
  return [...(before === '' ? [] : [before]), ...lines.slice(firstKept)].join('\n')
}

function section(title: string, lines: readonly string[], page: Page): string {
  return lines.length === 0 ? '' : [page.paint.strong(title), ...lines].join('\n')
}

function sections(parts: readonly string[]): string {
  return `${parts.filter(part => part !== '').join('\n\n')}\n`
}
