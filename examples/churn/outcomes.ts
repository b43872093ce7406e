/** Posts what became of customers, as a firm does when it learns it. */
import type { Client } from '../../src/client.ts'
import type { Answered } from './traffic.ts'

/** Of one in so many it is not known yet what became of them. */
const UNKNOWN_EVERY = 12

/** Returns how many outcomes were posted. */
export async function postOutcomes(api: Client, answered: readonly Answered[]): Promise<number> {
  const outcomes = answered
    .filter(({ person }, index) => person.left !== undefined && index % UNKNOWN_EVERY !== UNKNOWN_EVERY - 1)
    .map(({ id, person }) => ({ predictionId: id, value: person.left! }))
  if (outcomes.length > 0) await api.json('POST', '/outcomes', outcomes)
  return outcomes.length
}
