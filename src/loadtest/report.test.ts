import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { serviceTargets } from '../monitoring/service-levels.ts'
import { paintFor } from '../platform/paint.ts'
import { type LoadReport, type LoadSettings, loadReport, type Measured } from './report.ts'
import { reportHtml } from './report-html.ts'
import { latencyText, reportText, sampleText } from './report-text.ts'
import { Tally } from './tally.ts'

const SETTINGS: LoadSettings = {
  url: 'http://127.0.0.1:8080/models/churn/predict',
  model: 'churn',
  version: '1.0.0',
  rate: 100,
  arrivals: 'even',
  connections: 8,
  threads: 1,
  warmUpSeconds: 1,
  timeoutSeconds: 10,
  rows: 1000,
  rowsFrom: 'from <b>"customers"&.csv',
  targetsFrom: '`service` of model.yaml',
}

/** Ten seconds of 100 requests/s of which each took so long; of NaN, it was refused. */
function tallyOf(latencyMs: (second: number, request: number) => number): Tally {
  const tally = new Tally(1000, 11_000)
  for (let i = 0; i < 1000; i++) {
    const dueAt = 1000 + i * 10
    const ms = latencyMs(Math.floor(i / 100), i)
    const sentAt = dueAt + Math.max(0, ms - 5)
    tally.sent(dueAt, 0.02)
    if (Number.isNaN(ms)) tally.answer(dueAt, dueAt, dueAt + 1, 503, '{"detail":"Cannot take more: <i>full</i>"}')
    else tally.answer(dueAt, sentAt, dueAt + ms, 200, '')
  }
  return tally
}

function reportOf(tally: Tally, more: Partial<Measured> = {}): LoadReport {
  return loadReport({
    settings: SETTINGS,
    targets: serviceTargets({ requestsPerSecond: 50 }),
    tally,
    measuredMs: 10_000,
    startedAt: 1_795_000_000_000,
    interrupted: false,
    server: { cpuUs: 35.25, residentBytes: 123_400_000 },
    ...more,
  })
}

/** Quick but for one second of three, in which what is due piles up. */
const stalled = (): Tally =>
  tallyOf((second, request) => {
    if (request % 250 === 7) return Number.NaN
    return second === 4 ? 2 + (100 - (request % 100)) * 9 : 2 + (request % 10) / 10
  })

describe('loadReport()', () => {
  test('tells latency from when a request was due, and from when it was sent', () => {
    const report = reportOf(stalled())
    assert.deepEqual([report.requests, report.answered, report.answeredPerSecond], [1000, 996, 99.6])
    assert.deepEqual(report.errors, { '503': 4 })
    assert.equal(report.errorRate, 0.004)
    const { latencyMs, serviceMs } = report
    assert.equal(latencyMs?.max, 902)
    assert.ok(latencyMs.p50 > 2 && latencyMs.p50 < 3, `${latencyMs.p50}`)
    assert.ok(latencyMs.p99 > 800 && serviceMs!.p99 < 5.1, `${latencyMs.p99} and ${serviceMs!.p99}`)
    assert.equal(report.parts.length, 20)
    assert.equal(
      report.histogram.reduce((sum, { count }) => sum + count, 0),
      996,
    )
    assert.deepEqual(report.curve.at(-1), [1, 902])
    const shares = report.curve.map(([share]) => share)
    assert.deepEqual(
      shares,
      [...new Set(shares)].sort((a, b) => a - b),
    )
  })

  test('judges by the targets, and says why where it cannot', () => {
    const verdicts = (tally: Tally, more: Partial<Measured> = {}): unknown[] =>
      reportOf(tally, more).targets.map(({ name, met }) => [name, met])
    const quick = tallyOf(() => 3)
    const all = [
      ['p99 latency', true],
      ['errors', true],
      ['rate', true],
    ]
    assert.deepEqual(verdicts(quick), all)
    assert.equal(reportOf(quick).met, true)
    assert.deepEqual(verdicts(stalled())[0], ['p99 latency', false])
    assert.equal(reportOf(stalled()).met, false)
    const refused = tallyOf((_, i) => (i % 50 === 0 ? Number.NaN : 3))
    assert.deepEqual(verdicts(refused)[1], ['errors', false])
    assert.deepEqual(verdicts(quick, { targets: serviceTargets({ requestsPerSecond: 200 }) })[2], ['rate', undefined])
    const few = new Tally(0, 10_000)
    for (let i = 0; i < 99; i++) few.answer(i, i, i + 1, 200, '')
    assert.deepEqual(verdicts(few)[0], ['p99 latency', undefined])
  })

  test('an interrupted test has met nothing', () => {
    const report = reportOf(
      tallyOf(() => 3),
      { interrupted: true, measuredMs: 3000 },
    )
    assert.equal(report.met, false)
    assert.match(report.notes.join(), /interrupted/)
    assert.equal(report.parts.length, 6)
  })

  test('says so where nothing was due, where connections lacked, and where the generator was late', () => {
    const none = reportOf(new Tally(0, 1000))
    assert.match(none.notes.join(), /No request was due/)
    assert.deepEqual([none.latencyMs, none.curve, none.targets], [undefined, [], []])
    const tally = new Tally(0, 1000)
    tally.none(1, 'unsent', 10_000)
    for (let i = 0; i < 100; i++) tally.sent(i, 4)
    const { notes, latencyMs } = reportOf(tally)
    assert.equal(latencyMs?.max, 10_000)
    assert.match(notes.join(), /1 requests waited 10 s for one of 8 connections/)
    const late = new Tally(0, 1000)
    for (let i = 0; i < 100; i++) {
      late.sent(i, 4)
      late.answer(i, i + 4, i + 6, 200, '')
    }
    assert.match(reportOf(late).notes.join(), /generator itself was late, sent by up to 4 ms/)
  })

  test('tells a generator that is too slow from a server that is', () => {
    /** Connections lacked for all but the first; each answer took 3 ms, of which so much was ours. */
    const starved = (lagMs: number): LoadReport => {
      const tally = new Tally(0, 1000)
      for (let i = 0; i < 1000; i++) {
        if (i === 0) tally.sent(i, 0)
        else tally.waitedFor(i)
        tally.answer(i, i * 2, i * 2 + 3, 200, '', lagMs)
      }
      tally.none(1, 'unsent', 10_000)
      return reportOf(tally)
    }
    assert.equal(starved(0.05).isGeneratorLate, false)
    assert.match(starved(0.05).notes.join(), /the server does not keep up/)
    assert.equal(starved(2).isGeneratorLate, true)
    assert.match(starved(2).notes.join(), /answers lay unread for 2 of the 3 ms that each took/)
    assert.doesNotMatch(starved(2).notes.join(), /the server does not keep up/)
    const reading = new Tally(0, 1000)
    for (let i = 0; i < 100; i++) {
      reading.sent(i, 0.01)
      reading.answer(i, i, i + 6, 200, '', 3)
    }
    assert.match(reportOf(reading).notes.join(), /late, read answers by up to 3 ms/)
  })
})

