/** Against what LightGBM answers, to the bit of the margins: every objective, booster and kind of split; from text and JSON. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Forest } from './forest.ts'
import { forestPredictor } from './forest-predictor.ts'
import { loadArtifact } from './load-artifact.ts'
import { predictorOf } from './model.ts'
import type { MarginPredictor } from './predictor.ts'
import { seekAny } from './seek-leaves.ts'

type Cell = number | string | null
type Rows = readonly (readonly Cell[])[]

interface Answers {
  readonly rows: Rows
  readonly margin: Float64Array
  readonly prediction: Float64Array
}

interface Made {
  readonly params: Readonly<Record<string, unknown>>
  readonly text: string
  readonly json: string
  readonly rows: Rows
  readonly prediction: Rows
  readonly margin: Rows
  readonly leaf: readonly (readonly number[])[]
}

const GOLDEN = new URL('../../test/golden/', import.meta.url)

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, GOLDEN), 'utf8')) as T
}

function flat(cells: readonly (Cell | readonly Cell[])[]): Float64Array {
  return Float64Array.from(cells.flat() as Cell[], cell =>
    cell === null ? Number.NaN : Number(String(cell).replace(/^(-?)inf$/, '$1Infinity')),
  )
}

/** e^x may differ from the C library's in the last bits. */
function assertAnswers(predictor: MarginPredictor, { rows, margin, prediction }: Answers): void {
  const got = new Float64Array(margin.length)
  predictor.margin(flat(rows), rows.length, got)
  assert.deepEqual([...got], [...margin])
  const answers = new Float64Array(prediction.length)
  predictor.predict(flat(rows), rows.length, answers)
  for (const [index, wanted] of prediction.entries()) {
    const off = Math.abs(answers[index]! - wanted)
    assert.ok(
      Object.is(answers[index], wanted) || off <= 4e-16 * Math.max(1, Math.abs(wanted)),
      `answer ${index}: ${answers[index]} for ${wanted}`,
    )
  }
}

/** Leaves in the order in which a tree's are met from its root, left side first: LightGBM numbers them otherwise. */
function assertLeaves(forest: Forest, rows: Rows, wanted: readonly (readonly number[])[]): void {
  const seek = seekAny(forest)
  const leaves = new Int32Array(forest.roots.length)
  const names = Array.from(forest.roots, () => new Map<number, number>())
  for (const [row, numbers] of wanted.entries()) {
    seek(flat(rows[row]!), leaves)
    for (const [tree, number] of numbers.entries()) {
      const known = names[tree]!.get(leaves[tree]!) ?? number
      assert.equal(known, number, `row ${row}, tree ${tree}`)
      names[tree]!.set(leaves[tree]!, number)
    }
  }
  for (const byNode of names) assert.equal(new Set(byNode.values()).size, byNode.size)
}

describe('LightGBM: kinds of models', () => {
  const made = read<{ models: readonly Made[] }>('models-made/lightgbm_4.7.json')
  for (const one of made.models) {
    test(JSON.stringify(one.params), () => {
      const answers = { rows: one.rows, margin: flat(one.margin), prediction: flat(one.prediction) }
      for (const file of [one.text, one.json]) {
        const forest = loadArtifact(Buffer.from(file))
        assert.ok(forest.kind === 'forest')
        assertAnswers(forestPredictor(forest), answers)
        assertAnswers(predictorOf(forest), answers)
        assertLeaves(forest, one.rows, one.leaf)
      }
    })
  }

  for (const name of ['binary', 'categorical', 'multiclass', 'regression', 'zero_as_missing']) {
    test(`golden ${name}`, () => {
      const golden = read<{ rows: Rows; raw_score: Rows; prediction: Rows; leaf: number[][] }>(`model_lgb_${name}.json`)
      const forest = loadArtifact(readFileSync(new URL(`models/lgb_${name}.txt`, GOLDEN)))
      assert.ok(forest.kind === 'forest')
      const answers = { rows: golden.rows, margin: flat(golden.raw_score), prediction: flat(golden.prediction) }
      assertAnswers(forestPredictor(forest), answers)
      assertAnswers(predictorOf(forest), answers)
      assertLeaves(forest, golden.rows, golden.leaf)
    })
  }
})
