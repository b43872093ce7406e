/** Asks a model for many rows that are made up one by one, a batch at a time: memory stays bounded, and it can be stopped. */
import type { Random } from '../../math/random.ts'

/** Whatever answers rows: any predictor, awaited or not, or the margin of one (`{ ...p, predict: p.margin }`). */
export interface Answering {
  readonly features: readonly string[]
  readonly outputCount: number
  predict(rows: Float64Array, count: number, out: Float64Array): void | Promise<void>
}

export interface Effort {
  /** Rows asked for at a time; 1,024 unless it is said. */
  readonly batchRows?: number
  /** Stops between two batches, with the signal's reason. */
  readonly signal?: AbortSignal
  /** Awaited between two batches, so that others have their turn. */
  readonly pause?: () => Promise<void>
}

export interface SampledEffort extends Effort {
  readonly random: Random
}

/**
 * @param fill writes the row of a number 0 … `count` − 1; the row holds what was written before.
 * @param take is given the answers of each row, and the row, in order; the arrays are used again.
 */
export async function answerEach(
  model: Answering,
  count: number,
  fill: (index: number, row: Float64Array) => void,
  take: (index: number, answers: Float64Array, row: Float64Array) => void,
  { batchRows = 1024, signal, pause }: Effort = {},
): Promise<void> {
  const [width, outputs] = [model.features.length, model.outputCount]
  const most = Math.max(1, Math.min(batchRows, count))
  const rows = new Float64Array(most * width)
  const out = new Float64Array(most * outputs)
  for (let start = 0; start < count; start += most) {
    signal?.throwIfAborted()
    const size = Math.min(most, count - start)
    for (let at = 0; at < size; at++) fill(start + at, rows.subarray(at * width, (at + 1) * width))
    await model.predict(rows, size, out)
    for (let at = 0; at < size; at++) {
      const row = rows.subarray(at * width, (at + 1) * width)
      take(start + at, out.subarray(at * outputs, (at + 1) * outputs), row)
    }
    if (start + size < count) await pause?.()
  }
}
