/** Models of test/golden/models-made with their answers, and what it means to answer alike. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Forest } from './forest.ts'
import { forestPredictor } from './forest-predictor.ts'
import { loadArtifact } from './load-artifact.ts'
import { loadXgboost } from './load-xgboost.ts'
import { predictorOf } from './model.ts'
import type { MarginPredictor } from './predictor.ts'
import { seekAny } from './seek-leaves.ts'

type Cell = number | string | null
export type Rows = readonly (Cell | readonly Cell[])[]

export interface Answers {
  readonly rows: readonly (readonly Cell[])[]
  readonly margin: Rows
  readonly prediction: Rows
}

interface Made extends Answers {
  readonly params: Readonly<Record<string, unknown>>
}

export interface XgboostMade extends Made {
  readonly objective: string
  readonly model: string
  readonly ubj: string
}

export interface LightgbmMade extends Made {
  readonly text: string
  readonly json: string
  readonly leaf: readonly (readonly number[])[]
}

const GOLDEN = new URL('../../test/golden/', import.meta.url)

export function golden(name: string): Buffer {
  return readFileSync(new URL(name, GOLDEN))
}

export function parsed<T>(name: string): T {
  return JSON.parse(golden(name).toString()) as T
}

export function xgboostMade(version: '2.1' | '3.2'): readonly XgboostMade[] {
  return parsed<{ models: readonly XgboostMade[] }>(`models-made/xgboost_${version}.json`).models
}

export function lightgbmMade(): readonly LightgbmMade[] {
  return parsed<{ models: readonly LightgbmMade[] }>('models-made/lightgbm_4.7.json').models
}

/** What JSON cannot write is a text. */
function flat(cells: Rows): Float64Array {
  return Float64Array.from(cells.flat() as Cell[], cell =>
    cell === null ? Number.NaN : Number(String(cell).replace(/^(-?)inf$/, '$1Infinity')),
  )
}

/** Margins are equal to the bit. e^x may differ from the C library's in the last bits of what the library computes with. */
export function assertAnswers(predictor: MarginPredictor, { rows, margin, prediction }: Answers): void {
  const near = predictor.format.startsWith('lightgbm') ? 4e-16 : 2 ** -22
  const sums = new Float64Array(rows.length * predictor.marginCount)
  predictor.margin(flat(rows), rows.length, sums)
  assert.deepEqual([...sums], [...flat(margin)])
  const answers = new Float64Array(rows.length * predictor.outputCount)
  predictor.predict(flat(rows), rows.length, answers)
  for (const [index, wanted] of flat(prediction).entries()) {
    const isNear = Math.abs(answers[index]! - wanted) <= near * Math.max(1, Math.abs(wanted))
    assert.ok(Object.is(answers[index], wanted) || isNear, `answer ${index}: ${answers[index]} for ${wanted}`)
  }
}

/** The file is recognised, and answered alike by the scalar path and by the kernels. */
export function assertFile(bytes: Uint8Array, answers: Answers): void {
  const model = loadArtifact(bytes)
  assert.ok(model.kind === 'forest' || model.kind === 'linear')
  assertAnswers(predictorOf(model), answers)
  if (model.kind === 'forest') assertAnswers(forestPredictor(model), answers)
}

export function assertXgboost(made: XgboostMade): void {
  const fromJson = loadXgboost(Buffer.from(made.model))
  assert.deepEqual({ ...loadArtifact(Buffer.from(made.ubj, 'hex')), format: 'xgboost-json' }, fromJson)
  assertFile(Buffer.from(made.model), made)
}

export function assertLightgbm(made: LightgbmMade): void {
  for (const file of [made.text, made.json]) {
    assertFile(Buffer.from(file), made)
    assertLeaves(loadArtifact(Buffer.from(file)) as Forest, made.rows, made.leaf)
  }
}

/** Leaves have other numbers here: each of ours is one of theirs. */
export function assertLeaves(forest: Forest, rows: Answers['rows'], wanted: LightgbmMade['leaf']): void {
  const seek = seekAny(forest)
  const single = forest.precision === 'float32'
  const leaves = new Int32Array(forest.roots.length)
  const names = Array.from(forest.roots, () => new Map<number, number>())
  for (const [row, numbers] of wanted.entries()) {
    seek(single ? flat(rows[row]!).map(Math.fround) : flat(rows[row]!), leaves)
    for (const [tree, number] of numbers.entries()) {
      assert.equal(names[tree]!.get(leaves[tree]!) ?? number, number, `row ${row}, tree ${tree}`)
      names[tree]!.set(leaves[tree]!, number)
    }
  }
  for (const byNode of names) assert.equal(new Set(byNode.values()).size, byNode.size)
}
