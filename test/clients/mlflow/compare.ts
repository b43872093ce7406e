/** Where two servers answered differently: leaf by leaf. */
import type { Answers } from './servers.ts'

export interface Difference {
  /** What was asked. */
  readonly asked: string
  /** Where in the answer, `body.run.info.status`. */
  readonly where: string
  readonly theirs: unknown
  readonly ours: unknown
}

export function differences(theirs: Answers, ours: Answers): readonly Difference[] {
  const asked = new Set([...theirs.keys(), ...ours.keys()])
  return [...asked].flatMap(name =>
    [...answersOf(theirs.get(name), ours.get(name))].map(leaf => ({ asked: name, ...leaf })),
  )
}

/** Answers of different outcome are one difference: what else is in them follows from it. */
function answersOf(theirs: unknown, ours: unknown): Iterable<Omit<Difference, 'asked'>> {
  const outcome = outcomeOf(theirs) === outcomeOf(ours)
  return outcome ? leaves(theirs, ours, '') : [{ where: 'outcome', theirs, ours }]
}

function outcomeOf(answer: unknown): string {
  if (!isMany(answer)) return typeof answer
  const { status, code, raised } = answer
  return `${status} ${code} ${raised === undefined}`
}

function* leaves(theirs: unknown, ours: unknown, where: string): Generator<Omit<Difference, 'asked'>> {
  if (Object.is(theirs, ours)) return
  if (isMany(theirs) && isMany(ours) && Array.isArray(theirs) === Array.isArray(ours)) {
    const keys = new Set([...Object.keys(theirs), ...Object.keys(ours)])
    for (const key of keys) yield* leaves(theirs[key], ours[key], where === '' ? key : `${where}.${key}`)
    return
  }
  yield { where, theirs, ours }
}

function isMany(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

export function sentence({ asked, where, theirs, ours }: Difference): string {
  return `${asked} | ${where} | theirs ${short(theirs)} | ours ${short(ours)}`
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}
