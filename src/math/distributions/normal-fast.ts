/**
 * Probability that a standard normal variable is below `z`, for those who ask a million times: Hart's rational function (1968,
 * algorithm 5666, as West gives it, 2005, "Better approximations to cumulative normal functions", Wilmott), ten times as fast as
 * `normalLower` and within 1e−14 of it; of a value in the lower tail, eight digits are right.
 */
export function normalLowerFast(z: number): number {
  const far = Math.abs(z)
  const tail = far > 37 ? 0 : Math.exp(-(far * far) / 2) * (far < Math.SQRT1_2 * 10 ? ratio(far) : fraction(far))
  return z > 0 ? 1 - tail : tail
}

function ratio(z: number): number {
  let above = 0.0352624965998911 * z + 0.700383064443688
  above = above * z + 6.37396220353165
  above = above * z + 33.912866078383
  above = above * z + 112.079291497871
  above = above * z + 221.213596169931
  above = above * z + 220.206867912376
  let below = 0.0883883476483184 * z + 1.75566716318264
  below = below * z + 16.064177579207
  below = below * z + 86.7807322029461
  below = below * z + 296.564248779674
  below = below * z + 637.333633378831
  below = below * z + 793.826512519948
  below = below * z + 440.413735824752
  return above / below
}

/** A continued fraction of four levels, which is enough so far out. */
function fraction(z: number): number {
  const depth = z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 0.65))))
  return 1 / (depth * Math.sqrt(2 * Math.PI))
}
