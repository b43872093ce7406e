import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cleanLines, withoutSecrets } from './clean-lines.ts'

/** What comes out where the text comes in pieces of these sizes. */
function cleaned(text: string, secrets: readonly string[], sizes: readonly number[]): string {
  const lines = cleanLines(secrets)
  const bytes = Buffer.from(text)
  let out = ''
  let at = 0
  for (let piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length] ?? 1
    out += lines.push(bytes.subarray(at, at + size))
    at += size
  }
  return out + lines.end()
}

test('however it is cut, what comes out is the same, and no secret is in it', () => {
  const word = fc.constantFrom('epoch', 'open-sesame', 'é', '\n', '\r\n', ' ', 'token: Bearer abcdefgh', 'sesame')
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (words, sizes) => {
        const text = words.join('')
        const out = cleaned(text, ['open-sesame'], sizes)
        assert.equal(out, cleaned(text, ['open-sesame'], [text.length + 1]))
        assert.doesNotMatch(out, /open-sesame|abcdefgh/)
      },
    ),
    { numRuns: 200 },
  )
})

test('a private key over several lines is left out, and what follows is told', () => {
  const key = '-----BEGIN PRIVATE KEY-----\nMIIabc\ndef\n-----END PRIVATE KEY-----\nafter\n'
  assert.equal(cleaned(key, [], [7]), '[redacted]after\n')
})

test('a secret across the place where a long line is cut is not told', () => {
  const text = `${'x'.repeat(65_530)}open-sesame${'y'.repeat(70_000)}\n`
  assert.doesNotMatch(cleaned(text, ['open-sesame'], [50_000]).replaceAll('\n', ''), /open-|sesame/)
})

test('short values are no secrets worth a log full of holes', () => {
  assert.equal(withoutSecrets('a b c', ['b']), 'a b c')
  assert.equal(withoutSecrets('long long-er', ['long', 'long-er']), '[redacted] [redacted]')
})
