/** A report for people, on a terminal. */
import type { Terminal } from '../../platform/terminal.ts'
import { ABOUT, type Check, percent, type Report, shown } from './report.ts'

const MARKS: Readonly<Record<Check['status'], string>> = { passed: 'ok', warned: 'warn', failed: 'FAIL', skipped: '–' }
const WORST_MAX = 5

export function reportText(report: Report, terminal: Pick<Terminal, 'table' | 'paint'>): string {
  const { model, version, passed, counts, metrics, slices, stress, notes } = report
  const verdict = passed ? 'passed' : 'FAILED'
  const { failed, warned, skipped } = counts
  const sections = [
    `${model}@${version} ${verdict}: ${counts.passed} checks passed, ${failed} failed, ${warned} warned, ${skipped} skipped`,
    terminal.table(
      ['metric', 'value', 'low', 'high', 'interval'],
      Object.entries(metrics).map(([name, { value, low, high, method }]) => [
        name,
        shown(value),
        shown(low),
        shown(high),
        method,
      ]),
    ),
    ABOUT.flatMap(about => report.checks.filter(check => check.about === about))
      .map(({ status, says }) => `${MARKS[status].padEnd(5)} ${says}`)
      .join('\n'),
    slices.rows.length === 0 ? '' : `${slices.metric} by slice\n${sliceTable(report, terminal)}`,
    stress.rows.length === 0 ? '' : `What costs ${stress.metric} most\n${stressTable(report, terminal)}`,
    notes.map(note => `Note: ${note}`).join('\n'),
  ]
  return sections.filter(section => section !== '').join('\n\n')
}

function sliceTable({ slices }: Report, { table }: Pick<Terminal, 'table'>): string {
  return table(
    ['column', 'slice', 'rows', slices.metric, 'low', 'high'],
    slices.rows.map(({ column, slice, rows, estimate }) => {
      const told =
        estimate === undefined ? ['too few', '', ''] : [estimate.value, estimate.low, estimate.high].map(shown)
      return [column, slice, rows, ...told]
    }),
  )
}

function stressTable({ stress }: Report, { table }: Pick<Terminal, 'table'>): string {
  const worst = stress.rows.toSorted((a, b) => (b.drop ?? 0) - (a.drop ?? 0)).slice(0, WORST_MAX)
  return table(
    ['data', 'what', 'value', 'lost', 'decisions changed'],
    worst.map(({ kind, what, value, drop, flips }) => [
      kind,
      what,
      value === undefined ? '' : shown(value),
      drop === undefined ? '' : percent(drop),
      flips === undefined ? '' : percent(flips),
    ]),
  )
}
