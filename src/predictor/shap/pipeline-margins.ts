/**
 * What a pipeline computes before its link function, where that is a sum: of numbers that each depend on one feature alone,
 * and of the margins of forests. Such a sum can be explained exactly, whatever the steps before and after it do.
 */
import type { Pipeline, PipelineStep } from '../pipeline.ts'

/** `constant` + Σ coefficient × register. */
export interface Sum {
  readonly constant: number
  readonly terms: ReadonlyMap<number, number>
}

type Step<Op extends PipelineStep['op']> = Extract<PipelineStep, { readonly op: Op }>
export type ForestStep = Step<'forest'>

export interface PipelineMargins {
  readonly margins: readonly Sum[]
  /** By register: the feature that it depends on, −1 for none, −2 for several. */
  readonly origins: Int32Array
  /** The forest that a register is a margin of. */
  readonly forests: ReadonlyMap<number, ForestStep>
}

export const CONSTANT = -1
const SEVERAL = -2
/** Terms added up, all sums together: what a file may make us do. */
const WORK_MAX = 1 << 22
/** Steps from the answer back to sums. */
const LINKS_MAX = 16
/** Registers whose way back is looked for, each time that it is. */
const BACK_MAX = 100_000

/** Absent where the answer is no function of such sums. */
export function pipelineMargins(pipeline: Pipeline): PipelineMargins | undefined {
  const analysis = new Analysis(pipeline)
  const margins = analysis.marginsOf(pipeline.outputs)
  return margins && { margins, origins: analysis.origins, forests: analysis.forests }
}

class Analysis {
  readonly origins: Int32Array
  readonly forests = new Map<number, ForestStep>()
  readonly #sums = new Map<number, Sum>()
  readonly #constants: ReadonlyMap<number, number>
  readonly #makers = new Map<number, PipelineStep>()
  readonly #isClass: boolean
  #work = 0
  #back = 0

  constructor({ registers, features, constants, steps, answers }: Pipeline) {
    this.#isClass = answers === 'class'
    this.origins = new Int32Array(registers).fill(CONSTANT)
    for (let feature = 0; feature < features.length; feature++) this.origins[feature] = feature
    this.#constants = new Map(Array.from(constants.registers, (register, at) => [register, constants.values[at]!]))
    for (const step of steps) this.#read(step)
  }

