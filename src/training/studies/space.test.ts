import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../../errors.ts'
import { type GivenStudy, readStudy, type SamplerKind, type StudyDefinition } from './definition.ts'
import { openHistory } from './history.ts'
import { finishedRow } from './regret.suite.ts'
import { type GivenParameter, judgeSettings, type Settings } from './space.ts'
import { suggest } from './suggest.ts'

const float: GivenParameter = { type: 'float', low: 0, high: 1 }

function problemsOf(given: Partial<GivenStudy>): string[] {
  try {
    readStudy({ name: 'any', space: { x: float }, ...given }, 1)
    return []
  } catch (error) {
    assert.ok(error instanceof Problem && error.code === 'invalid', String(error))
    return error.fields.map(({ field, problem }) => `${field} ${problem}`)
  }
}

test('absurd spaces are refused, each parameter by its name', () => {
  const absurd: [string, unknown, RegExp][] = [
    ['x', { type: 'float', low: 2, high: 1 }, /above high/],
    ['x', { type: 'float', low: Number.NaN, high: 1 }, /finite/],
    ['x', { type: 'float', low: -1.7e308, high: 1.7e308 }, /finite/],
    ['x', { type: 'float', low: 0, high: 1, log: true }, /above 0/],
    ['x', { type: 'float', low: 1, high: 2, log: true, step: 0.1 }, /one of them/],
    ['x', { type: 'float', low: 0, high: 1, step: 0 }, /above 0/],
    ['x', { type: 'float', low: 0, high: 1, step: 1e-300 }, /too small/],
    ['x', { type: 'float', low: 0 }, /no low or no high/],
    ['x', { type: 'float', low: 0, high: 1, choices: [1] }, /choices/],
    ['x', { type: 'int', low: 0.5, high: 3 }, /whole/],
    ['x', { type: 'int', low: 0, high: 2 ** 53 }, /whole/],
    ['x', { type: 'int', low: 0, high: 9, step: 0.5 }, /whole/],
    ['x', { type: 'int', low: 1, high: 9, step: 2, log: true }, /one of them/],
    ['x', { type: 'categorical' }, /no choices/],
    ['x', { type: 'categorical', choices: [] }, /no choices/],
    ['x', { type: 'categorical', choices: ['a', 'a'] }, /twice/],
    ['x', { type: 'categorical', choices: ['a'], low: 0 }, /low/],
    ['x', { ...float, when: { y: 1 } }, /not in the space/],
    ['x', { ...float, when: { x: 1 } }, /float without steps/],
    ['__proto__', float, /no name/],
    ['a b', float, /no name/],
    ['', float, /no name/],
  ]
  for (const [name, parameter, problem] of absurd) {
    const space = JSON.parse(`{${JSON.stringify(name)}: 0}`) as GivenStudy['space']
    Object.defineProperty(space, name, { value: parameter, enumerable: true })
    const found = problemsOf({ space })
    assert.ok(
      found.some(told => told.startsWith(`space.${name} `) && problem.test(told)),
      `${name}: ${found}`,
    )
  }
  assert.match(problemsOf({ space: {} }).join(), /no parameter/)
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`x${i}`, float]))
  assert.match(problemsOf({ space: many }).join(), /at most 200/)
})

test('conditions that can never hold, or hold each other, are refused', () => {
  const kind: GivenParameter = { type: 'categorical', choices: ['a', 'b'] }
  assert.match(problemsOf({ space: { kind, x: { ...float, when: { kind: 'c' } } } }).join(), /cannot be/)
  assert.match(problemsOf({ space: { kind, x: { ...float, when: { kind: [] } } } }).join(), /no value/)
  const ring = { p: { ...kind, when: { q: 'a' } }, q: { ...kind, when: { p: 'a' } } }
  assert.match(problemsOf({ space: ring }).join(), /only when it does itself/)
})

test('samplers and pruners say what they cannot do, and who can', () => {
  const kind: GivenParameter = { type: 'categorical', choices: ['a', 'b'] }
  assert.match(problemsOf({ sampler: 'cma-es', space: { kind } }).join(), /kind is categorical; tpe takes both/)
  const conditional = { n: { type: 'int', low: 0, high: 1 } as const, x: { ...float, when: { n: 1 } } }
  assert.match(problemsOf({ sampler: 'cma-es', space: conditional }).join(), /x is conditional/)
  const objectives = { a: 'minimize', b: 'maximize' } as const
  assert.match(problemsOf({ sampler: 'cma-es', objectives }).join(), /nsga2/)
  assert.match(problemsOf({ pruner: 'median', objectives }).join(), /several/)
  assert.match(problemsOf({ pruner: 'hyperband' }).join(), /no max/)
  assert.match(problemsOf({ pruner: { kind: 'asha', min: 9, max: 3 } }).join(), /below min/)
  assert.match(problemsOf({ pruner: { kind: 'asha', percentile: 3 } }).join(), /does not know/)
  const wide = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`x${i}`, float]))
  assert.match(problemsOf({ sampler: 'sobol', space: wide }).join(), /random has no limit/)
  assert.deepEqual(problemsOf({ sampler: 'random', space: wide }), [])
  assert.deepEqual(problemsOf({ sampler: 'tpe', space: wide }), [])
})

