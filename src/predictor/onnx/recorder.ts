/**
 * What a graph becomes while it is walked: registers and steps (`../pipeline.ts`). A tensor of the graph is a shape and, for
 * each of its elements, either a number that is known (a constant) or the register that will hold it. Moving elements about
 * costs nothing then: it only names other registers.
 */
import type { Forest } from '../forest.ts'
import type { BinaryName, Intake, PipelineStep, ReduceName, Rounding, SpreadName, UnaryName } from '../pipeline.ts'
import type { ElementType } from './tensor.ts'

export interface Constant {
  readonly kind: 'constant'
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly values: Float64Array
  readonly texts?: readonly string[]
  /** A shape in which −1 stands for the number of rows. */
  readonly hasBatch?: boolean
}

/** Rows × `shape`. */
export interface Batch {
  readonly kind: 'batch'
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly registers: Int32Array
  /** Known to be probabilities. */
  readonly bounded: boolean
}

export type Value = Constant | Batch

/** The texts of a text register in code order; whoever asks for the code of a text adds it. */
export interface Dictionary {
  readonly texts: string[]
  readonly codes: Map<string, number>
}

/** Numbers that all tensors together may have: what a graph costs to compile, and a row to compute. */
const ELEMENTS_MAX = 1 << 23
const REGISTERS_MAX = 1 << 20

/** Thrown where a graph needs what the steps cannot do: then ONNX Runtime has to compute it. */
export function unsupported(reason: string): Error {
  return new Error(reason, { cause: UNSUPPORTED })
}

export function isUnsupported(error: unknown): error is Error {
  return error instanceof Error && error.cause === UNSUPPORTED
}

const UNSUPPORTED = Symbol('unsupported')

export class Recorder {
  readonly steps: PipelineStep[] = []
  readonly intake: Intake[] = []
  readonly #dictionaries = new Map<number, Dictionary>()
  readonly #constants = new Map<number, number>()
  readonly #constantAt: number[] = []
  #elements = 0
  #registers = 0

  get registers(): number {
    return this.#registers
  }

  constants(): { readonly registers: Int32Array; readonly values: Float64Array } {
    return {
      registers: Int32Array.from(this.#constantAt),
      values: Float64Array.from(this.#constants.keys()),
    }
  }

  /** A new feature; all of them come before anything else. */
  feature(read: Intake['read']): number {
    this.intake.push({ read, missing: -1 })
    return this.#register()
  }

  batch(type: ElementType, shape: readonly number[], registers: Int32Array, bounded = false): Batch {
    this.count(registers.length)
    return { kind: 'batch', type, shape, registers, bounded }
  }

  count(elements: number): void {
    this.#elements += elements
    if (!(this.#elements <= ELEMENTS_MAX)) throw unsupported(`its tensors have more than ${ELEMENTS_MAX} elements`)
  }

  dictionary(register: number): Dictionary {
    let dictionary = this.#dictionaries.get(register)
    if (dictionary === undefined) {
      dictionary = { texts: [], codes: new Map() }
      this.#dictionaries.set(register, dictionary)
    }
    return dictionary
  }

  code(register: number, text: string): number {
    const { texts, codes } = this.dictionary(register)
    const known = codes.get(text)
    if (known !== undefined) return known
    codes.set(text, texts.length)
    return texts.push(text) - 1
  }

  /** The register that holds a number. */
  constant(value: number): number {
    if (Object.is(value, -0)) return this.constant(0)
    const known = this.#constants.get(value)
    if (known !== undefined) return this.#constantAt[known]!
    const register = this.#register()
    this.#constants.set(value, this.#constantAt.length)
    this.#constantAt.push(register)
    return register
  }

  /** As a batch: the same for every row. A text constant gets a dictionary of its own. */
  lifted({ type, shape, values, texts }: Constant): Batch {
    if (texts === undefined)
      return this.batch(
        type,
        shape,
        Int32Array.from(values, value => this.constant(value)),
      )
    const registers = Int32Array.from(texts, text => {
      const [register] = this.#fresh(1)
      const code = this.code(register!, text)
      this.steps.push({
        op: 'unary',
        name: 'copy',
        from: Int32Array.of(this.constant(code)),
        to: Int32Array.of(register!),
        rounding: 'float64',
      })
      return register!
    })
    return this.batch(type, shape, registers)
  }

  unary(name: UnaryName, from: Int32Array, rounding: Rounding): Int32Array {
    const to = this.#fresh(from.length)
    this.steps.push({ op: 'unary', name, from, to, rounding })
    return to
  }

  binary(name: BinaryName, left: Int32Array, right: Int32Array, rounding: Rounding): Int32Array {
    const to = this.#fresh(left.length)
    this.steps.push({ op: 'binary', name, left, right, to, rounding })
    return to
  }

  select(when: Int32Array, yes: Int32Array, no: Int32Array): Int32Array {
    const to = this.#fresh(when.length)
    this.steps.push({ op: 'select', when, yes, no, to })
    return to
  }

  lookup(from: Int32Array, keys: Float64Array, values: Float64Array, fallback: number | undefined): Int32Array {
    const to = this.#fresh(from.length)
    this.steps.push({ op: 'lookup', from, to, keys, values, ...(fallback === undefined ? {} : { fallback }) })
    return to
  }

  indicators(from: Int32Array, keys: Float64Array): Int32Array {
    const to = this.#fresh(from.length * keys.length)
    this.steps.push({ op: 'indicators', from, to, keys })
    return to
  }

  matrix(from: Int32Array, weights: Float64Array, bias: Float64Array | undefined, rounding: Rounding): Int32Array {
    const to = this.#fresh(weights.length / from.length)
    this.steps.push({ op: 'matrix', from, to, weights, rounding, ...(bias === undefined ? {} : { bias }) })
    return to
  }

  reduce(name: ReduceName, from: Int32Array, size: number, rounding: Rounding): Int32Array {
    const to = this.#fresh(from.length / size)
    this.steps.push({ op: 'reduce', name, from, to, size, rounding })
    return to
  }

  spread(name: SpreadName, from: Int32Array, size: number, rounding: Rounding): Int32Array {
    const to = this.#fresh(from.length)
    this.steps.push({ op: 'spread', name, from, to, size, rounding })
    return to
  }

  forest(forest: Forest, from: Int32Array): Int32Array {
    const to = this.#fresh(forest.base.length)
    this.steps.push({ op: 'forest', forest, from, to })
    return to
  }

  #register(): number {
    if (this.#registers === REGISTERS_MAX) throw unsupported(`a row of it has more than ${REGISTERS_MAX} numbers`)
    return this.#registers++
  }

  #fresh(count: number): Int32Array {
    this.count(count)
    return Int32Array.from({ length: count }, () => this.#register())
  }
}
