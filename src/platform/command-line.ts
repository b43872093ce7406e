/**
 * Reads a command line by the data of the commands.
 *
 * `node:util`'s `parseArgs` cuts it into tokens; everything that a person notices (words, suggestions, types, defaults, help,
 * completion) comes from the commands' data, so a parsing framework would only be a second place to keep them.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { type FieldProblem, Problem } from '../errors.ts'
import type { Argument, Command, Option, OptionValue, Program } from './command.ts'
import type { Environment } from './paint.ts'
import { nearest } from './suggest.ts'

export interface ParsedRun {
  readonly kind: 'run'
  readonly command: Command
  readonly args: Readonly<Record<string, string | undefined>>
  /** The command's own and the global ones. */
  readonly options: Readonly<Record<string, OptionValue>>
  /** Configuration keys that the command line sets. */
  readonly settings: Readonly<Record<string, OptionValue>>
}

export type Parsed =
  | ParsedRun
  /** `words` name a command, the beginning of several, or nothing: the overview. */
  | { readonly kind: 'help'; readonly words: readonly string[] }
  | { readonly kind: 'version' }
  /** The words are only the beginning of several commands. */
  | { readonly kind: 'incomplete'; readonly words: readonly string[] }

interface Token {
  readonly kind: 'option' | 'positional' | 'option-terminator'
  readonly index: number
  readonly name?: string
  readonly rawName?: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

/** Options that the framework itself answers, before any command. */
const HELP: Option = { name: 'help', short: 'h', type: 'boolean', summary: 'Tell what this is for and how it is used' }
const VERSION: Option = { name: 'version', short: 'V', type: 'boolean', summary: 'Print the version' }
export const BUILT_IN: readonly Option[] = [HELP, VERSION]

/** The options that may follow a command, or the beginning of one: its own first. A command may give a common name its own sense. */
export function optionsOf(program: Program, command: Command | undefined): readonly Option[] {
  const own = command?.options ?? []
  return [...own, ...commonOptions(program, command)]
}

/** The options of every command, without those that this one has its own sense for. */
export function commonOptions(program: Program, command: Command | undefined): readonly Option[] {
  const own = (command?.options ?? []).map(({ name }) => name)
  return [...program.globals, ...BUILT_IN].filter(({ name }) => !own.includes(name))
}

/** @throws `usage` naming everything that was not understood, with what was probably meant. */
export function parseCommandLine(program: Program, argv: readonly string[], env: Environment): Parsed {
  const common = commonOptions(program, undefined)
  const { words, command, unknown } = findCommand(program, tokensOf(argv, common), common)
  const asked = tokensOf(argv, optionsOf(program, command))
  if (words[0] === 'help' && command === undefined) return helpOf(program, unknown)
  if (unknown.length > 0) throw unknownCommand(program, words, unknown[0]!)
  if (isAsked(asked, HELP)) return { kind: 'help', words }
  if (command === undefined) {
    if (isAsked(asked, VERSION)) return { kind: 'version' }
    return words.length === 0 ? { kind: 'help', words } : { kind: 'incomplete', words }
  }
  return readRun(program, command, asked, env)
}

/** Whether the line asks for JSON, decided without understanding the rest, so that problems with it can be told in JSON. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json')
}

function tokensOf(argv: readonly string[], options: readonly Option[]): readonly Token[] {
  const config: ParseArgsOptionsConfig = {}
  for (const option of options) {
    const type = option.type === 'boolean' ? 'boolean' : 'string'
    config[option.name] = option.short === undefined ? { type } : { type, short: option.short }
  }
  const args = [...argv]
  return parseArgs({ args, options: config, strict: false, allowPositionals: true, tokens: true }).tokens
}

const isAsked = (tokens: readonly Token[], option: Option): boolean => tokens.some(token => token.name === option.name)

interface FoundCommand {
  /** The words understood: a command's path, or the beginning of some. */
  readonly words: readonly string[]
  readonly command: Command | undefined
  /** The words after them, where no command was found. */
  readonly unknown: readonly string[]
}

