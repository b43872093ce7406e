/**
 * The built-in functions of PMML 4.4. A function sees its arguments after the rule on missing ones: most answer nothing where
 * an argument is missing, the aggregates pass over it, `isMissing` and its like are asked for it. Types follow the reference
 * implementation: arithmetic of two integers is integer, of floats is rounded to float.
 */
import { normalLower, normalQuantile } from '../../math/distributions/normal.ts'
import { searchPattern } from './patterns.ts'
import { commonType, type DataType, INVALID, type Value } from './values.ts'

type Present = Exclude<Value, undefined>

export interface BuiltIn {
  readonly least: number
  readonly most: number
  readonly type: (types: readonly DataType[]) => DataType
  readonly run: (args: readonly Value[], types: readonly DataType[]) => Value
}

const is = (type: DataType) => (): DataType => type
const real = (types: readonly DataType[]): DataType => (types.every(type => type === 'float') ? 'float' : 'double')
const widest = (types: readonly DataType[]): DataType => types.reduce((a, b) => commonType(a, b))

/** Of present numbers only; a truth value counts as 1 or 0. */
function numeric(
  least: number,
  type: BuiltIn['type'],
  of: (numbers: readonly number[], types: readonly DataType[]) => number,
  most = least,
): BuiltIn {
  return {
    least,
    most,
    type,
    run(args, types) {
      const numbers: number[] = []
      for (const value of args) {
        if (value === undefined) return undefined
        numbers.push(numberOf(value))
      }
      const result = of(numbers, types)
      return Number.isNaN(result) ? undefined : result
    },
  }
}

function numberOf(value: Present): number {
  const number = typeof value === 'string' ? Number.NaN : Number(value)
  if (Number.isNaN(number)) throw INVALID
  return number
}

/** Missing values are passed over; of none at all the result is missing. */
function aggregate(type: BuiltIn['type'], of: (numbers: readonly number[]) => number): BuiltIn {
  return {
    least: 1,
    most: Number.POSITIVE_INFINITY,
    type,
    run(args) {
      const numbers = args.filter(value => value !== undefined).map(numberOf)
      return numbers.length === 0 ? undefined : of(numbers)
    },
  }
}

function compared(test: (order: number) => boolean): BuiltIn {
  return {
    least: 2,
    most: 2,
    type: is('boolean'),
    run([left, right]) {
      if (left === undefined || right === undefined) return undefined
      if (typeof left === 'string' && typeof right === 'string') return test(left < right ? -1 : left > right ? 1 : 0)
      const [a, b] = [numberOf(left), numberOf(right)]
      return test(a < b ? -1 : a > b ? 1 : 0)
    },
  }
}

function texts(least: number, type: DataType, of: (args: readonly Present[]) => Value, most = least): BuiltIn {
  return {
    least,
    most,
    type: is(type),
    run: args => (args.includes(undefined) ? undefined : of(args as readonly Present[])),
  }
}

/** Three-valued, as predicates are: what is missing matters only where it decides. */
function logical(decides: boolean): BuiltIn {
  return {
    least: 2,
    most: Number.POSITIVE_INFINITY,
    type: is('boolean'),
    run(args) {
      if (args.some(value => value !== undefined && truth(value) === decides)) return decides
      return args.includes(undefined) ? undefined : !decides
    },
  }
}

export function truth(value: Present): boolean {
  if (typeof value === 'string') throw INVALID
  return value === true || value === 1
}

function membership(wanted: boolean): BuiltIn {
  return {
    least: 2,
    most: Number.POSITIVE_INFINITY,
    type: is('boolean'),
    run: ([value, ...set]) => set.includes(value) === wanted,
  }
}

function equality(wanted: boolean): BuiltIn {
  return {
    least: 2,
    most: 2,
    type: is('boolean'),
    run: ([left, right]) => (left === undefined || right === undefined ? undefined : (left === right) === wanted),
  }
}

function divide([a, b]: readonly number[], types: readonly DataType[]): number {
  if (widest(types) !== 'integer') return a! / b!
  if (b === 0) throw INVALID
  return Math.trunc(a! / b!)
}

function substring(args: readonly Present[]): Value {
  const [start, length] = [numberOf(args[1]!), numberOf(args[2]!)]
  if (start < 1 || length < 0) throw INVALID
  return String(args[0]).slice(start - 1, start - 1 + length)
}

