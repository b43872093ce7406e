import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { paintFor, wantsColour } from './paint.ts'
import { progressLine } from './progress-bar.ts'
import { openTerminal } from './terminal.ts'
import { bytesText, durationText, numberText, textTable } from './text-table.ts'
import { cut, padEnd, padStart, plain, widthOf, wrap } from './text-width.ts'

function collecting(
  isTTY: boolean,
  columns = 80,
): { text: string; write(text: string): void; isTTY: boolean; columns: number } {
  return {
    text: '',
    isTTY,
    columns,
    write(text: string): void {
      this.text += text
    },
  }
}

describe('text widths', () => {
  test('are columns, not code units, and colours take none', () => {
    assert.equal(widthOf('abc'), 3)
    assert.equal(widthOf('名前'), 4)
    assert.equal(widthOf('e\u0301'), 1)
    assert.equal(widthOf('\u001b[31mred\u001b[39m'), 3)
  })

  test('cut() and the paddings give what was asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(plain), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        assert.ok(widthOf(cut(text, columns)) <= columns)
        assert.ok(widthOf(padEnd(text, columns)) >= columns)
        if (widthOf(text) <= columns) {
          assert.equal(cut(text, columns), text)
          assert.equal(widthOf(padStart(text, columns)), columns)
        }
      }),
    )
  })

  test('plain() leaves nothing that moves a cursor', () => {
    assert.equal(plain('a\u001b[2Jb\nc\u202ed'), 'a\ufffd[2Jb c\ufffdd')
  })

  test('wrap() keeps every word and the width', () => {
    assert.deepEqual(wrap('one two  three', 7), ['one two', 'three'])
    assert.deepEqual(wrap('incomprehensible a', 4), ['incomprehensible', 'a'])
  })
})

describe('textTable()', () => {
  test('aligns text to the left and numbers to the right', () => {
    const table = textTable(
      ['model', 'rows'],
      [
        ['churn', 12],
        ['credit-risk', 34567],
        ['x', undefined],
      ],
    )
    assert.equal(
      table,
      ['model          rows', 'churn            12', 'credit-risk  34,567', 'x                 –'].join('\n'),
    )
  })

  test('cuts the widest text, never a number, to fit the terminal', () => {
    const table = textTable(['id', 'note', 'n'], [['abc', 'a long note that does not fit', 123456]], { width: 30 })
    for (const line of table.split('\n')) assert.ok(widthOf(line) <= 30, line)
    assert.match(table, /…\s+123,456$/)
  })

  test('every line is as wide as any other or shorter, whatever the cells', () => {
    const cell = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.constant(undefined))
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), rows => {
        const lines = textTable(['a', 'b'], rows).split('\n')
        assert.equal(lines.length, rows.length + 1)
      }),
    )
  })
})

test('numbers, durations and sizes read as people write them', () => {
  assert.deepEqual([0, 9999, 10_000, 0.123456789, 1e-9, 123456.7].map(numberText), [
    '0',
    '9999',
    '10,000',
    '0.123457',
    '1.000e-9',
    '123,457',
  ])
  assert.deepEqual([3.24, 250, 1400, 125_000].map(durationText), ['3.2 ms', '250 ms', '1.4 s', '2 min 5 s'])
  assert.deepEqual([1, 812, 1300, 999_999, 123_456_789].map(bytesText), [
    '1 byte',
    '812 bytes',
    '1.3 kB',
    '1.0 MB',
    '123 MB',
  ])
})

test('colour needs a terminal, and NO_COLOR wins', () => {
  const terminal = collecting(true)
  assert.equal(wantsColour(terminal, {}), true)
  assert.equal(wantsColour(terminal, { NO_COLOR: '1' }), false)
  assert.equal(wantsColour(terminal, { NO_COLOR: '' }), true)
  assert.equal(wantsColour(terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
  assert.equal(wantsColour(terminal, { TERM: 'dumb' }), false)
  assert.equal(wantsColour(collecting(false), {}), false)
  assert.equal(wantsColour(collecting(false), { FORCE_COLOR: '1' }), true)
})

describe('openTerminal()', () => {
  test('prints the result for people, or as JSON and then nothing else', () => {
    const people = { stdout: collecting(false), stderr: collecting(false) }
    const terminal = openTerminal(people, { json: false, env: {} })
    terminal.say('hello')
    terminal.result({ a: 1 }, () => 'a is 1')
    assert.equal(people.stdout.text, 'hello\na is 1\n')
    const programs = { stdout: collecting(true), stderr: collecting(true) }
    const silent = openTerminal(programs, { json: true, env: {} })
    silent.say('hello')
    silent.progress('work', 2).update(1)
    silent.result({ a: 1 }, () => 'a is 1')
    assert.deepEqual(JSON.parse(programs.stdout.text), { a: 1 })
    assert.equal(programs.stderr.text, '')
  })

  test('draws progress at most ten times a second, on standard error, only where somebody watches', () => {
    let at = 0
    const streams = { stdout: collecting(true), stderr: collecting(true) }
    const progress = openTerminal(streams, { json: false, env: {}, now: () => at }).progress('rows', 1000)
    for (let done = 0; done <= 1000; done++) {
      at = done
      progress.update(done)
    }
    progress.end('done')
    assert.equal(streams.stderr.text.split('\r').length - 1, 11 + 1) // at 0, 100 … 1000 ms, and the end
    assert.equal(streams.stdout.text, '')
    const piped = { stdout: collecting(false), stderr: collecting(false) }
    const unseen = openTerminal(piped, { json: false, env: {} }).progress('rows', 1000)
    unseen.update(500)
    unseen.end('done')
    assert.equal(piped.stderr.text, '')
  })
})

test('a line of progress fits its terminal, whatever the numbers', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 200 }),
      fc.nat(),
      fc.option(fc.nat(), { nil: undefined }),
      (columns, done, total) => {
        const state = {
          label: 'sending',
          done,
          elapsedMs: 1000,
          note: '12 k requests/s',
          columns,
          paint: paintFor(false),
        }
        assert.ok(widthOf(progressLine(total === undefined ? state : { ...state, total })) < columns)
      },
    ),
  )
})