/** The longest run of leading words that is, or begins, a command's path. */
function findCommand(program: Program, tokens: readonly Token[], globals: readonly Option[]): FoundCommand {
  const words: string[] = []
  const paths = program.commands.map(command => command.path.split(' '))
  for (const token of tokens) {
    if (token.kind === 'option-terminator') break
    if (token.kind === 'option') {
      const isKnown = globals.some(option => option.name === token.name)
      if (!isKnown && words.length === 0) throw optionFirst(program, token)
      if (!isKnown) break
      continue
    }
    const longer = [...words, token.value!]
    if (!paths.some(path => startsWith(path, longer))) break
    words.push(token.value!)
  }
  const command = program.commands.find(({ path }) => path === words.join(' '))
  const positionals = tokens.filter(token => token.kind === 'positional').map(token => token.value!)
  if (command === undefined && positionals[0] === 'help') {
    return { words: ['help'], command, unknown: positionals.slice(1) }
  }
  return { words, command, unknown: command === undefined ? positionals.slice(words.length) : [] }
}

const startsWith = (path: readonly string[], words: readonly string[]): boolean =>
  words.length <= path.length && words.every((word, i) => word === path[i])

function helpOf(program: Program, words: readonly string[]): Parsed {
  const isKnown = program.commands.some(command => startsWith(command.path.split(' '), words))
  if (isKnown) return { kind: 'help', words }
  let known = 0
  while (program.commands.some(({ path }) => startsWith(path.split(' '), words.slice(0, known + 1)))) known++
  throw unknownCommand(program, words.slice(0, known), words[known]!)
}

/** The words that may follow `words`, in the order of the commands. */
export function nextWords(program: Program, words: readonly string[]): readonly string[] {
  const paths = program.commands.map(command => command.path.split(' ')).filter(path => startsWith(path, words))
  return [...new Set(paths.flatMap(path => path[words.length] ?? []))]
}

function unknownCommand(program: Program, words: readonly string[], word: string): Problem {
  const candidates = nextWords(program, words)
  const meant = nearest(word, candidates)
  const full = [program.name, ...words].join(' ')
  const hint = meant === undefined ? `see \`${full} --help\`` : `did you mean \`${full} ${meant}\`?`
  return new Problem('usage', `Cannot run ${quoted(word)}: \`${full}\` has no such command; ${hint}`)
}

function optionFirst(program: Program, token: Token): Problem {
  const meant = nearest(
    token.name!,
    [...program.globals, ...BUILT_IN].map(option => option.name),
  )
  const hint = meant === undefined ? 'options of a command come after it' : `did you mean \`--${meant}\`?`
  return new Problem('usage', `Cannot read the command line: ${token.rawName} stands before a command; ${hint}`)
}

function readRun(program: Program, command: Command, tokens: readonly Token[], env: Environment): ParsedRun {
  const options = optionsOf(program, command).filter(option => !BUILT_IN.includes(option))
  const problems: FieldProblem[] = []
  const values: Record<string, OptionValue> = {}
  const settings: Record<string, OptionValue> = {}
  readOptions(options, tokens, values, problems)
  const hasUnknown = tokens.some(({ kind, name }) => kind === 'option' && !options.some(option => option.name === name))
  for (const option of options) {
    const given = values[option.name]
    if (option.setting !== undefined && given !== undefined) settings[option.setting] = given
    if (given !== undefined) continue
    const fallback = fromEnvironment(option, env, problems) ?? option.default
    if (fallback !== undefined) values[option.name] = fallback
    else if (option.required === true && !isAsked(tokens, option))
      problems.push({ field: flag(option), problem: `is required: ${option.summary}` })
  }
  const words = tokens.filter(token => token.kind === 'positional').map(token => token.value!)
  const args = readArguments(command, words.slice(command.path.split(' ').length), problems)
  for (const word of words.slice(command.path.split(' ').length + (command.args?.length ?? 0))) {
    // It may well be the value of an option that was not understood.
    if (!hasUnknown) problems.push({ field: quoted(word), problem: 'is one argument too many' })
  }
  if (problems.length > 0) throw misunderstood(program, command, problems)
  return { kind: 'run', command, args, options: values, settings }
}

