/** What the commands' help and what they do agree on. */

/** Exit status where a target is missed: none of the table of errors. */
export const MISSED = 1
/** Exit status where a deployment is not well. */
export const NOT_WELL = 1
/** Models that a smoke test asks, unless it is told to ask all. */
export const MODELS_USUAL = 20
