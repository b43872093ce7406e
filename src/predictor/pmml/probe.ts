/**
 * What can be said of a slot that depends on one column alone: how it answers a value of that column, and where on the line of
 * numbers its answer to a comparison changes. Everything is asked of the evaluator itself, so that what is found is exact,
 * rounding and all.
 */
import { slotEvaluator } from './evaluate-expression.ts'
import type { Expression, Slot } from './expression.ts'
import type { Predicate } from './models.ts'
import type { Test } from './predicate.ts'
import { type Evaluate, give, type Row, valueAt } from './row.ts'
import { INVALID, type Value } from './values.ts'

/** Thrown where a model cannot be brought into the form: it is evaluated as it is written. */
export const OTHERWISE: Error = new Error('Cannot compile the document')

/** `undefined`: unknown. */
export type Truth = boolean | undefined | 'invalid'

export interface Line {
  readonly column: number
  readonly input: number
  readonly isText: boolean
}

export class Probe {
  readonly #slots: readonly Slot[]
  readonly #row: Row
  readonly #lines: (Line | null | undefined)[]
  readonly #breaks = new Map<string, number>()
  readonly #weights: (number | undefined)[] = []
  #budget = BUDGET

  constructor(slots: readonly Slot[]) {
    this.#slots = slots
    this.#lines = slots.map(() => undefined)
    this.#row = {
      values: slots.map(() => undefined),
      stamps: new Float64Array(slots.length),
      compute: slots.map((slot, index) => this.#evaluator(slot, index)),
      stamp: 0,
    }
  }

  /** Numbers are taken for valid here: rows that have others are found before the form is asked. */
  #evaluator(slot: Slot, index: number): Evaluate {
    const evaluate = slotEvaluator(slot)
    if (slot.kind !== 'treated') return evaluate
    return row => {
      if (this.line(index)?.isText !== false) return evaluate(row)
      return valueAt(row, slot.from) ?? evaluate(row)
    }
  }

  /** Documents can ask for more comparisons than there is time for. */
  #spend(slot: number): void {
    this.#budget -= this.#weight(slot)
    if (this.#budget < 0) throw OTHERWISE
  }

  /** Steps that a slot takes, at most. */
  #weight(slot: number): number {
    const known = this.#weights[slot]
    if (known !== undefined) return known
    const one = this.#slots[slot]!
    const weight =
      one.kind === 'treated' ? 1 + this.#weight(one.from) : one.kind === 'derived' ? this.#size(one.expression) : 1
    this.#weights[slot] = weight
    return weight
  }

  #size(expression: Expression): number {
    const slots = new Set<number>()
    const own = collect(expression, slots)
    let sum = own
    for (const slot of slots) sum += this.#weight(slot)
    return sum
  }

  /** The one column that a slot is made of, where its number never falls (or never rises) with the column's. */
  line(slot: number): Line | null {
    const known = this.#lines[slot]
    if (known !== undefined) return known
    const found = this.#find(this.#slots[slot]!, slot)
    this.#lines[slot] = found
    return found
  }

  #find(slot: Slot, index: number): Line | null {
    if (slot.kind === 'input') {
      if (slot.type === 'boolean') return null
      return { column: slot.column, input: index, isText: slot.categories !== undefined }
    }
    if (slot.kind === 'treated') return this.line(slot.from)
    if (slot.kind === 'given') return null
    const line = this.#lineOf(slot.expression)
    if (line === null || line.isText) return line
    return slot.type === slot.from || slot.type === 'double' || slot.type === 'float' ? line : null
  }

  /** Of texts any expression will do: each category is tried. Of numbers, those that keep or turn their order. */
  #lineOf(expression: Expression): Line | null {
    const slots = new Set<number>()
    collect(expression, slots)
    const lines = [...slots].map(slot => this.line(slot))
    const first = lines[0]
    if (first === undefined || first === null || lines.some(line => line?.input !== first.input)) return null
    return first.isText || isMonotone(expression) ? first : null
  }

  /** @throws OTHERWISE when too much has been asked. */
  truth(test: Test, line: Line, slot: number, value: Value): Truth {
    this.#spend(slot)
    const row = this.#row
    row.stamp++
    give(row, line.input, value)
    try {
      return test(row)
    } catch (error) {
      if (error !== INVALID) throw error
      return 'invalid'
    }
  }

  /** Two places between which the change is: near where a straight line would meet the value, if it is there. */
  #around(slot: number, value: number, line: Line, isStart: (x: number) => boolean): [bigint, bigint] {
    const all: [bigint, bigint] = [ordinal(Number.NEGATIVE_INFINITY), ordinal(Number.POSITIVE_INFINITY)]
    const [from, to] = [0, 1].map(x => {
      this.truth(row => valueAt(row, slot) === undefined, line, slot, x)
      return Number(this.#row.values[slot])
    })
    const guess = (value - from!) / (to! - from!)
    if (!Number.isFinite(guess)) return all
    const place = ordinal(guess)
    for (let step = 2n; step < 1n << 24n; step <<= 4n) {
      const [low, high] = [numberAt(place - step), numberAt(place + step)]
      if (!Number.isFinite(low) || !Number.isFinite(high)) return all
      if (isStart(low) && !isStart(high)) return [place - step, place + step]
    }
    return all
  }

  #isDouble(slot: number): boolean {
    const one = this.#slots[slot]!
    if (one.kind === 'treated') return this.#isDouble(one.from)
    return one.kind === 'input' && one.type !== 'float'
  }

  /** The numbers at which the predicate may change, ascending: it is the same between two of them. */
  breaks(predicate: Predicate, into: Set<number>): void {
    if (predicate.op === 'and' || predicate.op === 'or' || predicate.op === 'xor' || predicate.op === 'surrogate') {
      for (const part of predicate.parts) this.breaks(part, into)
    } else if (predicate.op === 'set') {
      for (const value of predicate.values)
        for (const over of [false, true]) this.#add(predicate.slot, value, over, into)
    } else if (predicate.op === 'compare') {
      const { operator } = predicate
      if (operator !== 'lessOrEqual' && operator !== 'greaterThan')
        this.#add(predicate.slot, predicate.value, false, into)
      if (operator !== 'lessThan' && operator !== 'greaterOrEqual')
        this.#add(predicate.slot, predicate.value, true, into)
    }
  }

  #add(slot: number, value: Value, over: boolean, into: Set<number>): void {
    if (typeof value !== 'number') return
    const key = `${slot} ${value} ${over}`
    let found = this.#breaks.get(key)
    if (found === undefined) {
      found = this.#search(slot, value, over)
      this.#breaks.set(key, found)
    }
    if (!Number.isNaN(found)) into.add(found)
  }

  /** The smallest number of the column at which `slot ≥ value` (`>` where `over`) is not what it is at −∞; NaN where there is none. */
  #search(slot: number, value: number, over: boolean): number {
    const line = this.line(slot)!
    const test: Test = row => {
      const own = valueAt(row, slot)
      return typeof own === 'number' && (over ? own > value : own >= value)
    }
    const at = (x: number): boolean => this.truth(test, line, slot, x) === true
    const { kind } = this.#slots[slot]!
    if (kind !== 'derived' && this.#isDouble(slot)) return over ? numberAt(ordinal(value + 0) + 1n) : value
    const start = at(Number.NEGATIVE_INFINITY)
    if (at(Number.POSITIVE_INFINITY) === start) return Number.NaN
    let [low, high] = this.#around(slot, value, line, x => at(x) === start)
    while (high - low > 1n) {
      const middle = (low + high) >> 1n
      if (at(numberAt(middle)) === start) low = middle
      else high = middle
    }
    return numberAt(high)
  }
}