function readOptions(
  options: readonly Option[],
  tokens: readonly Token[],
  values: Record<string, OptionValue>,
  problems: FieldProblem[],
): void {
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = options.find(candidate => candidate.name === token.name)
    const found = option === undefined ? unknownOption(token, options) : readValue(option, token)
    if (option === undefined || typeof found === 'object') {
      problems.push({ field: token.rawName!, problem: (found as Wrong).wrong })
    } else if (option.repeatable === true) {
      values[option.name] = [...((values[option.name] as readonly string[] | undefined) ?? []), String(found)]
    } else if (values[option.name] !== undefined && option.type !== 'boolean') {
      problems.push({ field: flag(option), problem: 'is given more than once' })
    } else {
      values[option.name] = found
    }
  }
}

interface Wrong {
  readonly wrong: string
}

function unknownOption(token: Token, options: readonly Option[]): Wrong {
  const meant = nearest(
    token.name!,
    [...options, ...BUILT_IN].map(option => option.name),
  )
  return {
    wrong: meant === undefined ? 'is not an option here' : `is not an option here; did you mean \`--${meant}\`?`,
  }
}

function readValue(option: Option, token: Token): string | number | boolean | Wrong {
  if (option.type === 'boolean') {
    return token.value === undefined ? true : { wrong: `takes no value, found ${quoted(token.value)}` }
  }
  const wanted = option.value ?? (option.type === 'number' ? 'a number' : 'a value')
  if (token.value === undefined) return { wrong: `wants ${wanted}, found nothing` }
  // `--output --json` is a forgotten value far more often than a value that begins with a dash.
  if (token.inlineValue !== true && /^-[^\d.]/.test(token.value)) {
    return {
      wrong: `wants ${wanted}, found ${token.value}; if that is the value, write ${token.rawName}=${token.value}`,
    }
  }
  return convert(option, token.value)
}

function convert(option: Option, text: string): string | number | Wrong {
  if (option.type === 'string') return text
  const number = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : { wrong: `wants a number, found ${quoted(text)}` }
}

function fromEnvironment(option: Option, env: Environment, problems: FieldProblem[]): OptionValue {
  const text = option.env === undefined ? undefined : env[option.env]
  if (text === undefined || text === '') return undefined
  if (option.repeatable === true) return text.split(',')
  if (option.type !== 'boolean') {
    const value = convert(option, text)
    if (typeof value !== 'object') return value
    problems.push({ field: option.env!, problem: value.wrong })
    return undefined
  }
  if (/^(1|true|yes)$/i.test(text)) return true
  if (!/^(0|false|no)$/i.test(text)) {
    problems.push({ field: option.env!, problem: `wants true or false, found ${quoted(text)}` })
  }
  return undefined
}

function readArguments(command: Command, words: readonly string[], problems: FieldProblem[]): Record<string, string> {
  const wanted: readonly Argument[] = command.args ?? []
  const args: Record<string, string> = {}
  for (const [i, argument] of wanted.entries()) {
    const word = words[i]
    if (word !== undefined) args[argument.name] = word
    else if (argument.optional !== true) {
      problems.push({ field: argument.name.toUpperCase(), problem: `is missing: ${argument.summary}` })
    }
  }
  return args
}

function misunderstood(program: Program, command: Command, problems: readonly FieldProblem[]): Problem {
  const full = `${program.name} ${command.path}`
  const [first] = problems
  const told = problems.length === 1 ? `${first!.field} ${first!.problem}` : `${problems.length} things are wrong`
  const message = `Cannot run \`${full}\`: ${told}; see \`${full} --help\``
  return new Problem('usage', message, problems.length === 1 ? {} : { fields: problems })
}

export function flag(option: Option): string {
  return `--${option.name}`
}

const QUOTED_CHARACTERS_MAX = 60

function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}…` : text)
}