function rint(x: number): number {
  const floor = Math.floor(x)
  return x - floor === 0.5 ? (floor % 2 === 0 ? floor : floor + 1) : Math.round(x)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

function median(numbers: readonly number[]): number {
  const sorted = Float64Array.from(numbers).sort()
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
const one = (of: (x: number) => number, type: BuiltIn['type'] = real): BuiltIn => numeric(1, type, ([x]) => of(x!))
const standard = (of: (x: number) => number): BuiltIn => one(of, is('double'))
const normal = (of: (x: number, mean: number, deviation: number) => number): BuiltIn =>
  numeric(3, is('double'), ([x, mean, deviation]) => of(x!, mean!, deviation!))

const BUILT_IN: Readonly<Record<string, BuiltIn>> = {
  '+': numeric(2, widest, ([a, b]) => a! + b!),
  '-': numeric(2, widest, ([a, b]) => a! - b!),
  '*': numeric(2, widest, ([a, b]) => a! * b!),
  '/': numeric(2, widest, divide),
  modulo: numeric(2, widest, ([a, b]) => a! - Math.floor(a! / b!) * b!),
  min: aggregate(widest, numbers => numbers.reduce((a, b) => Math.min(a, b))),
  max: aggregate(widest, numbers => numbers.reduce((a, b) => Math.max(a, b))),
  sum: aggregate(widest, sum),
  avg: aggregate(real, numbers => sum(numbers) / numbers.length),
  median: aggregate(real, median),
  product: aggregate(widest, numbers => numbers.reduce((a, b) => a * b)),
  log10: one(Math.log10),
  ln: one(Math.log),
  ln1p: one(Math.log1p),
  exp: one(Math.exp),
  expm1: one(Math.expm1),
  sqrt: one(Math.sqrt),
  abs: one(Math.abs, widest),
  pow: numeric(2, widest, ([a, b]) => a! ** b!),
  threshold: numeric(2, widest, ([a, b]) => (a! > b! ? 1 : 0)),
  floor: one(Math.floor, is('integer')),
  ceil: one(Math.ceil, is('integer')),
  round: one(Math.round, is('integer')),
  rint: one(rint),
  hypot: numeric(2, real, ([a, b]) => Math.hypot(a!, b!)),
  sin: one(Math.sin),
  asin: one(Math.asin),
  sinh: one(Math.sinh),
  cos: one(Math.cos),
  acos: one(Math.acos),
  cosh: one(Math.cosh),
  tan: one(Math.tan),
  atan: one(Math.atan),
  atan2: numeric(2, real, ([a, b]) => Math.atan2(a!, b!)),
  tanh: one(Math.tanh),
  erf: standard(x => 2 * normalLower(x * Math.SQRT2) - 1),
  stdNormalCDF: standard(normalLower),
  stdNormalPDF: standard(density),
  stdNormalIDF: standard(normalQuantile),
  normalCDF: normal((x, mean, deviation) => normalLower((x - mean) / deviation)),
  normalPDF: normal((x, mean, deviation) => density((x - mean) / deviation) / deviation),
  normalIDF: normal((p, mean, deviation) => mean + deviation * normalQuantile(p)),
  isMissing: { least: 1, most: 1, type: is('boolean'), run: ([value]) => value === undefined },
  isNotMissing: { least: 1, most: 1, type: is('boolean'), run: ([value]) => value !== undefined },
  isValid: { least: 1, most: 1, type: is('boolean'), run: ([value]) => value !== undefined },
  isNotValid: { least: 1, most: 1, type: is('boolean'), run: () => false },
  equal: equality(true),
  notEqual: equality(false),
  lessThan: compared(order => order < 0),
  lessOrEqual: compared(order => order <= 0),
  greaterThan: compared(order => order > 0),
  greaterOrEqual: compared(order => order >= 0),
  and: logical(false),
  or: logical(true),
  not: texts(1, 'boolean', ([value]) => !truth(value!)),
  isIn: membership(true),
  isNotIn: membership(false),
  // `run` is for the branches only: which of them is evaluated is decided before.
  if: {
    least: 2,
    most: 3,
    type: ([, ...branches]) => widest(branches),
    run: ([flag, yes, no]) => (flag === undefined ? undefined : truth(flag) ? yes : no),
  },
  uppercase: texts(1, 'string', ([text]) => String(text).toUpperCase()),
  lowercase: texts(1, 'string', ([text]) => String(text).toLowerCase()),
  trimBlanks: texts(1, 'string', ([text]) => String(text).trim()),
  stringLength: texts(1, 'integer', ([text]) => String(text).length),
  substring: texts(3, 'string', substring),
  concat: {
    least: 2,
    most: Number.POSITIVE_INFINITY,
    type: is('string'),
    run: args => args.filter(value => value !== undefined).join(''),
  },
  matches: texts(2, 'boolean', ([text, pattern]) => searchPattern(String(pattern)).test(String(text))),
  replace: texts(3, 'string', ([text, pattern, by]) =>
    String(text).replaceAll(searchPattern(String(pattern)), String(by).replaceAll('$$', '$$$$')),
  ),
}

export function functionNamed(name: string): BuiltIn | undefined {
  return Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined
}
