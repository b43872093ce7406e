/** The steps of a pipeline as functions over a block of rows: `count` × `stride` registers, row-major. */
import type { Forest } from './forest.ts'
import type { PipelineOp, PipelineStep } from './pipeline.ts'
import { BINARY, type Binary, REDUCE, ROUND, SPREAD, UNARY, type Unary } from './pipeline-functions.ts'
import type { MarginPredictor } from './predictor.ts'

export type RunStep = (registers: Float64Array, count: number) => void

type Step<Op extends PipelineOp> = Extract<PipelineStep, { readonly op: Op }>

/** Rows that a block has at most. */
export const BLOCK_ROWS = 64

export function compileStep(
  step: PipelineStep,
  stride: number,
  marginsOf: (forest: Forest) => MarginPredictor,
): RunStep {
  switch (step.op) {
    case 'unary':
      return unary(step, stride)
    case 'binary':
      return binary(step, stride)
    case 'select':
      return select(step, stride)
    case 'lookup':
      return lookup(step, stride)
    case 'indicators':
      return indicators(step, stride)
    case 'matrix':
      return matrix(step, stride)
    case 'reduce':
    case 'spread':
      return grouped(step, stride)
    case 'forest':
      return margins(step, stride, marginsOf(step.forest))
  }
}

function unary({ name, from, to, rounding }: Step<'unary'>, stride: number): RunStep {
  const apply: Unary = UNARY[name]
  const round = ROUND[rounding]
  return (registers, count) => {
    for (let row = 0, at = 0; row < count; row++, at += stride) {
      for (let k = 0; k < to.length; k++) registers[at + to[k]!] = round(apply(registers[at + from[k]!]!))
    }
  }
}

function binary({ name, left, right, to, rounding }: Step<'binary'>, stride: number): RunStep {
  const apply: Binary = BINARY[name]
  const round = ROUND[rounding]
  return (registers, count) => {
    for (let row = 0, at = 0; row < count; row++, at += stride) {
      for (let k = 0; k < to.length; k++) {
        registers[at + to[k]!] = round(apply(registers[at + left[k]!]!, registers[at + right[k]!]!))
      }
    }
  }
}

function select({ when, yes, no, to }: Step<'select'>, stride: number): RunStep {
  return (registers, count) => {
    for (let row = 0, at = 0; row < count; row++, at += stride) {
      for (let k = 0; k < to.length; k++) {
        registers[at + to[k]!] = registers[at + (registers[at + when[k]!] !== 0 ? yes[k]! : no[k]!)]!
      }
    }
  }
}

function lookup({ from, to, keys, values, fallback }: Step<'lookup'>, stride: number): RunStep {
  const found = new Map<number, number>()
  for (const [index, key] of keys.entries()) if (!found.has(key)) found.set(key, values[index]!)
  return (registers, count) => {
    for (let row = 0, at = 0; row < count; row++, at += stride) {
      for (let k = 0; k < to.length; k++) {
        const given = registers[at + from[k]!]!
        registers[at + to[k]!] = found.get(given) ?? fallback ?? given
      }
    }
  }
}

function indicators({ from, to, keys }: Step<'indicators'>, stride: number): RunStep {
  const found = new Map<number, number>()
  for (const [index, key] of keys.entries()) found.set(key, index)
  const width = keys.length
  return (registers, count) => {
    for (let row = 0, at = 0; row < count; row++, at += stride) {
      for (let k = 0; k < to.length; k++) registers[at + to[k]!] = 0
      for (let k = 0; k < from.length; k++) {
        const index = found.get(registers[at + from[k]!]!)
        if (index !== undefined) registers[at + to[k * width + index]!] = 1
      }
    }
  }
}

/** In float32 this is what ONNX Runtime's fused multiply-add gives, bit for bit: a product of two float32 is exact here. */
function matrix({ from, to, weights, bias, rounding }: Step<'matrix'>, stride: number): RunStep {
  const round = ROUND[rounding]
  const width = from.length
  return (registers, count) => {
    for (let row = 0, at = 0; row < count; row++, at += stride) {
      for (let output = 0, weight = 0; output < to.length; output++) {
        let sum = 0
        for (let k = 0; k < width; k++) sum = round(sum + registers[at + from[k]!]! * weights[weight++]!)
        registers[at + to[output]!] = round(bias === undefined ? sum : sum + bias[output]!)
      }
    }
  }
}

function grouped(step: Step<'reduce'> | Step<'spread'>, stride: number): RunStep {
  const { from, to, size } = step
  const round = ROUND[step.rounding]
  const group = new Float64Array(size)
  const groups = size === 0 ? 0 : from.length / size
  const finish = step.op === 'reduce' ? reducing(step) : spreading(step)
  function reducing({ name }: Step<'reduce'>): (registers: Float64Array, at: number, index: number) => void {
    const reduce = REDUCE[name]
    return (registers, at, index) => {
      registers[at + to[index]!] = round(reduce(group, round))
    }
  }
  function spreading({ name }: Step<'spread'>): (registers: Float64Array, at: number, index: number) => void {
    const spread = SPREAD[name]
    return (registers, at, index) => {
      spread(group, round)
      for (let k = 0; k < size; k++) registers[at + to[index * size + k]!] = group[k]!
    }
  }
  return (registers, count) => {
    for (let row = 0, at = 0; row < count; row++, at += stride) {
      for (let index = 0; index < groups; index++) {
        for (let k = 0; k < size; k++) group[k] = registers[at + from[index * size + k]!]!
        finish(registers, at, index)
      }
    }
  }
}

function margins({ from, to }: Step<'forest'>, stride: number, predictor: MarginPredictor): RunStep {
  const rows = new Float64Array(BLOCK_ROWS * from.length)
  const out = new Float64Array(BLOCK_ROWS * to.length)
  return (registers, count) => {
    for (let row = 0, at = 0, into = 0; row < count; row++, at += stride) {
      for (let k = 0; k < from.length; k++) rows[into++] = registers[at + from[k]!]!
    }
    predictor.margin(rows, count, out)
    for (let row = 0, at = 0, next = 0; row < count; row++, at += stride) {
      for (let k = 0; k < to.length; k++) registers[at + to[k]!] = out[next++]!
    }
  }
}