const TREE: GivenStudy['space'] = {
  fixed: { type: 'float', low: 3, high: 3 },
  lr: { type: 'float', low: 1e-5, high: 1, log: true },
  layers: { type: 'int', low: 1, high: 3 },
  width2: { type: 'int', low: 8, high: 512, log: true, when: { layers: [2, 3] } },
  width3: { type: 'int', low: 8, high: 64, step: 8, when: { layers: 3 } },
  optimizer: { type: 'categorical', choices: ['sgd', 'adam', null, true, 2] },
  momentum: { type: 'float', low: 0, high: 0.9, step: 0.1, when: { optimizer: 'sgd' } },
  nesterov: { type: 'categorical', choices: [true, false], when: { optimizer: ['sgd'], momentum: [0.8, 0.9] } },
}

/** Numbers as loss, some failed, some pruned, some running. */
function searched(definition: StudyDefinition, trials: number, several: boolean, by = 'lr'): Settings[] {
  const history = openHistory(definition)
  const points: Settings[] = []
  for (let number = 0; number < trials; number++) {
    const { params, trace } = suggest(definition, history, number)
    points.push(params)
    const loss = number % 7 === 3 ? Infinity : Math.abs(Math.log(Math.abs(params[by] as number)) + 4)
    const row = finishedRow(number, params, trace, several ? [loss, params['layers'] as number] : [loss])
    if (number % 5 === 1) history.expect({ ...row, state: 'running', outcome: null, finished_at: null })
    else if (number % 5 === 2) history.take([{ ...row, state: 'failed', outcome: null }], number + 1)
    else if (number % 5 === 3) {
      history.take([{ ...row, state: 'pruned', outcome: null, last_step: number, last_value: 'NaN' }], number + 1)
    } else history.take([row], number + 1)
  }
  return points
}

test('whatever is known, each point is one that the space has', () => {
  const samplers = fc.constantFrom<SamplerKind>('random', 'sobol', 'tpe', 'nsga2')
  fc.assert(
    fc.property(samplers, fc.nat(), fc.boolean(), (kind, seed, several) => {
      const objectives = several ? ({ a: 'minimize', b: 'minimize' } as const) : ({ a: 'minimize' } as const)
      const sampler = { kind, startup: 5, population: 8 }
      const definition = readStudy({ name: 'tree', space: TREE, objectives, sampler }, seed)
      const points = searched(definition, 40, several)
      for (const params of points) assert.deepEqual(judgeSettings(definition.space, params), [], JSON.stringify(params))
      assert.ok(new Set(points.map(({ layers }) => layers)).size > 1)
    }),
    { numRuns: 30 },
  )
})

test('CMA-ES stays in its space and bears trials that came to nothing', () => {
  const { fixed, lr, layers } = TREE as Record<'fixed' | 'lr' | 'layers', GivenParameter>
  const definition = readStudy({ name: 'line', space: { fixed, lr, layers }, sampler: 'cma-es' }, 3)
  const points = searched(definition, 200, false)
  for (const params of points) assert.deepEqual(judgeSettings(definition.space, params), [])
  const late = points.slice(-20).map(({ lr: rate }) => Math.abs(Math.log(rate as number) + 4))
  assert.ok(Math.max(...late) < 4, `${late}`)
})

test('whatever the ends and the step, what is drawn is a value that the parameter has', () => {
  const end = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  const step = fc.double({ min: 1e-7, max: 1e5, noNaN: true })
  fc.assert(
    fc.property(end, end, fc.option(step, { nil: undefined }), fc.nat(), (a, b, by, seed) => {
      const x = { type: 'float' as const, low: Math.min(a, b), high: Math.max(a, b), ...(by && { step: by }) }
      const definition = readStudy({ name: 'line', space: { x } }, seed)
      for (const params of searched(
        { ...definition, sampler: { ...definition.sampler, startup: 3 } },
        12,
        false,
        'x',
      )) {
        assert.deepEqual(judgeSettings(definition.space, params), [], JSON.stringify(params))
      }
    }),
  )
})