/** Held against a committed file, which a reviewer can open: `UPDATE_PICTURES=1` writes it anew. */
function assertPicture(name: string, text: string): void {
  const path = join(import.meta.dirname, 'pictures', name)
  if (process.env['UPDATE_PICTURES'] === '1') writeFileSync(path, text)
  assert.ok(existsSync(path), `There is no picture ${name}: UPDATE_PICTURES=1 makes it`)
  assert.equal(text, readFileSync(path, 'utf8'), `${name} is drawn differently now`)
}

describe('the report', () => {
  const plain = paintFor(false)

  test('for a terminal', () => {
    const text = reportText(reportOf(stalled()), plain)
    assertPicture('report.txt', `${text}\n`)
    for (const line of text.split('\n')) assert.ok(line.length <= 130, line)
  })

  test('for a terminal, of nothing and of failures alone', () => {
    assert.match(reportText(reportOf(new Tally(0, 1000)), plain), /note No request was due/)
    const failed = reportText(reportOf(tallyOf(() => Number.NaN)), plain)
    assert.match(failed, /1000 status 503\n {2}Cannot take more/)
    assert.match(failed, /missed +errors/)
  })

  test('as HTML: one file that asks nobody and runs nothing', () => {
    const html = reportHtml(reportOf(stalled()))
    assertPicture('report.html', html)
    assert.match(html, /from &lt;b&gt;&quot;customers&quot;&amp;.csv/)
    assert.doesNotMatch(html, /<script|<link|<img|@import|url\(|src=|href=|NaN|undefined|Infinity|<i>full/)
    assert.match(html, /default-src 'none'/)
    for (const tally of [new Tally(0, 1000), tallyOf(() => Number.NaN)]) {
      assert.doesNotMatch(reportHtml(reportOf(tally)), /NaN|undefined|Infinity/)
    }
  })

  test('words and units', () => {
    assert.deepEqual([0.0305, 1, 12.345, 999.6, 1234, 0].map(latencyText), [
      '30.5 µs',
      '1 ms',
      '12.3 ms',
      '1 s',
      '1.23 s',
      '0 µs',
    ])
    assert.equal(sampleText('{"detail":"Cannot predict"}'), 'Cannot predict')
    assert.equal(sampleText('{"error":"no"}'), 'no')
    assert.equal(sampleText('<h1>\n Oh\u001b[2J</h1>'), '<h1> Oh\ufffd[2J</h1>')
    assert.equal(sampleText('x'.repeat(500)).length, 201)
  })
})
