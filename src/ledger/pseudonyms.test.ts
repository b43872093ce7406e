import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { pseudonyms } from './pseudonyms.ts'

const derive = (purpose: string) => Buffer.from(`key of ${purpose}`)

test('pseudonyms() are the HMAC-SHA256 of the id, cut to 16 bytes, whether remembered or not', () => {
  const { subject } = pseudonyms(derive)
  const expected = (id: string) =>
    createHmac('sha256', derive('pseudonym/subject')).update(id).digest().subarray(0, 16).toString('base64url')
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 12_000; n++) assert.equal(subject(`customer-${n}`), expected(`customer-${n}`))
  }
})

test('pseudonyms() of a subject and of a unit with the same id do not link, nor do those of another ledger', () => {
  const here = pseudonyms(derive)
  const elsewhere = pseudonyms(purpose => Buffer.from(`other key of ${purpose}`))
  assert.notEqual(here.subject('a'), here.unit('a'))
  assert.notEqual(here.subject('a'), elsewhere.subject('a'))
  assert.notEqual(here.subject('a'), here.subject('b'))
})
