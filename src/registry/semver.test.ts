import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareSemver, isSemver } from './semver.ts'

test('isSemver() takes what semver.org takes', () => {
  const good = [
    '0.0.0',
    '1.2.3',
    '10.20.30',
    '1.0.0-alpha.1',
    '1.0.0-0A.is.legal',
    '1.0.0+build.01',
    '1.0.0-rc.1+b-1',
    '1.0.0--',
  ]
  for (const text of good) assert.ok(isSemver(text), text)
  const bad = [
    '1',
    '1.2',
    '1.2.3.4',
    '01.0.0',
    '1.0.0-01',
    'v1.0.0',
    '1.0.0-',
    '1.0.0+',
    '1.0.0 ',
    '',
    '1.0.0-a..b',
    `1.0.0-${'a'.repeat(100)}`,
  ]
  for (const text of bad) assert.ok(!isSemver(text), text)
})

test('compareSemver() follows the order of §11', () => {
  const ascending = [
    '0.9.9',
    '1.0.0-1',
    '1.0.0-2',
    '1.0.0-10',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.0+a',
    '1.0.0+b',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  ]
  for (let left = 0; left < ascending.length; left++) {
    for (let right = 0; right < ascending.length; right++) {
      assert.equal(
        Math.sign(compareSemver(ascending[left]!, ascending[right]!)),
        Math.sign(left - right),
        `${ascending[left]} ${ascending[right]}`,
      )
    }
  }
})

test('compareSemver() is an order', () => {
  const version = fc
    .stringMatching(/^[0-9]\.[0-9]\.[0-9](-([1-9][0-9]?|[a-z]{1,2})(\.([1-9]|[a-z]))?)?$/)
    .filter(isSemver)
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareSemver(a, b)), -Math.sign(compareSemver(b, a)))
      if (compareSemver(a, b) <= 0 && compareSemver(b, c) <= 0) assert.ok(compareSemver(a, c) <= 0)
      assert.equal(compareSemver(a, b) === 0, a === b)
    }),
  )
})
