import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPmml } from './load-pmml.ts'
import { answer, derived, document, near, refused, schema } from './small-documents.suite.ts'

const X = '<FieldRef field="x"/>'
const OTHERS = `<DataField name="z" optype="continuous" dataType="double"/><DataField name="y" optype="continuous" dataType="double"/>
  <DataField name="c" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/><Value value="N/A" property="missing"/></DataField>`

function field(inside: string, attributes = 'optype="continuous" dataType="double"'): string {
  return `<DataField name="x" ${attributes}>${inside}</DataField>${OTHERS}`
}

function mining(attributes: string): string {
  return `<MiningSchema><MiningField name="y" usageType="target"/><MiningField name="x" ${attributes}/><MiningField name="c" invalidValueTreatment="asIs"/></MiningSchema>`
}

test('formats: pmml: versions 3.0 to 4.4', () => {
  for (const version of ['3_0', '3_2', '4_0', '4_1', '4_2', '4_3', '4_4'])
    near(answer(derived(X, { version }), { x: 2.5 }), 2.5)
  const prefixed = new TextDecoder()
    .decode(derived(X))
    .replace('xmlns=', 'xmlns:p=')
    .replaceAll(/<(\/?)(\w)/g, '<$1p:$2')
  near(answer(new TextEncoder().encode(prefixed), { x: 2.5 }), 2.5)
  const utf16 = Uint8Array.from(
    Buffer.from(`\ufeff${new TextDecoder().decode(derived(X)).replace('UTF-8', 'UTF-16')}`, 'utf16le'),
  )
  near(answer(utf16, { x: 2.5 }), 2.5)
  refused(derived(X, { version: '5_0' }), /its version is "5.0"; supported are 3.0 to 4.4/)
})

test('formats: pmml: DataDictionary: valid, invalid and missing values', () => {
  const fields = field(
    '<Value value="1"/><Value value="2"/><Value value="-9" property="missing"/>',
    'optype="categorical" dataType="integer"',
  )
  const bytes = derived(X, { fields, schema: mining('missingValueReplacement="7"') })
  near(answer(bytes, { x: 1 }), 1)
  near(answer(bytes, { x: -9 }), 7)
  near(answer(bytes, { x: 3 }), Number.NaN)
  near(answer(bytes, { x: null }), 7)
  const without = derived(X, { fields: field('<Value value="5" property="invalid"/>'), schema: mining('') })
  near(answer(without, { x: 5 }), Number.NaN)
  near(answer(without, { x: 5.5 }), 5.5)
})

test('formats: pmml: DataDictionary: texts as categories, unseen ones too', () => {
  const bytes = derived(
    '<MapValues outputColumn="o" dataType="double" defaultValue="-1" mapMissingTo="-2"><FieldColumnPair field="c" column="i"/><InlineTable><row><i>a</i><o>10</o></row></InlineTable></MapValues>',
    { fields: field(''), schema: mining('') },
  )
  assert.deepEqual(readPmml(bytes).categories, [undefined, ['a', 'b', 'N/A']])
  near(answer(bytes, { c: 'a' }), 10)
  near(answer(bytes, { c: 'b' }), -1)
  near(answer(bytes, { c: 'N/A' }), -2)
  near(answer(bytes, { c: null }), -2)
  near(answer(bytes, { c: 'never seen' }), -1)
})

test('formats: pmml: DataDictionary: texts without values: those that the document names', () => {
  const fields = `<DataField name="c" optype="categorical" dataType="string"/><DataField name="y" optype="continuous" dataType="double"/>`
  const own = '<MiningSchema><MiningField name="c"/></MiningSchema>'
  const bytes = derived(
    '<Apply function="if"><Apply function="isIn"><FieldRef field="c"/><Constant dataType="string">u</Constant><Constant dataType="string">v</Constant></Apply><Constant dataType="double">1</Constant><NormDiscrete field="c" value="w"/></Apply>',
    { fields, schema: own },
  )
  assert.deepEqual(readPmml(bytes).categories, [['u', 'v', 'w']])
  near(answer(bytes, { c: 'v' }), 1)
  near(answer(bytes, { c: 'other' }), 0)
})

