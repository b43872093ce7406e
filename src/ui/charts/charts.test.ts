import { test } from 'node:test'
import { beeswarm } from './beeswarm.ts'
import { calibration } from './calibration.ts'
import { dependence } from './dependence.ts'
import { type HeatCell, heatMap } from './heat-map.ts'
import { histogramPair } from './histogram-pair.ts'
import { importanceBars } from './importance-bars.ts'
import { assertPicture } from './pictures.suite.ts'
import { type CountedBin, shownBins } from './shown-bins.ts'
import { sparkline } from './sparkline.ts'
import { timeSeries } from './time-series.ts'
import { waterfall } from './waterfall.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 21, 12)

/** A wave with a step in it: the same numbers for ever. */
function wave(index: number): number {
  return 10 + 4 * Math.sin(index / 3) + (index > 16 ? 6 : 0)
}

const windows = Array.from({ length: 24 }, (_, index) => ({
  from: START + index * HOUR,
  to: START + (index + 1) * HOUR,
  index,
}))

test('a sparkline has gaps where nothing is known', () => {
  const values = [3, 4, 5, Number.NaN, 7, 6, 8, 12, 11, 13]
  assertPicture('sparkline', sparkline(values, { label: 'Predictions' }))
  assertPicture('sparkline-empty', sparkline([], { label: 'Nothing' }))
})

test('lines over time, with a limit and a gap', () => {
  const at = (scale: number) =>
    windows.map(({ from, index }) => ({
      at: from + HOUR / 2,
      value: index === 9 || index === 11 ? Number.NaN : wave(index) * scale,
    }))
  const drawn = timeSeries(
    [
      { name: 'p99', tone: 'main', points: at(1) },
      { name: 'p95', tone: 'second', points: at(0.6) },
      { name: 'p50', tone: 'third', points: at(0.25) },
    ],
    {
      width: 520,
      height: 180,
      from: START,
      to: START + 24 * HOUR,
      label: 'Latency',
      format: value => `${value} ms`,
      limit: { value: 18, text: 'target 18 ms' },
      tips: windows.map(({ from, to, index }) => ({ from, to, text: `window ${index}` })),
    },
  )
  assertPicture('latency', drawn)
})

test('a metric with its interval', () => {
  const points = windows.map(({ from, index }) => {
    const value = 0.8 - (index > 16 ? 0.12 : 0) + 0.01 * Math.sin(index)
    const half = 0.02 + index * 0.002
    return index > 21 ? { at: from, value: Number.NaN } : { at: from, value, low: value - half, high: value + half }
  })
  const drawn = timeSeries([{ name: 'rocAuc', tone: 'main', points }], {
    width: 520,
    height: 180,
    from: START,
    to: START + 24 * HOUR,
    label: 'ROC-AUC',
    format: value => value.toFixed(2),
    range: [0.6, 0.9],
  })
  assertPicture('quality', drawn)
})

test('nothing at all is an empty frame', () => {
  const drawn = timeSeries([{ name: 'traffic', tone: 'main', points: [] }], {
    width: 300,
    height: 120,
    from: START,
    to: START + 6 * HOUR,
    label: 'Traffic',
    format: String,
    filled: true,
  })
  assertPicture('empty', drawn)
})

const RANGES: readonly CountedBin[] = [
  ...Array.from({ length: 128 }, (_, index) => ({
    kind: 'range' as const,
    from: index * index,
    to: (index + 1) * (index + 1),
    reference: 40,
    current: index < 100 ? 4 : 9,
  })),
  { kind: 'above', from: 16_384, reference: 0, current: 60 },
  { kind: 'missing', reference: 12, current: 40 },
]

test('two distributions over values, and what lies outside', () => {
  assertPicture('histogram-values', histogramPair(shownBins(RANGES), { width: 620, height: 240, label: 'Balance' }))
})

test('two distributions over categories', () => {
  const names = ['France', 'Spain', 'Germany']
  const bins = names.map((category, index) => ({
    kind: 'category' as const,
    category,
    reference: 500 - index * 240,
    current: 20 + index * 90,
  }))
  const drawn = histogramPair(shownBins([...bins, { kind: 'other', reference: 0, current: 12 }]), {
    width: 420,
    height: 200,
    label: 'Country',
  })
  assertPicture('histogram-categories', drawn)
})

