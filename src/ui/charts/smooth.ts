/**
 * Exponential mean of what came so far, divided by the weight that there is by then, so that it does not begin at 0 (the bias
 * correction of Kingma and Ba, Adam, 2015, section 3). What is no number has no part in it, and stays.
 *
 * @param weight of what came before: 0 changes nothing; below 1.
 */
export function smooth(values: readonly number[], weight: number): readonly number[] {
  if (weight <= 0) return values
  let mean = 0
  let present = 0
  return values.map(value => {
    if (!Number.isFinite(value)) return value
    mean = weight * mean + (1 - weight) * value
    present = weight * present + (1 - weight)
    return mean / present
  })
}
