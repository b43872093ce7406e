/** Whom the demo asks about: customers of the simulated bank. `file-population.ts` reads those of a file. */

import type { Signature } from '../../src/registry/signature.ts'
import { ABROAD, type Country, customers, features, HOME } from './bank.ts'
import { matchColumns } from './match-columns.ts'

export interface Person {
  readonly subject: string
  /** The features, as a JSON object. */
  readonly body: string
  /** Whether they left, where it is known. */
  readonly left?: boolean
  /** The probability with which they were to leave: known in a simulation only. */
  readonly trueProbability?: number
}

/** The people from `at` on come from a place that nobody came from before. */
export interface Arrival {
  readonly place: string
  readonly at: number
}

export interface Population {
  /** In the order in which they are asked about. */
  readonly people: readonly Person[]
  /** Absent where the world does not change, as far as anybody knows. */
  readonly arrival?: Arrival
  /** Sentences on how the data was understood. */
  readonly notes: readonly string[]
}

/** New customers of the simulated bank, none of whom the model has seen; from the middle on, of a country it was not made for. */
export function simulated(count: number, signature: Signature): Population {
  const at = Math.ceil(count / 2)
  const people = [...drawn('bank, live, 1', at, HOME), ...drawn('bank, abroad, 1', count - at, [ABROAD])]
  matchColumns(
    signature.inputs.map(({ name }) => name),
    Object.keys(JSON.parse(people[0]!.body) as object),
  )
  return { people, notes: [], ...(at < count && { arrival: { place: ABROAD.name, at } }) }
}

function drawn(seed: string, count: number, countries: readonly Country[]): Person[] {
  const source = customers(seed, countries)
  return Array.from({ length: count }, () => {
    const customer = source.next().value
    return {
      subject: `${customer.country}-${customer.id}`,
      body: JSON.stringify(features(customer)),
      left: customer.churned,
      trueProbability: customer.trueProbability,
    }
  })
}
