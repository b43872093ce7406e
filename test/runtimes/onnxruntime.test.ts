/** Graphs that ONNX Runtime computes, and every other one too: both ways must agree. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OnnxGraph } from '../../src/predictor/external.ts'
import { isExternal, predictorOf } from '../../src/predictor/model.ts'
import { CASES, goldenBytes, requireNear, rowsOf, wantedOf } from '../../src/predictor/onnx/golden-models.suite.ts'
import { asGraph, loadOnnx } from '../../src/predictor/onnx/load-onnx.ts'
import { openOnnx } from '../../src/runtimes/onnxruntime.ts'

const timer = (): number => performance.now()

async function answersOf(graph: OnnxGraph, rows: Float64Array, count: number): Promise<Float64Array> {
  const served = { name: 'golden@1.0.0', artifact: async () => graph.bytes }
  const { predictor, counts } = await openOnnx(graph, served, timer)
  try {
    const out = new Float64Array(count * predictor.outputCount)
    await predictor.predict(rows, count, out)
    assert.equal(counts()['rows'], count + 1, 'one to try it out')
    return out
  } finally {
    await predictor.close()
  }
}

describe('ONNX Runtime', () => {
  for (const [name, { rows, expected }] of Object.entries(CASES)) {
    test(`${name}: as in Python, and as computed here`, async () => {
      const bytes = goldenBytes(name)
      const model = loadOnnx(bytes)
      const graph = asGraph(bytes)
      assert.deepEqual([graph.task, graph.features], [model.task, model.features])
      const answers = await answersOf(graph, rowsOf(graph, rows), rows.length)
      requireNear(answers, wantedOf(graph, expected))
      if (isExternal(model)) return
      const predictor = predictorOf(model)
      const out = new Float64Array(answers.length)
      predictor.predict(rowsOf(model, rows), rows.length, out)
      requireNear(out, answers)
    })
  }

  test('a graph that it does not take is refused, and so is a predictor that was closed', async () => {
    const graph = asGraph(goldenBytes('svc'))
    const served = { name: 'svc@1.0.0', artifact: async () => graph.bytes }
    const broken = { ...graph, bytes: graph.bytes.slice(0, graph.bytes.length >> 1) }
    await assert.rejects(openOnnx(broken, served, timer), { code: 'invalid', message: /ONNX model of svc@1\.0\.0/ })
    const { predictor } = await openOnnx(graph, served, timer)
    await predictor.close()
    const row = new Float64Array(graph.features.length)
    await assert.rejects(predictor.predict(row, 1, new Float64Array(1)), { code: 'unavailable' })
  })

  test('formats: onnx: every other graph', async () => {
    for (const [name, { native, rows, expected }] of Object.entries(CASES)) {
      if (native) continue
      const graph = loadOnnx(goldenBytes(name))
      assert.ok(graph.kind === 'onnx-graph', name)
      requireNear(await answersOf(graph, rowsOf(graph, rows), rows.length), wantedOf(graph, expected))
    }
  })

  test('formats: onnx: missing whole numbers', async () => {
    const rows = Float64Array.of(0.5, 3, 1.5, Number.NaN)
    const wanted = Float64Array.of(0.5, 3, Number.NaN, Number.NaN)
    const bytes = goldenBytes('op_vector_inputs')
    requireNear(await answersOf(asGraph(bytes), rows, 2), wanted)
    const out = new Float64Array(4)
    predictorOf(loadOnnx(bytes)).predict(rows, 2, out)
    requireNear(out, wanted)
  })
})