/** Steps of all comparisons together: some seconds. */
const BUDGET = 5e7

const bits = new DataView(new ArrayBuffer(8))

/** Numbers by their place on the line: neighbours differ by one. */
function ordinal(x: number): bigint {
  bits.setFloat64(0, x)
  const raw = bits.getBigInt64(0)
  return raw < 0n ? -(raw & 0x7fffffffffffffffn) : raw
}

function numberAt(place: bigint): number {
  bits.setBigInt64(0, place < 0n ? -place | -0x8000000000000000n : place)
  return bits.getFloat64(0)
}

/** Adds the slots that it reads, and says how many steps it has. */
function collect(expression: Expression, into: Set<number>): number {
  if (expression.op === 'constant') return 1
  if (expression.op === 'apply') return expression.args.reduce((sum, arg) => sum + collect(arg, into), 1)
  if (expression.op === 'map') for (const slot of expression.slots) into.add(slot)
  // A function of the document has slots of its own, which depend on what is given to them.
  else if (expression.op === 'let') into.add(expression.slots[0] ?? -1)
  else into.add(expression.slot)
  return expression.op === 'discretize' ? expression.bins.length : 1
}

function isMonotone(expression: Expression): boolean {
  if (expression.op === 'field') return true
  if (expression.op === 'norm-continuous') {
    const { to, outliers } = expression
    const pairs = to.slice(1).map((value, index) => value - to[index]!)
    return outliers !== 'asMissingValues' && (pairs.every(step => step >= 0) || pairs.every(step => step <= 0))
  }
  if (expression.op !== 'apply') return false
  const { name, args, invalid } = expression
  if (invalid !== 'returnInvalid') return false
  if (name === 'if') {
    const branch = presentBranch(expression)
    return branch !== undefined && isMonotone(branch)
  }
  const [left, right] = args
  if (left === undefined || right === undefined) return false
  const isFactor = name === '*' || name === '/'
  if (isConstant(right, isFactor)) return (isFactor || name === '+' || name === '-') && isMonotone(left)
  return isConstant(left, isFactor) && (name === '*' || name === '+' || name === '-') && isMonotone(right)
}

function isConstant(expression: Expression, nonZero: boolean): boolean {
  return (
    expression.op === 'constant' &&
    typeof expression.value === 'number' &&
    Number.isFinite(expression.value) &&
    !(nonZero && expression.value === 0)
  )
}

/** What `if (isMissing(x)) … else …` is for numbers that are there. */
function presentBranch({ args }: Extract<Expression, { op: 'apply' }>): Expression | undefined {
  const [flag, yes, no] = args
  if (flag?.op !== 'apply' || flag.args[0]?.op !== 'field') return undefined
  if (flag.name === 'isMissing') return no
  return flag.name === 'isNotMissing' ? yes : undefined
}

/** The column of all slots of a predicate; `null` where there is not exactly one. */
export function lineOfPredicate(predicate: Predicate, probe: Probe): Line | null {
  if (predicate.op === 'constant') return null
  if ('slot' in predicate) return probe.line(predicate.slot)
  if (!('parts' in predicate)) return null
  let found: Line | null = null
  for (const part of predicate.parts) {
    if (part.op === 'constant') continue
    const line = lineOfPredicate(part, probe)
    if (line === null || (found !== null && found.input !== line.input)) return null
    found = line
  }
  return found
}