  #read(step: PipelineStep): void {
    for (const [index, register] of step.to.entries()) {
      this.#makers.set(register, step)
      if (step.op === 'forest') {
        this.origins[register] = SEVERAL
        this.forests.set(register, step)
        this.#sums.set(register, { constant: 0, terms: new Map([[register, 1]]) })
        continue
      }
      let origin = CONSTANT
      for (const from of readsOf(step, index)) origin = joined(origin, this.origins[from]!)
      this.origins[register] = origin
      const sum = origin === SEVERAL ? this.#sumOf(step, index) : undefined
      if (sum !== undefined) this.#sums.set(register, sum)
    }
  }

  /** A number that depends on one feature is a term itself, however it is computed. */
  sum(register: number): Sum | undefined {
    const constant = this.#constants.get(register)
    if (constant !== undefined) return { constant, terms: new Map() }
    return this.origins[register] === SEVERAL
      ? this.#sums.get(register)
      : { constant: 0, terms: new Map([[register, 1]]) }
  }

  #sumOf(step: PipelineStep, index: number): Sum | undefined {
    if ('rounding' in step && step.rounding === 'whole') return undefined
    if (step.op === 'unary') {
      const from = this.sum(step.from[index]!)
      if (step.name === 'copy') return from
      return step.name === 'neg' ? from && this.#added([[from, -1]]) : undefined
    }
    if (step.op === 'binary') return this.#binary(step, index)
    if (step.op === 'matrix') {
      const width = step.from.length
      const parts = Array.from(
        step.from,
        (register, at) => [this.sum(register), step.weights[index * width + at]!] as const,
      )
      return this.#added(parts, step.bias?.[index] ?? 0)
    }
    if (step.op === 'reduce' && (step.name === 'sum' || step.name === 'mean')) {
      const weight = step.name === 'sum' ? 1 : 1 / step.size
      const group = step.from.subarray(index * step.size, (index + 1) * step.size)
      return this.#added(Array.from(group, register => [this.sum(register), weight] as const))
    }
    return undefined
  }

  #added(parts: readonly (readonly [Sum | undefined, number])[], constant = 0): Sum | undefined {
    const terms = new Map<number, number>()
    let total = constant
    for (const [sum, weight] of parts) {
      if (sum === undefined) return undefined
      this.#work += sum.terms.size
      if (this.#work > WORK_MAX) return undefined
      total += sum.constant * weight
      for (const [register, coefficient] of sum.terms) {
        terms.set(register, (terms.get(register) ?? 0) + coefficient * weight)
      }
    }
    return { constant: total, terms }
  }

  #binary({ name, left, right }: Step<'binary'>, index: number): Sum | undefined {
    const [a, b] = [this.sum(left[index]!), this.sum(right[index]!)]
    if (a === undefined || b === undefined) return undefined
    if (name === 'add')
      return this.#added([
        [a, 1],
        [b, 1],
      ])
    if (name === 'subtract')
      return this.#added([
        [a, 1],
        [b, -1],
      ])
    if (name === 'multiply' && b.terms.size === 0) return this.#added([[a, b.constant]])
    if (name === 'multiply' && a.terms.size === 0) return this.#added([[b, a.constant]])
    if (name === 'divide' && b.terms.size === 0) return this.#added([[a, 1 / b.constant]])
    return undefined
  }

  /** The sums behind registers, through links that keep the order of answers, and the choice of the likeliest class. */
  marginsOf(registers: Int32Array, left: number = LINKS_MAX): readonly Sum[] | undefined {
    this.#back += registers.length
    if (this.#back > BACK_MAX) return undefined
    const direct = whole(Array.from(registers, register => this.sum(register)))
    const makers = new Set(Array.from(registers, register => this.#makers.get(register)))
    const [step] = makers
    if (left === 0 || step === undefined) return direct
    if (makers.size > 1) return direct ?? this.#eachBehind(registers, left - 1)
    const isSum = direct !== undefined && step.op === 'binary'
    return isSum ? direct : (this.#behind(step, registers, left - 1) ?? direct)
  }

  /** Classes that are computed one by one. */
  #eachBehind(registers: Int32Array, left: number): readonly Sum[] | undefined {
    const found = Array.from(registers, (_, at) => this.marginsOf(registers.subarray(at, at + 1), left))
    return whole(found.map(sums => (sums?.length === 1 ? sums[0] : undefined)))
  }

  #behind(step: PipelineStep, registers: Int32Array, left: number): readonly Sum[] | undefined {
    const places = Array.from(registers, register => step.to.indexOf(register))
    if (step.op === 'unary' && LINKS.has(step.name)) {
      return this.marginsOf(
        Int32Array.from(places, place => step.from[place]!),
        left,
      )
    }
    if (step.op === 'spread') return this.#shared(step, places, left)
    if (step.op === 'binary') return this.#scaled(step, places, left)
    // The name of the likeliest class.
    const isChoice = step.op === 'lookup' || (step.op === 'reduce' && step.name === 'argmax')
    return this.#isClass && isChoice && step.to.length === 1 ? this.marginsOf(step.from, left) : undefined
  }

  #scaled(step: Step<'binary'>, places: readonly number[], left: number): readonly Sum[] | undefined {
    const { name, to } = step
    const a = Int32Array.from(places, place => step.left[place]!)
    const b = Int32Array.from(places, place => step.right[place]!)
    const isAbove = (limit: number): boolean => b.every(register => this.#constants.get(register)! > limit)
    if ((name === 'multiply' || name === 'divide') && isAbove(0)) return this.marginsOf(a, left)
    if (name === 'add' && isAbove(Number.NEGATIVE_INFINITY)) return this.marginsOf(a, left)
    // Shares of classes, divided by their sum.
    const isJoint = name === 'divide' && b.length > 1 && b.every(register => register === b[0])
    if (isJoint && a.every(register => this.#isShare(register))) return this.marginsOf(a, left)
    // A score above a limit; the other of two shares.
    if (to.length > 1) return undefined
    if (name === 'greater' && this.#isClass && isAbove(Number.NEGATIVE_INFINITY)) return this.marginsOf(a, left)
    if (name !== 'subtract' || this.#constants.get(a[0]!) !== 1) return undefined
    return whole((this.marginsOf(b, left) ?? []).map(sum => this.#added([[sum, -1]])))
  }

  #isShare(register: number): boolean {
    const step = this.#makers.get(register)
    return step?.op === 'forest' || step?.op === 'spread' || (step?.op === 'unary' && step.name === 'sigmoid')
  }

  #shared(
    { name, from, to, size }: Step<'spread'>,
    places: readonly number[],
    left: number,
  ): readonly Sum[] | undefined {
    if (!SHARES.has(name) || size !== to.length) return undefined
    // Of numbers that are shares already, or nearly; a row that is divided by its sum is no link.
    if (name === 'divide-by-l1' && !from.every(register => this.#isShare(register))) return undefined
    const all = this.marginsOf(from, left)
    if (all?.length !== size) return undefined
    if (places.length === size) return places.map(place => all[place]!)
    if (places.length !== 1 || size !== 2) return undefined
    // Of two classes: the log-odds; two sigmoids that are divided by their sum have margins of their own.
    const [one, other] = [all[places[0]!]!, all[1 - places[0]!]!]
    if (name === 'divide-by-l1') return [one]
    return name === 'softmax'
      ? whole([
          this.#added([
            [one, 1],
            [other, -1],
          ]),
        ])
      : undefined
  }
}

function whole(sums: readonly (Sum | undefined)[]): readonly Sum[] | undefined {
  const known = sums.filter(sum => sum !== undefined)
  return known.length > 0 && known.length === sums.length ? known : undefined
}

const LINKS: ReadonlySet<string> = new Set(['copy', 'sigmoid', 'exp', 'softplus', 'probit', 'truth'])
const SHARES: ReadonlySet<string> = new Set(['softmax', 'log-softmax', 'softmax-zero', 'divide-by-l1'])

function joined(a: number, b: number): number {
  if (a === CONSTANT || a === b) return b
  return b === CONSTANT ? a : SEVERAL
}

/** What the register number `index` of a step depends on. */
function readsOf(step: PipelineStep, index: number): Int32Array | number[] {
  switch (step.op) {
    case 'binary':
      return [step.left[index]!, step.right[index]!]
    case 'select':
      return [step.when[index]!, step.yes[index]!, step.no[index]!]
    case 'unary':
    case 'lookup':
      return [step.from[index]!]
    case 'indicators':
      return [step.from[Math.floor(index / step.keys.length)]!]
    case 'reduce':
      return step.from.subarray(index * step.size, (index + 1) * step.size)
    case 'spread': {
      const start = index - (index % step.size)
      return step.from.subarray(start, start + step.size)
    }
    default:
      return step.from
  }
}
