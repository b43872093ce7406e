/** From a row to its answers by the steps of a pipeline, in blocks of rows. It allocates nothing per row. */
import { type Forest, forestBytes } from './forest.ts'
import type { Pipeline, PipelineStep } from './pipeline.ts'
import { BLOCK_ROWS, compileStep } from './pipeline-steps.ts'
import { headOf, type MarginPredictor, type Predictor, requireRoom } from './predictor.ts'

/** Registers of a block, at most: 4 MB. */
const BLOCK_NUMBERS = 1 << 19

/** @param marginsOf computes the forests inside. */
export function pipelinePredictor(pipeline: Pipeline, marginsOf: (forest: Forest) => MarginPredictor): Predictor {
  const { features, registers: stride, outputs, constants, steps } = pipeline
  const width = features.length
  const block = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_NUMBERS / Math.max(1, stride))))
  const registers = new Float64Array(block * stride)
  for (let row = 0; row < block; row++) {
    for (const [index, register] of constants.registers.entries()) {
      registers[row * stride + register] = constants.values[index]!
    }
  }
  const voids = new Uint8Array(block)
  const take = intakeOf(pipeline)
  const runs = steps.map(step => compileStep(step, stride, marginsOf))
  const give = (out: Float64Array, from: number, size: number): void => {
    for (let row = 0, at = from; row < size; row++) {
      for (const register of outputs) out[at++] = voids[row] === 1 ? Number.NaN : registers[row * stride + register]!
    }
  }
  return {
    ...headOf(pipeline),
    outputCount: outputs.length,
    bytes: registers.byteLength + steps.reduce((sum, step) => sum + stepBytes(step), 0),
    predict(rows, count, out) {
      requireRoom(rows, count * width, out, count * outputs.length)
      for (let start = 0; start < count; start += block) {
        const size = Math.min(block, count - start)
        for (let row = 0; row < size; row++) {
          voids[row] = take(rows, (start + row) * width, registers, row * stride) ? 0 : 1
        }
        for (const run of runs) run(registers, size)
        give(out, start * outputs.length, size)
      }
    },
  }
}

/** False where a number is missing that must be there. */
type Take = (rows: Float64Array, from: number, registers: Float64Array, at: number) => boolean

function intakeOf({ intake }: Pipeline): Take {
  return (rows, from, registers, at) => {
    let whole = true
    for (let column = 0; column < intake.length; column++) {
      const { read, missing } = intake[column]!
      const value = rows[from + column]!
      if (read === 'float32') registers[at + column] = Math.fround(value)
      else if (read === 'float64') registers[at + column] = value
      else if (read === 'code') registers[at + column] = Number.isNaN(value) ? missing : value
      else {
        if (Number.isNaN(value)) whole = false
        registers[at + column] = Math.trunc(value)
      }
    }
    return whole
  }
}

function stepBytes(step: PipelineStep): number {
  let bytes = step.op === 'forest' ? forestBytes(step.forest) : 0
  for (const value of Object.values(step)) if (ArrayBuffer.isView(value)) bytes += value.byteLength
  return bytes
}
