/** Completion scripts for bash and zsh, made from the commands' data. They need no start of the program but for model names. */
import type { Command, Completes, Option, Program } from './command.ts'
import { nextWords, optionsOf } from './command-line.ts'

export const SHELLS = ['bash', 'zsh'] as const
export type Shell = (typeof SHELLS)[number]

/** The word after `completion` by which the scripts ask for the names of models. */
export const MODEL_NAMES = 'models'

export function completionScript(program: Program, shell: Shell): string {
  const lines = shell === 'bash' ? bashScript(program) : zshScript(program)
  return `${lines.join('\n')}\n`
}

interface Place {
  /** Words given so far; empty: the beginning. */
  readonly words: string
  readonly next: readonly { readonly word: string; readonly summary: string }[]
  readonly command: Command | undefined
  readonly options: readonly Option[]
}

/** Every place in a command line at which a command, or the beginning of one, has been typed. */
function places(program: Program): readonly Place[] {
  const paths = new Set([''])
  for (const { path } of program.commands) {
    const words = path.split(' ')
    for (let n = 1; n <= words.length; n++) paths.add(words.slice(0, n).join(' '))
  }
  return [...paths].map(words => {
    const command = program.commands.find(({ path }) => path === words)
    const given = words === '' ? [] : words.split(' ')
    const next = nextWords(program, given).map(word => ({ word, summary: summaryOf(program, [...given, word]) }))
    return { words, next, command, options: optionsOf(program, command) }
  })
}

function summaryOf(program: Program, words: readonly string[]): string {
  const command = program.commands.find(({ path }) => path === words.join(' '))
  return command?.summary ?? nextWords(program, words).join(', ')
}

/** What completes the value of each option, and each argument, as a word that the scripts' `case` understands. */
function kindOf(completes: Completes | undefined): string {
  if (completes === undefined) return 'nothing'
  return typeof completes === 'string' ? completes : `words:${completes.join(' ')}`
}

const shortAndLong = (option: Option): readonly string[] =>
  option.short === undefined ? [`--${option.name}`] : [`--${option.name}`, `-${option.short}`]

const takesValue = (option: Option): boolean => option.type !== 'boolean'

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** `case` branches from a key to an assignment; keys that no branch names leave the variable as it is. */
function branches(list: readonly (readonly [key: string, assignment: string])[]): readonly string[] {
  return list.map(([key, assignment]) => `    ${quote(key)}) ${assignment} ;;`)
}

function valueBranches(all: readonly Place[]): readonly string[] {
  return branches(
    all.flatMap(({ words, options }) =>
      options
        .filter(takesValue)
        .flatMap(option =>
          shortAndLong(option).map(name => [`${words}|${name}`, `kind=${quote(kindOf(option.completes))}`] as const),
        ),
    ),
  )
}

function argumentBranches(all: readonly Place[]): readonly string[] {
  return branches(
    all.flatMap(({ words, command }) =>
      (command?.args ?? []).map(({ completes }, i) => [`${words}|${i}`, `kind=${quote(kindOf(completes))}`] as const),
    ),
  )
}

function bashScript(program: Program): readonly string[] {
  const all = places(program)
  const f = `_${program.name}`
  const nexts = all.filter(({ next }) => next.length > 0)
  return [
    `# bash completion of ${program.name}, made by \`${program.name} completion bash\`. To use it from now on:`,
    `#   ${program.name} completion bash > ~/.local/share/bash-completion/completions/${program.name}`,
    `${f}_next() {`,
    '  case "$1" in',
    ...branches(nexts.map(({ words, next }) => [words, `next=${quote(next.map(({ word }) => word).join(' '))}`])),
    '  esac',
    '}',
    `${f}_options() {`,
    '  case "$1" in',
    ...branches(
      all.map(({ words, options }) => [words, `options=${quote(options.map(o => `--${o.name}`).join(' '))}`]),
    ),
    '  esac',
    '}',
    `${f}_value() {`,
    '  case "$1|$2" in',
    ...valueBranches(all),
    '  esac',
    '}',
    `${f}_argument() {`,
    '  case "$1|$2" in',
    ...argumentBranches(all),
    '  esac',
    '}',
    BASH_WALK.replaceAll('@', f).replace('PROGRAM', program.name),
  ]
}

