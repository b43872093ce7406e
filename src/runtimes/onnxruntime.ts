/**
 * ONNX graphs that are not computed by code of our own, run by ONNX Runtime. Its native part is loaded when the first such model
 * is opened, and not before. One thread computes an answer; it runs in the thread that asks.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { Problem } from '../errors.ts'
import type { OnnxGraph } from '../predictor/external.ts'
import { answersInto, feedsOf, type GraphAnswer, type GraphTensor, settled, voidsOf } from './onnxruntime-tensors.ts'
import type { Runtime, Served } from './runtime.ts'

/** Rows of one run. */
const ROWS_MAX = 4_096

/** Rejects with `invalid` where ONNX Runtime does not take the graph, or it answers something else than it says. */
export async function openOnnx(graph: OnnxGraph, { name }: Served, timer: () => number): Promise<Runtime> {
  const runtime = await loadRuntime(name)
  const session = await sessionOf(runtime, graph, name)
  const counts = { runs: 0, rows: 0, failures: 0, busyMs: 0 }
  const tensor = ({ type, data, dims }: GraphTensor): Tensor => new runtime.Tensor(type, data as never, dims)
  const ask: Ask = async (rows, count) => {
    const started = timer()
    counts.runs++
    counts.rows += count
    try {
      const feeds = Object.entries(feedsOf(graph, rows, count))
      const results = await session.run(Object.fromEntries(feeds.map(([input, one]) => [input, tensor(one)])), [
        graph.answer.name,
      ])
      return results[graph.answer.name]!.data as GraphAnswer
    } catch (error) {
      counts.failures++
      if (error instanceof Problem) throw error
      throw new Problem('failed', `Cannot predict with ${name}: ONNX Runtime says: ${told(error)}`)
    } finally {
      counts.busyMs += timer() - started
    }
  }
  const model = await triedOut(graph, ask, session, name)
  return { predictor: predictorOf(model, ask, session), counts: () => ({ ...counts }) }
}

type Ask = (rows: Float64Array, count: number) => Promise<GraphAnswer>

function predictorOf(model: OnnxGraph, ask: Ask, session: InferenceSession): Runtime['predictor'] {
  const { kind: _kind, bytes, inputs: _inputs, answer: _answer, ...head } = model
  const width = model.features.length
  const pending = new Set<Promise<void>>()
  const rowsMax = model.inputs.some(({ isSingle }) => isSingle) ? 1 : ROWS_MAX
  let isClosed = false
  const all = async (rows: Float64Array, count: number, out: Float64Array): Promise<void> => {
    const answers = new Float64Array(count * model.outputCount)
    const voids = voidsOf(model, rows, count)
    for (let from = 0; from < count; from += rowsMax) {
      const to = Math.min(from + rowsMax, count)
      const into = answers.subarray(from * model.outputCount, to * model.outputCount)
      answersInto(model, await ask(rows.subarray(from * width, to * width), to - from), to - from, into)
    }
    for (const row of voids) answers.fill(Number.NaN, row * model.outputCount, (row + 1) * model.outputCount)
    out.set(answers)
  }
  return {
    ...head,
    bytes: bytes.byteLength,
    async predict(rows, count, out) {
      if (isClosed) throw new Problem('unavailable', 'Cannot predict: the model was let go of')
      const job = all(count > rowsMax ? rows.slice(0, count * width) : rows, count, out)
      pending.add(job)
      try {
        await job
      } finally {
        pending.delete(job)
      }
    },
    async close() {
      if (isClosed) return
      isClosed = true
      await Promise.allSettled(pending)
      await session.release()
    },
  }
}

async function loadRuntime(name: string): Promise<typeof import('onnxruntime-node')> {
  try {
    return await import('onnxruntime-node')
  } catch (error) {
    const problem = `Cannot open ${name}: ONNX Runtime (the package onnxruntime-node) does not load here: ${told(error)}`
    throw new Problem('misconfigured', `${problem}; trees and linear models need none`)
  }
}

async function sessionOf(
  runtime: typeof import('onnxruntime-node'),
  { bytes }: OnnxGraph,
  name: string,
): Promise<InferenceSession> {
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const
  try {
    return await runtime.InferenceSession.create(bytes, options)
  } catch (error) {
    throw new Problem('invalid', `Cannot load the ONNX model of ${name}: ONNX Runtime says: ${told(error)}`)
  }
}

/** A first row, so that a graph that cannot answer is found out now, and how many numbers it answers. */
async function triedOut(graph: OnnxGraph, ask: Ask, session: InferenceSession, name: string): Promise<OnnxGraph> {
  try {
    const { length } = await ask(new Float64Array(graph.features.length), 1)
    return settled(graph, length)
  } catch (error) {
    await session.release()
    throw new Problem('invalid', `Cannot load the ONNX model of ${name}: its first row failed: ${told(error)}`)
  }
}

function told(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : String(error).slice(0, 500)
}
