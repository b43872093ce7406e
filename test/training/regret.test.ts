/** Samplers against the same of another implementation, on equal budgets and as many seeds (`test/golden`). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { golden } from '../../src/math/golden.suite.ts'
import { bestFound, FUNCTIONS, frontVolume, quantile } from '../../src/training/studies/regret.suite.ts'

interface Regrets {
  readonly functions: Readonly<
    Record<string, { readonly tpe_multivariate: { readonly iqr100: readonly [number, number] } }>
  >
}

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed)
const known = { ...golden<Regrets>('hpo_regret').functions, ...golden<Regrets>('hpo_regret_more').functions }

for (const [name, { tpe_multivariate: theirs }] of Object.entries(known)) {
  test(`TPE finds in 100 trials of ${name} what is within their quartiles, or better`, () => {
    const found = SEEDS.map(seed => bestFound('tpe', FUNCTIONS[name]!, 100, seed))
    assert.ok(quantile(found, 0.5) <= theirs.iqr100[1], `median ${quantile(found, 0.5)}, theirs ${theirs.iqr100}`)
  })
}

test('CMA-ES and NSGA-II learn: they find more than chance does', () => {
  const few = SEEDS.slice(0, 7)
  const of = (kind: 'cma-es' | 'random'): number =>
    quantile(
      few.map(seed => bestFound(kind, FUNCTIONS['hartmann6']!, 200, seed)),
      0.5,
    )
  assert.ok(of('cma-es') < of('random') - 0.3, `${of('cma-es')} and ${of('random')}`)
  const { iqr } = golden<{ zdt1: { iqr: readonly [number, number] } }>('hpo_regret_more').zdt1
  const volume = quantile(
    few.map(seed => frontVolume('nsga2', 250, seed)),
    0.5,
  )
  assert.ok(volume >= iqr[0], `volume ${volume}, theirs ${iqr}`)
})

test('the same seed makes the same search', () => {
  for (const kind of ['tpe', 'cma-es', 'random', 'sobol'] as const) {
    const once = (): number => bestFound(kind, FUNCTIONS['branin']!, 30, 3)
    assert.equal(once(), once())
  }
})
