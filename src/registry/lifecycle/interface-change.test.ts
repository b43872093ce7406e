import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Feature, Output } from '../signature.ts'
import { type Interface, interfaceChanges, levelOf } from './interface-change.ts'

const AGE: Feature = {
  name: 'age',
  type: 'integer',
  minimum: 18,
  maximum: 99,
  nullable: false,
  sensitive: false,
  protected: false,
}
const LAND: Feature = { ...AGE, name: 'land', type: 'string', categories: ['fr', 'es'] }
const CHANCE: Output = { name: 'probability', type: 'number', minimum: 0, maximum: 1 }
const USES: Interface['uses'] = { permitted: [], prohibited: [], required: false }

function interfaceOf(inputs: readonly Partial<Feature>[], outputs: readonly Output[] = [CHANCE]): Interface {
  const { minimum: _, maximum: __, ...bare } = AGE
  return { task: 'binary', uses: USES, signature: { inputs: inputs.map(each => ({ ...bare, ...each })), outputs } }
}

const [OLD, LIMITED] = [interfaceOf([AGE, LAND]), interfaceOf([AGE])]

const CASES: readonly [string, Interface, Interface, string, string][] = [
  ['nothing', OLD, OLD, 'patch', ''],
  ['a feature is gone', OLD, LIMITED, 'major', 'inputs.land is gone'],
  [
    'a feature is new, even one that may be null',
    LIMITED,
    interfaceOf([AGE, { name: 'x', nullable: true }]),
    'major',
    'inputs.x is new',
  ],
  ['another order', OLD, interfaceOf([LAND, AGE]), 'major', 'inputs are in another order'],
  [
    'narrower limits',
    LIMITED,
    interfaceOf([{ ...AGE, minimum: 21 }]),
    'major',
    'inputs.age takes no longer values below 21',
  ],
  ['wider limits', LIMITED, interfaceOf([{ ...AGE, maximum: 120 }]), 'minor', 'inputs.age takes values above 99, too'],
  ['no limits any more', LIMITED, interfaceOf([{}]), 'minor', 'inputs.age takes values below 18, values above 99, too'],
  ['fractions', LIMITED, interfaceOf([{ ...AGE, type: 'number' }]), 'minor', 'inputs.age takes fractions, too'],
  [
    'no booleans',
    interfaceOf([{ type: 'numeric' }]),
    interfaceOf([{ type: 'number' }]),
    'major',
    'inputs.age takes no longer true and false',
  ],
  ['null', LIMITED, interfaceOf([{ ...AGE, nullable: true }]), 'minor', 'inputs.age takes null, too'],
  [
    'a category fewer',
    OLD,
    interfaceOf([AGE, { ...LAND, categories: ['fr'] }]),
    'major',
    'inputs.land takes no longer "es"',
  ],
  ['categories in another order', OLD, interfaceOf([AGE, { ...LAND, categories: ['es', 'fr'] }]), 'patch', ''],
  [
    'another unit',
    interfaceOf([{ unit: 'EUR' }]),
    interfaceOf([{ unit: 'kEUR' }]),
    'major',
    'inputs.age was in EUR, is in kEUR',
  ],
  [
    'one more output',
    OLD,
    interfaceOf([AGE, LAND], [CHANCE, { name: 'label', type: 'string' }]),
    'minor',
    'outputs.label is answered, too',
  ],
  ['an output fewer', OLD, interfaceOf([AGE, LAND], []), 'major', 'outputs.probability is not answered any more'],
  [
    'an output beyond its limits',
    OLD,
    interfaceOf([AGE, LAND], [{ ...CHANCE, maximum: 100 }]),
    'major',
    'outputs.probability may now be among values above 1',
  ],
  ['another task', OLD, { ...OLD, task: 'regression' }, 'major', 'task was binary, is regression'],
  [
    'a purpose withdrawn',
    { ...OLD, uses: { ...USES, permitted: ['a', 'b'] } },
    { ...OLD, uses: { ...USES, permitted: ['a'] } },
    'major',
    'uses.permitted has no longer b',
  ],
  ['purposes listed', OLD, { ...OLD, uses: { ...USES, permitted: ['a'] } }, 'major', 'uses.permitted is only a now'],
  ['all purposes', { ...OLD, uses: { ...USES, permitted: ['a'] } }, OLD, 'minor', 'uses.permitted is any purpose now'],
  ['a purpose to be said', OLD, { ...OLD, uses: { ...USES, required: true } }, 'major', 'uses.required is true now'],
]

for (const [name, before, after, level, says] of CASES) {
  test(`${name}: ${level}`, () => {
    const changes = interfaceChanges(before, after)
    assert.equal(levelOf(changes), level)
    const [first] = changes
    assert.ok(
      (first === undefined ? '' : `${first.field} ${first.says}`).startsWith(says),
      `${first?.field} ${first?.says}`,
    )
  })
}
