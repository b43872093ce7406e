import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { curves } from './curves.ts'
import { parallel } from './parallel.ts'
import { assertPicture } from './pictures.suite.ts'
import { scatter } from './scatter.ts'

/** Colours of the light theme beside the style, so that a picture can be looked at by itself. */
const HUES = '#0f6d66 #b3541e #3d5a9e #8a3d8f #66751c #b3261e #4f6b7a #8f6b00'.split(' ')
const STYLE = `svg{${HUES.map((hue, at) => `--hue-${at}:${hue}`).join(';')}}${readFileSync(new URL('runs.css', import.meta.url), 'utf8')}`
const names = ['first', 'second', 'third', 'fourth']
const steps = Array.from({ length: 30 }, (_, step) => step)

test('curves of runs, one with a gap, one of a single point', () => {
  const of = (hue: number) => (step: number) => ({
    x: step,
    value: hue === 1 && step > 10 && step < 14 ? Number.NaN : (hue + 1) / (step + 1),
  })
  const all = [0, 1].map(hue => ({ name: names[hue]!, hue, points: steps.map(of(hue)) }))
  const one = { name: 'third', hue: 8, points: [{ x: 12, value: 0.7 }] }
  const faint = { ...all[0]!, isFaint: true, points: steps.map(x => ({ x, value: 0.4 + (x % 3) / 9 })) }
  const options = { width: 520, height: 180, label: 'loss by step', xText: (x: number) => `step ${x}` }
  assertPicture('curves', curves([faint, ...all, one], options), STYLE)
  assertPicture('curves-log', curves(all, { ...options, isLog: true }), STYLE)
  assertPicture('curves-nothing', curves([{ name: 'none', hue: 0, points: [] }], options), STYLE)
})

test('parallel coordinates, with texts and a missing value', () => {
  const axes = [
    { name: 'learning_rate', values: [0.1, 0.01, 0.05, undefined] },
    { name: 'booster', values: ['gbtree', 'dart', 'gbtree', 'gblinear'] },
    { name: 'depth', values: [6, 6, 6, 6] },
    { name: 'auc', values: [0.81, 0.86, 0.84, 0.71] },
  ]
  assertPicture('parallel', parallel(axes, { width: 620, height: 240, label: 'What leads to auc', names }), STYLE)
})

test('a number against another', () => {
  const points = names.map((name, at) => ({ name, x: 10 ** -at, y: 0.7 + at / 20 }))
  assertPicture(
    'scatter',
    scatter(points, { width: 420, height: 220, label: 'auc by rate', xName: 'rate', yName: 'auc' }),
  )
})
