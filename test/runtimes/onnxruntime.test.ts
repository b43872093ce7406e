/** Graphs that ONNX Runtime computes, and every other one too: both ways must agree. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { OnnxGraph } from '../../src/predictor/external.ts'
import { isExternal, type Model, predictorOf } from '../../src/predictor/model.ts'
import { asGraph, loadOnnx } from '../../src/predictor/onnx/load-onnx.ts'
import { openOnnx } from '../../src/runtimes/onnxruntime.ts'

const GOLDEN = new URL('../golden/onnx/', import.meta.url)
const { cases } = JSON.parse(readFileSync(new URL('cases.json', GOLDEN), 'utf8'))
const timer = (): number => performance.now()

interface Case {
  readonly native: boolean
  readonly rows: readonly (readonly (number | string | null)[])[]
  readonly expected: readonly (readonly (number | string | null)[])[]
}

function rowsOf(model: Model, rows: Case['rows']): Float64Array {
  return Float64Array.from(
    rows.flatMap(row =>
      row.map((value, column) => {
        const categories = model.categories[column]
        if (value === null) return Number.NaN
        return categories === undefined ? Number(value) : categories.indexOf(String(value))
      }),
    ),
  )
}

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

function near(found: Float64Array, wanted: ArrayLike<number>): void {
  assert.equal(found.length, wanted.length)
  for (let index = 0; index < found.length; index++) {
    const [one, other] = [found[index]!, wanted[index]!]
    assert.ok(Object.is(one, other) || Math.abs(one - other) <= 1e-6, `number ${index} is ${one}, wanted ${other}`)
  }
}

function wantedOf({ classes, answers }: Model, expected: Case['expected']): Float64Array {
  return Float64Array.from(expected.flat(), value =>
    value === null ? Number.NaN : answers === 'class' ? classes!.indexOf(String(value)) : Number(value),
  )
}

describe('ONNX Runtime', () => {
  for (const [name, { rows, expected }] of Object.entries<Case>(cases)) {
    test(`${name}: as in Python, and as computed here`, async () => {
      const bytes = readFileSync(new URL(`${name}.onnx`, GOLDEN))
      const model = loadOnnx(bytes)
      const graph = asGraph(bytes)
      assert.deepEqual([graph.task, graph.features], [model.task, model.features])
      const answers = await answersOf(graph, rowsOf(graph, rows), rows.length)
      near(answers, wantedOf(graph, expected))
      if (isExternal(model)) return
      const predictor = predictorOf(model)
      const out = new Float64Array(answers.length)
      predictor.predict(rowsOf(model, rows), rows.length, out)
      near(out, answers)
    })
  }

  test('a graph that it does not take is refused, and so is a predictor that was closed', async () => {
    const graph = asGraph(readFileSync(new URL('svc.onnx', GOLDEN)))
    const served = { name: 'svc@1.0.0', artifact: async () => graph.bytes }
    const broken = { ...graph, bytes: graph.bytes.slice(0, graph.bytes.length >> 1) }
    await assert.rejects(openOnnx(broken, served, timer), { code: 'invalid', message: /ONNX model of svc@1\.0\.0/ })
    const { predictor } = await openOnnx(graph, served, timer)
    await predictor.close()
    const row = new Float64Array(graph.features.length)
    await assert.rejects(predictor.predict(row, 1, new Float64Array(1)), { code: 'unavailable' })
  })
})
