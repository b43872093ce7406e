import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { near } from '../../math/golden.suite.ts'
import { type Random, seededRandom } from '../../math/random.ts'
import type { Background } from '../explainer.ts'
import { explainerOf } from '../explainer.ts'
import { forestPredictor } from '../forest-predictor.ts'
import type { Pipeline, PipelineStep } from '../pipeline.ts'
import { pipelinePredictor } from '../pipeline-predictor.ts'
import { pipelineShap } from './pipeline-shap.ts'
import { randomForest, shapleyValues } from './random-forests.suite.ts'

const ids = (...registers: number[]): Int32Array => Int32Array.from(registers)
const rounding = 'float64'
/** Three features, a category among them, become columns 9 … 14: indicators of 3 categories, two numbers, a constant. */
const COLUMNS: readonly PipelineStep[] = [
  { op: 'indicators', from: ids(0), to: ids(9, 10, 11), keys: Float64Array.of(0, 1, 2) },
  { op: 'binary', name: 'subtract', left: ids(1), right: ids(3), to: ids(5), rounding },
  { op: 'binary', name: 'multiply', left: ids(5), right: ids(4), to: ids(12), rounding },
  { op: 'lookup', from: ids(2), to: ids(13), keys: Float64Array.of(Number.NaN), values: Float64Array.of(7) },
  { op: 'unary', name: 'copy', from: ids(3), to: ids(14), rounding },
]
const FROM = ids(9, 10, 11, 12, 13, 14)

function pipelineOf(steps: readonly PipelineStep[], outputs: Int32Array, more: Partial<Pipeline> = {}): Pipeline {
  return {
    format: 'onnx',
    task: 'regression',
    objective: 'test',
    features: ['category', 'scaled', 'filled'],
    featureTypes: [],
    named: true,
    categories: [['a', 'b', 'c'], undefined, undefined],
    unseen: 'other',
    answers: 'number',
    facts: {},
    kind: 'pipeline',
    registers: 40,
    intake: [
      { read: 'code', missing: -1 },
      { read: 'float64', missing: -1 },
      { read: 'float64', missing: -1 },
    ],
    constants: { registers: ids(3, 4, 8), values: Float64Array.of(2, 0.5, 1) },
    steps: [...COLUMNS, ...steps],
    outputs,
    ...more,
  }
}

function rowsOf(random: Random, count: number): Float64Array {
  return Float64Array.from({ length: 3 * count }, (_, at) => {
    if (at % 3 === 0) return Math.floor(random() * 4) - 1
    return at % 3 === 2 && random() < 0.3 ? Number.NaN : random() * 8 - 2
  })
}

/** Holds contributions to those of the interventional game, counted out, of registers as they are. */
function hold(pipeline: Pipeline, margins: Int32Array, random: Random): void {
  const background = { rows: rowsOf(random, 6), count: 6 }
  const explainer = pipelineShap(pipeline, background)!
  assert.equal(explainer.outputCount, margins.length)
  const rows = rowsOf(random, 70)
  const out = new Float64Array(70 * margins.length * 3)
  explainer.explain(rows, 70, out)
  const direct = pipelinePredictor({ ...pipeline, outputs: margins }, forestPredictor)
  for (const row of [0, 1, 63, 64, 69]) {
    const worths = Array.from({ length: 8 }, (_, coalition) => {
      const mixed = background.rows.map((value, at) =>
        (coalition >> (at % 3)) & 1 ? rows[row * 3 + (at % 3)]! : value,
      )
      const answers = new Float64Array(6 * margins.length)
      direct.predict(mixed, 6, answers)
      return Array.from(margins, (_, output) =>
        answers.reduce((sum, answer, at) => (at % margins.length === output ? sum + answer / 6 : sum), 0),
      )
    })
    for (let output = 0; output < margins.length; output++) {
      const wanted = shapleyValues(3, coalition => worths[coalition]![output]!)
      for (const [column, value] of wanted.entries()) {
        near(out[(row * margins.length + output) * 3 + column]!, value, 1e-11, 1e-11, `row ${row}, feature ${column}`)
      }
    }
  }
  for (let output = 0; output < margins.length; output++) {
    near(explainer.bias[output]!, meanOf(direct, background, output), 1e-11, 1e-11, 'bias')
  }
}

