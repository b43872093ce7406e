import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ModelVersion } from '../registry/version.ts'
import { headlineMetric, judgingOf } from './judging.ts'

const version = (given: Partial<ModelVersion>) =>
  ({
    task: 'binary',
    objective: 'binary:logistic',
    signature: { inputs: [], outputs: [{ name: 'p' }] },
    ...given,
  }) as ModelVersion

describe('judgingOf()', () => {
  it('decides where model.yaml says, else at one half', () => {
    assert.deepEqual(judgingOf(version({})), { task: 'binary', output: 'p', threshold: 0.5, isLogOdds: false })
    const declared = judgingOf(version({ threshold: 0.2, objective: 'binary:logitraw' }))
    assert.deepEqual(declared, { task: 'binary', output: 'p', threshold: 0.2, isLogOdds: true })
  })

  it('judges what has a true value, and nothing else', () => {
    const tasks = ['regression', 'multiclass', 'ranking', 'survival'] as const
    const judged = tasks.map(task => judgingOf(version({ task })).task)
    assert.deepEqual(judged, ['regression', 'multiclass', 'unjudged', 'unjudged'])
    assert.deepEqual(
      tasks.map(task => headlineMetric({ task })),
      ['rmse', 'accuracy', undefined, undefined],
    )
  })
})
