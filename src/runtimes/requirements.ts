/** Lines of a requirements.txt against the versions that are installed (PEP 508 and PEP 440, as far as such files use them). */

export interface Requirement {
  /** As it stands. */
  readonly line: string
  /** Normalised as package indexes do: small letters, dashes. */
  readonly name: string
  readonly clauses: readonly { readonly operator: string; readonly version: string }[]
}

export interface Requirements {
  readonly wanted: readonly Requirement[]
  /** Lines that say something else: options, addresses, conditions. */
  readonly unread: readonly string[]
}

const LINE = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)$/
const CLAUSE = /^(===|==|~=|!=|<=|>=|<|>)\s*([0-9A-Za-z][^\s<>=!~]*)$/

export function parseRequirements(lines: readonly string[]): Requirements {
  const wanted: Requirement[] = []
  const unread: string[] = []
  for (const raw of lines) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim()
    if (line === '') continue
    const [, name, rest] = LINE.exec(line) ?? []
    const clauses = (rest ?? '')
      .replace(/^\((.*)\)$/, '$1')
      .split(',')
      .map(text => text.trim())
      .filter(text => text !== '')
      .map(text => CLAUSE.exec(text))
    if (name === undefined || line.includes(';') || line.includes('@') || clauses.includes(null)) unread.push(line)
    else
      wanted.push({
        line,
        name: name.toLowerCase().replaceAll(/[-_.]+/g, '-'),
        clauses: clauses.map(clause => ({ operator: clause![1]!, version: clause![2]! })),
      })
  }
  return { wanted, unread }
}

/** What differs, in words; empty where all is as wanted. `null` is a package that is not installed. */
export function differences(
  { wanted }: Requirements,
  installed: Readonly<Record<string, string | null | undefined>>,
): readonly string[] {
  return wanted.flatMap(({ name, line, clauses }) => {
    const found = installed[name]
    if (found === undefined || found === null) return [`${line} is not installed`]
    return clauses.every(clause => fits(found, clause))
      ? []
      : [`${name} is ${found}, wanted ${line.slice(name.length).trim()}`]
  })
}

function fits(found: string, { operator, version }: Requirement['clauses'][number]): boolean {
  if (operator === '===') return found === version
  if (version.endsWith('.*')) {
    const prefix = release(version.slice(0, -2))
    const isSame = prefix.every((part, at) => (release(found)[at] ?? 0) === part)
    return operator === '==' ? isSame : operator === '!=' ? !isSame : false
  }
  // A local label (2.1.0+cu121) matters only where the requirement has one.
  const order = compare(version.includes('+') ? found : found.split('+')[0]!, version)
  switch (operator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<=':
      return order <= 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '>':
      return order > 0
    default: {
      const upTo = release(version).slice(0, -1)
      return order >= 0 && upTo.every((part, at) => (release(found)[at] ?? 0) === part)
    }
  }
}

/** The numbers of the release: 1.9.1 of 1.9.1rc1.post2+local. */
function release(version: string): number[] {
  const [, numbers] = /^v?(?:\d+!)?(\d+(?:\.\d+)*)/.exec(version.toLowerCase()) ?? []
  return numbers === undefined ? [] : numbers.split('.').map(Number)
}

/** Below 0 where `a` comes before `b`: epoch, release, then dev < a < b < rc < nothing < post. */
function compare(a: string, b: string): number {
  const [left, right] = [keyOf(a), keyOf(b)]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return a.split('+')[1] === b.split('+')[1] ? 0 : a < b ? -1 : 1
}

const RELEASE_PARTS = 8

function keyOf(version: string): number[] {
  const text = version.toLowerCase().split('+')[0]!
  const epoch = Number(/^v?(\d+)!/.exec(text)?.[1] ?? 0)
  const numbers = release(text).slice(0, RELEASE_PARTS)
  while (numbers.length < RELEASE_PARTS) numbers.push(0)
  const [, stage, number] = /[\d._-](a|alpha|b|beta|rc|c|pre|preview)[._-]?(\d*)/.exec(text) ?? []
  const [, post] = /[._-]?(?:post|rev|r)[._-]?(\d*)$/.exec(stage === undefined ? text : '') ?? []
  const [, dev] = /[._-]?dev[._-]?(\d*)$/.exec(text) ?? []
  const rank =
    stage === undefined
      ? dev !== undefined && post === undefined
        ? -4
        : 0
      : stage.startsWith('a')
        ? -3
        : stage.startsWith('b')
          ? -2
          : -1
  return [
    epoch,
    ...numbers,
    rank,
    Number(number ?? 0),
    post === undefined ? -1 : Number(post),
    dev === undefined ? Number.MAX_SAFE_INTEGER : Number(dev),
  ]
}
