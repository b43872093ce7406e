import type { Command } from '../../platform/command.ts'
import { WAYS } from './split-ways.ts'

const FOLDS = 5

const option = (name: string, value: string, summary: string, type: 'string' | 'number' = 'string') =>
  ({ name, type, value, summary }) as const

export const splitCommand: Command = {
  path: 'split',
  summary: 'Divide rows into training and test, fold by fold',
  description: `Writes a CSV file with one line a row and one column a fold: train, test, or nothing where the row is left out. Rows are divided as scikit-learn divides them, index by index, seeds included.

kfold: any rows. stratified: classes keep their shares. group, stratified-group: a group is in one fold. leave-one-group-out: each group, such as a country, is the test once. time-series: each test is later than all it is trained on. purged: tests in the order of time, trained on what is before and after, without rows that overlap the test or follow it within the embargo.`,
  args: [{ name: 'file', summary: 'Rows, CSV', completes: 'file' }],
  options: [
    { name: 'by', type: 'string', value: 'WAY', default: 'kfold', completes: WAYS, summary: WAYS.join(', ') },
    {
      name: 'output',
      short: 'o',
      type: 'string',
      value: 'FILE',
      required: true,
      completes: 'file',
      summary: 'Where the folds are written, CSV',
    },
    {
      name: 'folds',
      type: 'number',
      value: 'N',
      default: FOLDS,
      summary: 'How many; leave-one-group-out has one a group',
    },
    option('target', 'COLUMN', 'The classes, of stratified and stratified-group'),
    option('group', 'COLUMN', 'The groups, of group, stratified-group and leave-one-group-out'),
    option(
      'time',
      'COLUMN',
      'When a row was asked: dates or numbers; rows are put in its order, of time-series and purged',
    ),
    option('until', 'COLUMN', 'When it was known what became of it, of purged; without it, at once'),
    option('gap', 'ROWS', 'Rows left out between training and test, of time-series', 'number'),
    option(
      'embargo',
      'AMOUNT',
      'Left out after a test, of purged: in the unit of the time, of dates in days',
      'number',
    ),
    option('test-rows', 'ROWS', 'Rows of each test, of time-series', 'number'),
    option('train-rows', 'ROWS', 'Most rows of each training, the latest ones, of time-series', 'number'),
    option(
      'seed',
      'N',
      'Shuffles, as random_state of scikit-learn; not for leave-one-group-out, time-series, purged',
      'number',
    ),
  ],
  examples: [
    { line: 'bellwether split train.csv --by stratified --target churned --seed 0 -o folds.csv', does: 'five folds' },
    {
      line: 'bellwether split train.csv --by time-series --time signed_at --gap 100 -o folds.csv',
      does: 'the future is the test',
    },
  ],
  run: async context => (await import('./split-rows.ts')).splitRows(context), // reading files is loaded where it is used
}
