import assert from 'node:assert/strict'
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { temporaryFolder } from '../platform/temporary.suite.ts'
import { canonical } from './canonical.ts'
import { type IndexedFile, journalIndex } from './journal-index.ts'
import { lineBytesMax, writeLine } from './journal-line.ts'

interface Made {
  readonly kind: string
  readonly [member: string]: unknown
}

const id = fc.integer({ min: 0, max: 5 }).map(number => `ü${number}`)
const record: fc.Arbitrary<Made> = fc.oneof(
  fc.record({ kind: fc.constant('prediction'), id, subject: id, at: fc.nat(9), model: id, version: id }),
  fc.record({
    kind: fc.constant('prediction'),
    id,
    at: fc.nat(9),
    model: id,
    version: id,
    outputs: fc.constant({ p: 0.5 }),
  }),
  fc.record({ kind: fc.constant('outcome'), id, predictionId: id, model: id, value: fc.boolean() }),
  fc.record({ kind: fc.constant('refusal'), id, code: fc.constant('"kind":"outcome"') }),
)

function append(path: string, records: readonly Made[]): void {
  for (const made of records) {
    const text = canonical(made)
    const buffer = Buffer.alloc(lineBytesMax(text))
    appendFileSync(path, buffer.subarray(0, writeLine(text, buffer, 0)))
  }
}

function found(files: readonly IndexedFile[]): unknown {
  return files.map(({ predictions, outcomes, byId, bySubject, newest }) => ({
    ...{ predictions, outcomes, newest: [...newest] },
    ...{ byId: [...byId], bySubject: [...bySubject] },
  }))
}

test('read bit by bit, a journal says what it says at once', async t => {
  const folder = temporaryFolder(t)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(record, { maxLength: 6 }), { minLength: 1, maxLength: 6 }), async parts => {
      const path = join(folder, 'file')
      rmSync(path, { force: true })
      appendFileSync(path, '')
      const index = journalIndex()
      let count = 0
      for (const part of parts) {
        append(path, part)
        count += part.length
        const file = { path, first: 100, count }
        assert.deepEqual(found(await index.read([file])), found(await journalIndex().read([file])))
      }
      const all = parts.flat()
      const [file] = await index.read([{ path, first: 100, count }])
      const positions = (kind: string) => all.flatMap((made, place) => (made.kind === kind ? [100 + place] : []))
      assert.deepEqual(
        file?.predictions.map(({ position }) => position),
        positions('prediction'),
      )
      assert.deepEqual(
        file?.outcomes.map(({ position }) => position),
        positions('outcome'),
      )
      for (const [predictionId, { value }] of file?.newest ?? []) {
        assert.equal(
          value,
          all.findLast(made => made.kind === 'outcome' && made['predictionId'] === predictionId)?.['value'],
        )
      }
    }),
  )
})

test('what is damaged is told, and to those who asked for it only', async t => {
  const path = join(temporaryFolder(t), 'file')
  append(path, [{ kind: 'outcome', id: 'a', predictionId: 'b', value: 1 }])
  appendFileSync(path, 'not a line\n')
  const index = journalIndex()
  const whole = index.read([{ path, first: 0, count: 2 }])
  const good = index.read([{ path, first: 0, count: 1 }])
  await assert.rejects(whole, { code: 'corrupt' })
  assert.equal((await good)[0]?.outcomes.length, 1)
})
