import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureClasses } from './measure-classes.ts'

const TRUTH = Float64Array.of(0, 1, 2, 2)

test('probabilities of each class: the likeliest is called, the first of equals', () => {
  const measured = measureClasses(TRUTH, [
    Float64Array.of(0.5, 0.2, 0.1, 0.4),
    Float64Array.of(0.25, 0.5, 0.1, 0.4),
    Float64Array.of(0.25, 0.3, 0.8, 0.2),
  ])
  assert.equal(measured['accuracy'], 0.75)
  assert.ok(Math.abs(measured['f1_macro']! - (2 / 3 + 1 + 2 / 3) / 3) < 1e-15)
  assert.ok(Math.abs(measured['log_loss']! + (2 * Math.log(0.5) + Math.log(0.8) + Math.log(0.2)) / 4) < 1e-15)
  assert.deepEqual(Object.keys(measured), ['accuracy', 'f1_macro', 'f1_weighted', 'log_loss', 'auc_ovr', 'auc_ovo'])
})

test('classes called: what needs probabilities is left out', () => {
  const measured = measureClasses(TRUTH, [Float64Array.of(0, 1, 1, 3)])
  assert.equal(measured['accuracy'], 0.5)
  assert.deepEqual(Object.keys(measured), ['accuracy', 'f1_macro', 'f1_weighted'])
})

test('a class that no row has: no AUC', () => {
  const halves = [0, 1, 2].map(() => Float64Array.of(1 / 3, 1 / 3))
  assert.deepEqual(Object.keys(measureClasses(Float64Array.of(0, 1), halves)), [
    'accuracy',
    'f1_macro',
    'f1_weighted',
    'log_loss',
  ])
})