test('formats: pmml: DataDictionary: intervals and their closures', () => {
  for (const [closure, at2, at5] of [
    ['closedClosed', 2, 5],
    ['openClosed', Number.NaN, 5],
    ['closedOpen', 2, Number.NaN],
    ['openOpen', Number.NaN, Number.NaN],
  ] as const) {
    const bytes = derived(X, {
      fields: field(`<Interval closure="${closure}" leftMargin="2" rightMargin="5"/>`),
      schema: mining(''),
    })
    near(answer(bytes, { x: 2 }), at2)
    near(answer(bytes, { x: 5 }), at5)
    near(answer(bytes, { x: 3 }), 3)
    near(answer(bytes, { x: 6 }), Number.NaN)
  }
})

test('formats: pmml: MiningSchema: invalid values', () => {
  const fields = field('<Interval closure="closedClosed" leftMargin="0" rightMargin="10"/>')
  const of = (attributes: string): number => answer(derived(X, { fields, schema: mining(attributes) }), { x: 11 })
  near(of('invalidValueTreatment="returnInvalid"'), Number.NaN)
  near(of('invalidValueTreatment="asIs"'), 11)
  near(of('invalidValueTreatment="asMissing" missingValueReplacement="4"'), 4)
  near(of('invalidValueTreatment="asMissing"'), Number.NaN)
  near(of('invalidValueTreatment="asValue" invalidValueReplacement="6"'), 6)
})

test('formats: pmml: MiningSchema: missing values', () => {
  near(
    answer(derived(X, { schema: mining('missingValueReplacement="3.5" missingValueTreatment="asMean"') }), { x: null }),
    3.5,
  )
  near(
    answer(derived(X, { schema: mining('missingValueReplacement="3.5" missingValueTreatment="returnInvalid"') }), {
      x: null,
    }),
    Number.NaN,
  )
  near(answer(derived(X, { schema: mining('') }), { x: null }), Number.NaN)
})

test('formats: pmml: MiningSchema: outliers', () => {
  const extreme = derived(X, { schema: mining('outliers="asExtremeValues" lowValue="-1" highValue="1"') })
  near(answer(extreme, { x: 5 }), 1)
  near(answer(extreme, { x: -5 }), -1)
  near(answer(extreme, { x: 0.5 }), 0.5)
  const missing = derived(X, {
    schema: mining('outliers="asMissingValues" lowValue="-1" highValue="1" missingValueReplacement="9"'),
  })
  near(answer(missing, { x: 5 }), 9)
  refused(derived(X, { schema: mining('outliers="asExtremeValues"') }), /neither lowValue nor highValue/)
})

test('formats: pmml: Targets', () => {
  const of = (target: string, x: number | null): number =>
    answer(
      document(
        `<RegressionModel functionName="regression">${schema()}<Targets><Target field="y" ${target}</Targets><RegressionTable intercept="0.25"><NumericPredictor name="x" coefficient="1"/></RegressionTable></RegressionModel>`,
      ),
      { x },
    )
  near(of('rescaleFactor="2" rescaleConstant="-1"/>', 3), 5.5)
  near(of('min="0" max="1"/>', 3), 1)
  near(of('min="0" max="1" rescaleFactor="10"/>', -3), 0)
  near(of('castInteger="round"/>', 3.25), 4)
  near(of('castInteger="floor"/>', 3.5), 3)
  near(of('castInteger="ceiling"/>', 3), 4)
  near(of('><TargetValue defaultValue="8"/></Target>', null), 8)
})

test('formats: pmml: dates and times', () => {
  refused(
    derived(X, { fields: field('', 'optype="continuous" dataType="date"') }),
    /dataType="date" is not supported; make a number of it/,
  )
  refused(
    derived('<Apply function="dateDaysSinceYear"><FieldRef field="x"/><Constant>1970</Constant></Apply>'),
    /dateDaysSinceYear is not supported; pass the number of days/,
  )
})

test('formats: pmml: cyclic fields', () => {
  refused(
    derived(X, { fields: field('', 'optype="ordinal" dataType="integer" isCyclic="1"') }),
    /is cyclic, which is not supported/,
  )
})

test('formats: pmml: several targets', () => {
  refused(
    derived(X, {
      schema:
        '<MiningSchema><MiningField name="x"/><MiningField name="z" usageType="target"/><MiningField name="y" usageType="target"/></MiningSchema>',
    }),
    /more than one target; save a model for each/,
  )
})
