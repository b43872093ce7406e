/** A small model and files of rows for the tests of this folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadArtifact } from '../../predictor/load-artifact.ts'
import type { Model } from '../../predictor/model.ts'
import type { Signature } from '../../registry/signature.ts'
import type { ScoreJob } from './score-file.ts'

const none = { nullable: true, sensitive: false, protected: false } as const

/** Risk 1 for an age from 40 on, else 0; 0.25 more from Bergen; missing is young and from elsewhere. */
export const SIGNATURE: Signature = {
  inputs: [
    { name: 'age', type: 'integer', minimum: 0, ...none },
    { name: 'active', type: 'boolean', ...none },
    { name: 'city', type: 'string', categories: ['Oslo', 'Bergen'], ...none },
    { name: 'balance', type: 'number', ...none },
  ],
  outputs: [{ name: 'risk', type: 'number' }],
}

export function riskOf(age: number | null, city: string | null): number {
  return (age !== null && age >= 40 ? 1 : 0) + (city === 'Bergen' ? 0.25 : 0)
}

export function smallModel(): Model {
  const columns = {
    split_type: [0, 0, 0],
    categories: [],
    categories_nodes: [],
    categories_segments: [],
    categories_sizes: [],
  }
  const stump = (feature: number, split: number, right: number): object => ({
    ...columns,
    left_children: [1, -1, -1],
    right_children: [2, -1, -1],
    split_indices: [feature, 0, 0],
    split_conditions: [split, 0, right],
    default_left: [1, 0, 0],
    tree_param: { num_nodes: '3', size_leaf_vector: '1' },
  })
  const model = {
    learner: {
      attributes: {},
      feature_names: SIGNATURE.inputs.map(({ name }) => name),
      feature_types: [],
      gradient_booster: {
        name: 'gbtree',
        model: {
          gbtree_model_param: { num_trees: '2' },
          tree_info: [0, 0],
          trees: [stump(0, 40, 1), stump(2, 0.5, 0.25)],
        },
      },
      learner_model_param: { base_score: '0', num_class: '0', num_feature: '4' },
      objective: { name: 'reg:squarederror' },
    },
    version: [3, 2, 0],
  }
  return loadArtifact(new TextEncoder().encode(JSON.stringify(model)))
}

export function folderOf(t: TestContext, files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-batch-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

export function jobOf(folder: string, input: string, output: string, more: Partial<ScoreJob> = {}): ScoreJob {
  return {
    input: join(folder, input),
    output: join(folder, output),
    rejected: join(folder, `${output}.rejected`),
    model: smallModel(),
    signature: SIGNATURE,
    version: { model: 'small', version: '1.0.0', artifact: 'a' },
    threads: 2,
    how: 'new',
    signal: new AbortController().signal,
    timer: () => performance.now(),
    onProgress: () => {},
    ...more,
  }
}