const HEAT = ['age', 'balance', 'a_feature_with_a_very_long_name', 'num_products'].map((feature, row) => ({
  feature,
  threshold: 0.25,
  cells: windows.map(({ from, to, index }): HeatCell => {
    const value = row === 1 && index > 14 ? 0.02 * (index - 10) : 0.02 + 0.004 * ((index * (row + 3)) % 7)
    if (index < 2) return { from, to, rows: 12, verdict: 'too few', ownVerdict: 'too few' }
    const verdict = value >= 0.25 ? 'drift' : value >= 0.1 ? 'warning' : 'ok'
    return { from, to, rows: 480, value, verdict, ownVerdict: verdict }
  }),
}))
const HEAT_OPTIONS = {
  width: 620,
  from: START,
  to: START + 24 * HOUR,
  label: 'Drift of 4 columns',
  statistic: 'PSI',
  names: 150,
  href: (feature: string) => `/models/churn/drift/${feature}`,
}

test('a heat map of drift, by time and by number of predictions', () => {
  assertPicture('heat-map', heatMap(HEAT, { ...HEAT_OPTIONS, columns: 'time' }))
  const few = HEAT.map(row => ({ ...row, cells: row.cells.slice(10, 18) }))
  assertPicture('heat-map-even', heatMap(few, { ...HEAT_OPTIONS, columns: 'even' }))
})

test('calibration, against the diagonal', () => {
  const bins = Array.from({ length: 10 }, (_, index) => ({
    rows: index === 8 ? 0 : 400 - index * 40,
    meanScore: index / 10 + 0.05,
    positiveShare: (index / 10 + 0.05) ** 1.3,
  }))
  assertPicture('calibration', calibration(bins, { width: 360, height: 260, label: 'Calibration' }))
})

const STEPS = [
  { feature: 'num_products', value: '2', contribution: -0.8488 },
  { feature: 'is_active_member', value: 'no', contribution: 0.3603, tip: 'Is active member (no) raises it' },
  { feature: 'balance', value: '1,200', contribution: -0.2466 },
  { feature: 'age', value: '42', contribution: 0.2331 },
  { feature: 'estimated_salary', value: '50,000', contribution: 0.1878 },
  { feature: 'tenure', contribution: 0.0985 },
  { feature: 'has_cr_card', value: 'yes', contribution: -0.0038 },
]
const WATERFALL = { label: 'What moved it', bias: -1.391, biasText: 'average', marginText: 'this answer' }

test('from the average answer to one of them, step by step', () => {
  assertPicture('waterfall', waterfall(STEPS, { ...WATERFALL, width: 640 }))
  assertPicture('waterfall-narrow', waterfall(STEPS, { ...WATERFALL, width: 330, stepsMax: 4 }))
  assertPicture('waterfall-nothing', waterfall([], { ...WATERFALL, width: 330 }))
})

test('many answers, feature by feature', () => {
  const points = (scale: number, isOrdered: boolean) =>
    Array.from({ length: 60 }, (_, index) => ({
      contribution: scale * Math.sin(index * 1.7) * (index % 5 === 0 ? 0.1 : 1),
      value: String(index),
      ...(isOrdered ? { rank: index / 59 } : {}),
    }))
  const rows = [
    { feature: 'num_products', importance: 0.61, points: points(1, true) },
    { feature: 'a_feature_with_a_very_long_name', importance: 0.3, points: points(-0.4, true) },
    { feature: 'country', importance: 0.01, points: points(0.02, false) },
  ]
  assertPicture('beeswarm', beeswarm(rows, { width: 640, label: 'What moves answers' }))
  const bars = rows.map(({ feature, importance }, index) => ({ feature, importance, mean: importance * (index - 1) }))
  assertPicture('importance', importanceBars(bars, { width: 400, label: 'How much each feature moves answers' }))
})

test('what a feature does, by its value', () => {
  const size = { width: 520, height: 220, label: 'What balance does', feature: 'balance' }
  const numbers = Array.from({ length: 50 }, (_, index) => ({
    value: index * 1000,
    contribution: Math.sin(index / 12),
  }))
  assertPicture('dependence', dependence([...numbers, { contribution: -0.3 }], size))
  const names = ['yes', 'no', 'perhaps'].flatMap((value, at) =>
    Array.from({ length: 12 }, (_, index) => ({ value, contribution: at - 1 + index / 40 })),
  )
  assertPicture('dependence-categories', dependence(names, { ...size, width: 330 }))
  assertPicture('dependence-one', dependence([{ value: 3, contribution: 0 }], size))
})