function meanOf(direct: ReturnType<typeof pipelinePredictor>, { rows, count }: Background, output: number): number {
  const answers = new Float64Array(count * direct.outputCount)
  direct.predict(rows, count, answers)
  return answers.reduce((sum, answer, at) => (at % direct.outputCount === output ? sum + answer / count : sum), 0)
}

function matrix(random: Random, to: Int32Array): PipelineStep {
  const weights = Float64Array.from({ length: 6 * to.length }, () => random() * 4 - 2)
  return { op: 'matrix', from: FROM, to, weights, bias: Float64Array.from(to, () => random()), rounding }
}

describe('pipelineShap', () => {
  test('explains linear models behind their encoders', () => {
    const random = seededRandom(1)
    const pipeline = pipelineOf([matrix(random, ids(20, 21))], ids(20, 21))
    hold(pipeline, ids(20, 21), random)
    assert.equal(pipelineShap(pipeline)!.method, 'linear-shap')
  })

  test('explains forests behind their encoders, each feature as one player', () => {
    for (let seed = 0; seed < 8; seed++) {
      const random = seededRandom(seed)
      const { cover: _, ...forest } = randomForest(random, { features: 6, trees: 5, depth: 5, outputs: 2 })
      const step: PipelineStep = { op: 'forest', forest, from: FROM, to: ids(20, 21) }
      hold(pipelineOf([step], ids(20, 21)), ids(20, 21), random)
      assert.equal(pipelineShap(pipelineOf([step], ids(20, 21))), undefined)
    }
  })

  test('explains sums of forests and numbers, whatever is added and whatever they are divided by', () => {
    const random = seededRandom(3)
    const { cover: _, ...forest } = randomForest(random, { features: 6, trees: 5, depth: 4 })
    const steps: PipelineStep[] = [
      { op: 'forest', forest, from: FROM, to: ids(20) },
      matrix(random, ids(21)),
      { op: 'binary', name: 'divide', left: ids(20), right: ids(4), to: ids(22), rounding },
      { op: 'unary', name: 'neg', from: ids(21), to: ids(23), rounding },
      { op: 'reduce', name: 'mean', from: ids(22, 23, 12, 8), to: ids(24), size: 4, rounding },
      { op: 'unary', name: 'sigmoid', from: ids(24), to: ids(25), rounding },
    ]
    hold(pipelineOf(steps, ids(25)), ids(24), random)
  })

  test('finds the margins behind shares, labels and the other of two', () => {
    const random = seededRandom(4)
    const sums = matrix(random, ids(20, 21))
    const spread = (name: 'softmax' | 'divide-by-l1', from: Int32Array, to: Int32Array): PipelineStep => {
      return { op: 'spread', name, from, to, size: 2, rounding }
    }
    const difference: PipelineStep = {
      op: 'binary',
      name: 'subtract',
      left: ids(21),
      right: ids(20),
      to: ids(30),
      rounding,
    }
    hold(pipelineOf([sums, spread('softmax', ids(20, 21), ids(22, 23))], ids(22, 23)), ids(20, 21), random)
    hold(pipelineOf([sums, difference, spread('softmax', ids(20, 21), ids(22, 23))], ids(23)), ids(30), random)
    const sigmoids: PipelineStep = { op: 'unary', name: 'sigmoid', from: ids(20, 21), to: ids(22, 23), rounding }
    hold(pipelineOf([sums, sigmoids, spread('divide-by-l1', ids(22, 23), ids(24, 25))], ids(25)), ids(21), random)
    const one: PipelineStep = { op: 'unary', name: 'sigmoid', from: ids(20), to: ids(22), rounding }
    const other: PipelineStep = { op: 'binary', name: 'subtract', left: ids(8), right: ids(22), to: ids(23), rounding }
    const negative: PipelineStep = { op: 'unary', name: 'neg', from: ids(20), to: ids(31), rounding }
    hold(pipelineOf([sums, one, other, negative], ids(23)), ids(31), random)
    const label: PipelineStep = {
      op: 'reduce',
      name: 'argmax',
      from: ids(20, 21),
      to: ids(22),
      size: 2,
      rounding: 'whole',
    }
    const named: PipelineStep = {
      op: 'lookup',
      from: ids(22),
      to: ids(23),
      keys: ids(0, 1) as never,
      values: ids(1, 0) as never,
    }
    hold(pipelineOf([sums, label, named], ids(23), { answers: 'class' }), ids(20, 21), random)
    const two: PipelineStep[] = [20, 21].map(from => {
      return { op: 'unary', name: 'sigmoid', from: ids(from), to: ids(from + 2), rounding }
    })
    const all: PipelineStep = { op: 'reduce', name: 'l1', from: ids(22, 23), to: ids(24), size: 2, rounding }
    const shares: PipelineStep = {
      op: 'binary',
      name: 'divide',
      left: ids(22, 23),
      right: ids(24, 24),
      to: ids(25, 26),
      rounding,
    }
    hold(pipelineOf([sums, ...two, all, shares], ids(25, 26)), ids(20, 21), random)
    const scaled: PipelineStep = { op: 'binary', name: 'multiply', left: ids(22), right: ids(4), to: ids(24), rounding }
    const exponential: PipelineStep = { op: 'unary', name: 'exp', from: ids(20), to: ids(22), rounding }
    hold(pipelineOf([sums, exponential, scaled], ids(24)), ids(20), random)
  })

  test('is path-dependent where the forest knows its cover', () => {
    const random = seededRandom(5)
    const forest = randomForest(random, { features: 5, trees: 5, depth: 5 })
    const step: PipelineStep = { op: 'forest', forest, from: FROM.slice(0, 5), to: ids(20) }
    const explainer = explainerOf(pipelineOf([step], ids(20)))!
    assert.equal(explainer.method, 'tree-shap')
    const [out, margin] = [new Float64Array(3), new Float64Array(1)]
    const row = Float64Array.of(1, 2, 3)
    explainer.explain(row, 1, out)
    pipelinePredictor(pipelineOf([step], ids(20)), forestPredictor).predict(row, 1, margin)
    near(
      out.reduce((sum, part) => sum + part, explainer.bias[0]!),
      margin[0]!,
      1e-6, // by kernels
    )
  })

  test('answers NaN where the model does', () => {
    const intake = [{ read: 'whole', missing: -1 } as const, ...pipelineOf([], ids(9)).intake.slice(1)]
    const explainer = pipelineShap(pipelineOf([matrix(seededRandom(1), ids(20))], ids(20), { intake }))!
    const out = new Float64Array(6)
    explainer.explain(Float64Array.of(Number.NaN, 1, 1, 1, 1, 1), 2, out)
    assert.deepEqual(Array.from(out, Number.isNaN), [true, true, true, false, false, false])
  })

  test('has nothing to say of what is no sum', () => {
    const random = seededRandom(6)
    const mixed: PipelineStep = { op: 'binary', name: 'multiply', left: ids(12), right: ids(13), to: ids(20), rounding }
    assert.equal(pipelineShap(pipelineOf([mixed], ids(20))), undefined)
    const norm: PipelineStep = {
      op: 'spread',
      name: 'divide-by-l1',
      from: ids(12, 13),
      to: ids(20, 21),
      size: 2,
      rounding,
    }
    assert.equal(pipelineShap(pipelineOf([norm], ids(20, 21))), undefined)
    const layer: PipelineStep = { op: 'unary', name: 'tanh', from: ids(20, 21), to: ids(22, 23), rounding }
    const last: PipelineStep = { op: 'reduce', name: 'sum', from: ids(22, 23), to: ids(24), size: 2, rounding }
    assert.equal(pipelineShap(pipelineOf([matrix(random, ids(20, 21)), layer, last], ids(24))), undefined)
    const forest = randomForest(random, { features: 1, trees: 5, depth: 5 })
    const behind: PipelineStep = { op: 'forest', forest, from: ids(20), to: ids(21) }
    assert.equal(pipelineShap(pipelineOf([mixed, behind], ids(21))), undefined)
  })
})
