import assert from 'node:assert/strict'
import { it } from 'node:test'
import { golden, near } from '../golden.suite.ts'
import { demographicParity, equalizedOdds, equalOpportunity, groupRates } from './fairness.ts'

interface Case {
  readonly group: readonly string[]
  readonly y: readonly number[]
  readonly pred: readonly number[]
  readonly by_group: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly demographic_parity_difference: number
  readonly demographic_parity_ratio: number
  readonly equalized_odds_difference: number
  readonly equalized_odds_ratio: number
  readonly equal_opportunity_difference: number
  readonly equal_opportunity_ratio: number
}

it('tells rates and differences of groups as Fairlearn does', () => {
  const { cases } = golden<{ readonly cases: readonly Case[] }>('fairness')
  assert.ok(cases.length > 0)
  for (const each of cases) {
    const names = [...new Set(each.group)].sort()
    const numbers = each.group.map(name => names.indexOf(name))
    const rates = groupRates(each.y, each.pred, numbers, names.length)
    for (const [at, name] of names.entries()) {
      near(rates[at]!.rows, each.by_group['count']![name]!, 0)
      near(rates[at]!.selectionRate, each.by_group['selection_rate']![name]!, 1e-12)
      near(rates[at]!.truePositiveRate, each.by_group['tpr']![name]!, 1e-12)
      near(rates[at]!.falsePositiveRate, each.by_group['fpr']![name]!, 1e-12)
      near(rates[at]!.accuracy, each.by_group['accuracy']![name]!, 1e-12)
      near(rates[at]!.precision, each.by_group['precision']![name]!, 1e-12)
    }
    near(demographicParity(rates)!.difference, each.demographic_parity_difference, 1e-12)
    near(demographicParity(rates)!.ratio, each.demographic_parity_ratio, 1e-12)
    near(equalOpportunity(rates)!.difference, each.equal_opportunity_difference, 1e-12)
    near(equalOpportunity(rates)!.ratio, each.equal_opportunity_ratio, 1e-12)
    near(equalizedOdds(rates)!.difference, each.equalized_odds_difference, 1e-12)
    near(equalizedOdds(rates)!.ratio, each.equalized_odds_ratio, 1e-12)
  }
})

it('has no difference of one group, and leaves out rates that do not exist', () => {
  assert.equal(demographicParity(groupRates([1, 0], [1, 0], [0, 0], 1)), undefined)
  const rates = groupRates([1, 0, 0], [1, 0, 1], [0, 1, 1], 2)
  assert.ok(Number.isNaN(rates[1]!.truePositiveRate))
  assert.equal(equalOpportunity(rates), undefined)
  assert.deepEqual(demographicParity(rates), { difference: 0.5, ratio: 0.5 })
})