// Written for bash 3.2 and newer. `=` breaks words in bash, so `--option=value` arrives as three.
const BASH_WALK = `@() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' given=0 kind='' next='' options='' word i=1 rest=0
  while [ "$i" -lt "$COMP_CWORD" ]; do
    word=\${COMP_WORDS[i]}
    i=$((i + 1))
    kind=''
    case "$word" in
      --) rest=1 ;;
      -*)
        @_value "$path" "$word"
        [ -z "$kind" ] && continue
        [ "\${COMP_WORDS[i]}" = '=' ] && i=$((i + 1))
        [ "$i" -lt "$COMP_CWORD" ] && kind=''
        i=$((i + 1))
        ;;
      *)
        next=''
        @_next "$path"
        case " $next " in
          *" $word "*) path="\${path:+$path }$word" ;;
          *) given=$((given + 1)) ;;
        esac
        ;;
    esac
  done
  [ "$current" = '=' ] && current=''
  if [ -z "$kind" ]; then
    case "$rest$current" in
      0-*)
        @_options "$path"
        kind="words:$options"
        ;;
      *)
        next=''
        @_next "$path"
        if [ -n "$next" ]; then kind="words:$next"; else @_argument "$path" "$given"; fi
        ;;
    esac
  fi
  local IFS=$'\\n'
  case "$kind" in
    file)
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$current"))
      ;;
    folder)
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -d -- "$current"))
      ;;
    model) COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" completion ${MODEL_NAMES} 2>/dev/null)" -- "$current")) ;;
    words:*)
      IFS=$' \\n'
      COMPREPLY=($(compgen -W "\${kind#words:}" -- "$current"))
      ;;
    *) COMPREPLY=() ;;
  esac
}
complete -F @ PROGRAM`

function zshScript(program: Program): readonly string[] {
  const all = places(program)
  const f = `_${program.name}`
  const described = (list: readonly { readonly word: string; readonly summary: string }[]): string =>
    list.map(({ word, summary }) => quote(`${word.replaceAll(':', '\\:')}:${summary}`)).join(' ')
  const nexts = all.filter(({ next }) => next.length > 0)
  return [
    `#compdef ${program.name}`,
    `# zsh completion of ${program.name}, made by \`${program.name} completion zsh\`. To use it from now on, save it as _${program.name}`,
    `# in a folder of your fpath, before compinit runs.`,
    `${f}_next() {`,
    '  case "$1" in',
    ...branches(nexts.map(({ words, next }) => [words, `next=(${described(next)})`])),
    '  esac',
    '}',
    `${f}_options() {`,
    '  case "$1" in',
    ...branches(
      all.map(({ words, options }) => {
        return [words, `options=(${described(options.map(o => ({ word: `--${o.name}`, summary: o.summary })))})`]
      }),
    ),
    '  esac',
    '}',
    `${f}_value() {`,
    '  case "$1|$2" in',
    ...valueBranches(all),
    '  esac',
    '}',
    `${f}_argument() {`,
    '  case "$1|$2" in',
    ...argumentBranches(all),
    '  esac',
    '}',
    ZSH_WALK.replaceAll('@', f).replace('PROGRAM', program.name),
  ]
}

const ZSH_WALK = `@() {
  local word_path='' kind='' word rest=0
  local -i i=2 given=0
  local -a next options
  while (( i < CURRENT )); do
    word=\${words[i]}
    (( i++ ))
    kind=''
    case "$word" in
      --) rest=1 ;;
      --*=*) ;;
      -*)
        @_value "$word_path" "$word"
        [[ -z "$kind" ]] && continue
        (( i < CURRENT )) && kind=''
        (( i++ ))
        ;;
      *)
        next=()
        @_next "$word_path"
        if (( \${next[(I)$word:*]} )); then
          word_path="\${word_path:+$word_path }$word"
        else
          (( given++ ))
        fi
        ;;
    esac
  done
  if [[ -z "$kind" ]]; then
    if (( ! rest )) && [[ "$PREFIX" == --*=* ]]; then
      @_value "$word_path" "\${PREFIX%%=*}"
      compset -P '*='
    elif (( ! rest )) && [[ "$PREFIX" == -* ]]; then
      @_options "$word_path"
      _describe -o option options
      return
    else
      next=()
      @_next "$word_path"
      if (( $#next )); then
        _describe command next
        return
      fi
      @_argument "$word_path" "$given"
    fi
  fi
  case "$kind" in
    file) _files ;;
    folder) _files -/ ;;
    model) compadd -- \${(f)"$(\${words[1]} completion ${MODEL_NAMES} 2>/dev/null)"} ;;
    words:*) compadd -- \${(s: :)\${kind#words:}} ;;
  esac
}
if [[ "\${funcstack[1]}" == @ ]]; then @ "$@"; else compdef @ PROGRAM; fi`
