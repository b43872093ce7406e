import type { Command, CommandContext } from '../../platform/command.ts'
import type { ColumnFacts, Comparison, DataDifference, Difference, MetricDifference, MetricSource } from './compare.ts'

type Terminal = CommandContext['terminal']

export const compareCommand: Command = {
  path: 'model compare',
  summary: 'What another version changes: for callers, in quality, in the artifact and the data behind it',
  args: [
    { name: 'model', summary: 'Name of the model', completes: 'model' },
    { name: 'before', summary: 'A version or an alias' },
    { name: 'after', summary: 'Another one' },
  ],
  examples: [{ line: 'bellwether model compare churn champion 1.1.0', does: 'before it takes the place' }],
  run: async ({ api, args, terminal }) => {
    const [model, before, after] = ['model', 'before', 'after'].map(name => encodeURIComponent(args[name] ?? ''))
    const path = `/models/${model}/versions/${before}/compare/${after}`
    const told = await (await api()).json<Comparison>('GET', path)
    terminal.result(told, () => comparisonText(told, terminal))
    return undefined
  },
}

function comparisonText(told: Comparison, terminal: Terminal): string {
  const { model, before, after, level, changes, metrics, facts, data, note } = told
  const head = `${model}: from ${before} to ${after} is a ${level} step for callers`
  const lines = changes.map(change => `  ${change.level.padEnd(5)}  ${change.field} ${change.says}`)
  const table = (title: string, rows: readonly Difference<number | string>[]): string[] =>
    rows.length === 0
      ? []
      : [
          '',
          terminal.table(
            [title, before, after],
            rows.map(each => [each.name, each.before, each.after]),
          ),
        ]
  const columns = data.map(each => ({
    name: each.name + distanceText(each),
    ...(each.before === undefined ? {} : { before: columnText(each.before) }),
    ...(each.after === undefined ? {} : { after: columnText(each.after) }),
  }))
  const noted = note === undefined ? [] : ['', `Nothing is said of the training data: ${note}`]
  return [
    head,
    ...lines,
    ...table('metric', metrics.map(metricTexts)),
    ...table('fact', facts),
    ...table('training data', columns),
    ...noted,
  ].join('\n')
}

/** Measured numbers stand alone: what somebody only stated is marked. */
function metricTexts({ name, before, after, beforeIs, afterIs }: MetricDifference): Difference<number | string> {
  const text = (value: number, is: MetricSource | undefined) => (is === 'stated' ? `${value} (stated)` : value)
  return {
    name,
    ...(before === undefined ? {} : { before: text(before, beforeIs) }),
    ...(after === undefined ? {} : { after: text(after, afterIs) }),
  }
}

function distanceText({ distance }: DataDifference): string {
  if (distance === undefined) return ''
  const { psi, ks } = distance
  return ` (PSI ${psi.toFixed(3)}${ks === undefined ? '' : `, KS ${ks.toFixed(3)}`})`
}

function columnText({ missing, median, minimum, maximum, mode }: ColumnFacts): string {
  const gaps = missing === 0 ? '' : `, ${(missing * 100).toFixed(1)}% missing`
  const says =
    median === undefined
      ? mode === undefined
        ? 'empty'
        : `mostly ${mode}`
      : `${minimum} to ${maximum}, median ${median}`
  return `${says}${gaps}`
}
