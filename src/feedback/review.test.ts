import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../errors.ts'
import type { ChangeRecord } from '../ledger/record.ts'
import { reviewsOf } from './review.ts'

const CHANGES: readonly ChangeRecord[] = [
  { detail: { verdict: 'agree' } },
  { detail: { verdict: 'value', value: true, sealedComment: 'open' } },
  { detail: { verdict: 'disagree', sealedComment: 'erased' } },
  { detail: {}, action: 'prediction:other' },
  { detail: { verdict: 'disagree', sealedComment: 'damaged' } },
].map((more, index) => {
  const common = { kind: 'change', id: `r${index}`, at: index, actor: 'key:1', target: 'prediction:p' } as const
  return { ...common, action: 'prediction:reviewed', ...more }
})

function shown(changes: readonly ChangeRecord[]) {
  return reviewsOf(
    {
      ledger: {
        append: () => Promise.reject(new Error('nothing is written')),
        find: async () => undefined,
        changesTo: async target => (target === 'prediction:p' ? [...changes] : []),
      },
      seals: {
        open: () => Promise.reject(new Error('nothing is sealed')),
        unseal: async (sealed, { id, subject }) => {
          if (sealed === 'open') return JSON.stringify({ comment: `${id} of ${subject}` })
          throw new Problem(sealed === 'erased' ? 'not_found' : 'corrupt', `Cannot unseal: ${sealed}`)
        },
      },
    },
    { id: 'p', subject: 's' },
  )
}

test('reviews are told in order, comments opened, and erased ones said to be erased', async () => {
  const common = (index: number) => ({ id: `r${index}`, at: index, reviewer: 'key:1' })
  assert.deepEqual(await shown(CHANGES.slice(0, 4)), [
    { ...common(0), verdict: 'agree' },
    { ...common(1), verdict: 'value', value: true, comment: 'r1 of s' },
    { ...common(2), verdict: 'disagree', erased: true },
  ])
})

test('a comment that is damaged is told as that', async () => {
  await assert.rejects(shown(CHANGES), { code: 'corrupt' })
})
