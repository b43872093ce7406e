/** How rows may be divided. */
export const WAYS = [
  'kfold',
  'stratified',
  'group',
  'stratified-group',
  'leave-one-group-out',
  'time-series',
  'purged',
] as const
export type Way = (typeof WAYS)[number]
