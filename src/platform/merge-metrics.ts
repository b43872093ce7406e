/**
 * The samples of several processes of one server as those of one: in the Prometheus text format, family by family. Counters,
 * histograms and gauges of amounts are added up; what a process tells of itself (its processor time, its memory) stays apart,
 * by a label that names the process.
 */

/** What a process exposes, and how its own samples are told from those of others: `worker="2"`. */
export interface Exposition {
  readonly text: string
  readonly label: string
}

interface Family {
  /** `# HELP` and `# TYPE`, as the first process has them. */
  readonly head: string[]
  /** By name and labels. */
  readonly samples: Map<string, Sample>
}

interface Sample {
  value: number
  /** From the `#` on, of the process that was asked last. */
  exemplar: string
}

/** Families that each process has of itself. */
const OWN = /^(?:process|nodejs)_/
const META = /^# (?:HELP|TYPE) (\S+)/
const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{.*?\})? (\S+)(?: (# .*))?$/
const PARTS = /_(?:bucket|sum|count)$/

/**
 * @param main the text of the process that is asked; its samples have no label more.
 * @param others those of the others.
 */
export function mergeMetrics(main: string, others: readonly Exposition[]): string {
  const families = new Map<string, Family>()
  addText(families, main, undefined)
  for (const { text, label } of others) addText(families, text, label)
  let merged = ''
  for (const { head, samples } of families.values()) {
    for (const line of head) merged += `${line}\n`
    for (const [name, { value, exemplar }] of samples) {
      merged += `${name} ${numberText(value)}${exemplar === '' ? '' : ` ${exemplar}`}\n`
    }
  }
  return merged
}

/** Only what a process leaves behind when it is gone: what it counted, not what it was. */
export function lastingMetrics(text: string): string {
  const lasting = new Set<string>()
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if ((type === 'counter' || type === 'histogram') && !OWN.test(name!)) lasting.add(name!)
  }
  return text
    .split('\n')
    .filter(line => {
      const name = META.exec(line)?.[1] ?? SAMPLE.exec(line)?.[1]
      return name !== undefined && (lasting.has(name) || lasting.has(name.replace(PARTS, '')))
    })
    .map(line => `${line}\n`)
    .join('')
}

function addText(families: Map<string, Family>, text: string, label: string | undefined): void {
  for (const line of text.split('\n')) {
    const meta = META.exec(line)
    if (meta !== null) {
      const family = familyOf(families, meta[1]!)
      if (family.head.length < 2 && !family.head.includes(line)) family.head.push(line)
      continue
    }
    const found = SAMPLE.exec(line)
    if (found !== null) addSample(families, found, label)
  }
}

function addSample(families: Map<string, Family>, found: RegExpExecArray, label: string | undefined): void {
  const [, name = '', labels = '', value = '', exemplar = ''] = found
  const { samples } = familyOf(families, families.has(name) ? name : name.replace(PARTS, ''))
  const key = name + (label !== undefined && OWN.test(name) ? withLabel(labels, label) : labels)
  const known = samples.get(key)
  if (known === undefined) {
    samples.set(key, { value: numberOf(value), exemplar })
    return
  }
  known.value += numberOf(value)
  if (exemplar !== '') known.exemplar = exemplar
}

function familyOf(families: Map<string, Family>, name: string): Family {
  let family = families.get(name)
  if (family === undefined) {
    family = { head: [], samples: new Map() }
    families.set(name, family)
  }
  return family
}

function withLabel(labels: string, label: string): string {
  return labels === '' ? `{${label}}` : `${labels.slice(0, -1)},${label}}`
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text)
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
