import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { answer, derived, type Inputs, near, refused } from './small-documents.suite.ts'

function apply(name: string, ...args: readonly (string | number)[]): string {
  return `<Apply function="${name}">${args.map(arg => (typeof arg === 'number' ? `<Constant dataType="double">${arg}</Constant>` : arg)).join('')}</Apply>`
}
const X = '<FieldRef field="x"/>'
const Z = '<FieldRef field="z"/>'
const C = '<FieldRef field="c"/>'
const text = (value: string): string => `<Constant dataType="string">${value}</Constant>`
const of = (expression: string, inputs: Inputs, type = 'double'): number =>
  answer(derived(expression, { type }), inputs)

test('formats: pmml: Constant, FieldRef, and casts to the type of a derived field', () => {
  near(of('<Constant dataType="double">1.5</Constant>', {}), 1.5)
  near(of('<Constant>2</Constant>', {}), 2)
  near(of(X, { x: 0.1 }, 'float'), Math.fround(0.1))
  near(of(X, { x: 3 }, 'integer'), 3)
  near(of(X, { x: 3.5 }, 'integer'), Number.NaN)
  near(of('<FieldRef field="x" mapMissingTo="4"/>', { x: null }), 4)
})

test('formats: pmml: NormContinuous', () => {
  const norm = (attributes: string): string =>
    `<NormContinuous field="x" ${attributes}><LinearNorm orig="0" norm="1"/><LinearNorm orig="2" norm="5"/><LinearNorm orig="4" norm="6"/></NormContinuous>`
  for (const [x, wanted] of [
    [0, 1],
    [1, 3],
    [2, 5],
    [3, 5.5],
    [-1, -1],
    [6, 7],
  ] as const)
    near(of(norm(''), { x }), wanted)
  near(of(norm('outliers="asExtremeValues"'), { x: -1 }), 1)
  near(of(norm('outliers="asExtremeValues"'), { x: 9 }), 6)
  near(of(norm('outliers="asMissingValues"'), { x: 9 }), Number.NaN)
  near(of(norm('mapMissingTo="0.5"'), { x: null }), 0.5)
})

test('formats: pmml: NormDiscrete', () => {
  near(of('<NormDiscrete field="c" value="b"/>', { c: 'b' }), 1)
  near(of('<NormDiscrete field="c" value="b"/>', { c: 'a' }), 0)
  near(of('<NormDiscrete field="c" value="b" mapMissingTo="0.25"/>', { c: null }), 0.25)
})

test('formats: pmml: Discretize', () => {
  const bins = `<Discretize field="x" dataType="double" defaultValue="-1" mapMissingTo="-2"><DiscretizeBin binValue="1"><Interval closure="openClosed" rightMargin="0"/></DiscretizeBin>
    <DiscretizeBin binValue="2"><Interval closure="openOpen" leftMargin="0" rightMargin="10"/></DiscretizeBin></Discretize>`
  for (const [x, wanted] of [
    [-5, 1],
    [0, 1],
    [1e-9, 2],
    [10, -1],
    [null, -2],
  ] as const)
    near(of(bins, { x }), wanted)
})

test('formats: pmml: MapValues', () => {
  const map = `<MapValues outputColumn="out" dataType="double"><FieldColumnPair field="c" column="k"/><FieldColumnPair field="x" column="n"/>
    <InlineTable><row><k>a</k><n>1</n><out>11</out></row><row><k>a</k><n>2</n><out>12</out></row><row><k>b</k><n>1.0</n><out>21</out></row></InlineTable></MapValues>`
  near(of(map, { c: 'a', x: 2 }), 12)
  near(of(map, { c: 'b', x: 1 }), 21)
  near(of(map, { c: 'b', x: 2 }), Number.NaN)
  refused(
    derived('<MapValues outputColumn="o"><FieldColumnPair field="c" column="k"/><TableLocator/></MapValues>'),
    /put an InlineTable/,
  )
})

describe('functions', () => {
  test('formats: pmml: functions: arithmetic and mathematics', () => {
    const cases: readonly (readonly [string, number])[] = [
      [apply('+', X, Z), 2.5 - 3],
      [apply('-', X, Z), 5.5],
      [apply('*', X, Z), -7.5],
      [apply('/', X, Z), 2.5 / -3],
      ['<Apply function="/"><Constant>7</Constant><Constant>2</Constant></Apply>', 3],
      [apply('modulo', Z, 2), 1],
      [apply('min', X, Z, 9), -3],
      [apply('max', X, Z), 2.5],
      [apply('sum', X, Z, 1), 0.5],
      [apply('avg', X, Z), -0.25],
      [apply('median', X, Z, 1), 1],
      [apply('product', X, Z, 2), -15],
      [apply('log10', 1000), 3],
      [apply('ln', X), Math.log(2.5)],
      [apply('ln1p', X), Math.log1p(2.5)],
      [apply('exp', X), Math.exp(2.5)],
      [apply('expm1', X), Math.expm1(2.5)],
      [apply('sqrt', X), Math.sqrt(2.5)],
      [apply('abs', Z), 3],
      [apply('pow', X, 3), 15.625],
      [apply('threshold', X, 2), 1],
      [apply('floor', X), 2],
      [apply('ceil', X), 3],
      [apply('round', X), 3],
      [apply('rint', X), 2],
      [apply('rint', 3.5), 4],
      [apply('hypot', 3, 4), 5],
      [apply('sin', X), Math.sin(2.5)],
      [apply('asin', 0.5), Math.asin(0.5)],
      [apply('sinh', X), Math.sinh(2.5)],
      [apply('cos', X), Math.cos(2.5)],
      [apply('acos', 0.5), Math.acos(0.5)],
      [apply('cosh', X), Math.cosh(2.5)],
      [apply('tan', X), Math.tan(2.5)],
      [apply('atan', X), Math.atan(2.5)],
      [apply('tanh', X), Math.tanh(2.5)],
      [apply('atan2', X, Z), Math.atan2(2.5, -3)],
    ]
    for (const [expression, wanted] of cases) near(of(expression, { x: 2.5, z: -3 }), wanted)
    near(of(apply('+', X, Z), { x: 1, z: null }), Number.NaN)
    near(of(apply('sum', X, Z), { x: 1, z: null }), 1)
  })

  test('formats: pmml: functions: comparisons, logic and conditions', () => {
    const cases: readonly (readonly [string, number])[] = [
      [apply('equal', X, 2.5), 1],
      [apply('notEqual', X, 2.5), 0],
      [apply('lessThan', X, Z), 0],
      [apply('lessOrEqual', X, 2.5), 1],
      [apply('greaterThan', X, Z), 1],
      [apply('greaterOrEqual', Z, X), 0],
      [apply('equal', C, text('a')), 1],
      [apply('and', apply('lessThan', Z, X), apply('equal', C, text('b'))), 0],
      [apply('or', apply('lessThan', Z, X), apply('equal', C, text('b'))), 1],
      [apply('not', apply('lessThan', Z, X)), 0],
      [apply('isIn', C, text('b'), text('a')), 1],
      [apply('isNotIn', X, 1, 2), 1],
      [apply('isMissing', X), 0],
      [apply('isNotMissing', X), 1],
      [apply('isValid', C), 1],
      [apply('isNotValid', C), 0],
    ]
    for (const [condition, wanted] of cases) near(of(apply('if', condition, 1, 0), { x: 2.5, z: -3, c: 'a' }), wanted)
    near(of(apply('if', apply('isNotValid', C), 1, 0), { c: 'unheard of' }), 1)
    near(of(apply('if', apply('isMissing', X), 1, 0), {}), 1)
    near(of(apply('if', apply('lessThan', X, 1), 5), { x: 3 }), Number.NaN)
    // What is missing matters only where it decides.
    near(of(apply('if', apply('or', apply('lessThan', X, 1), apply('lessThan', Z, 1)), 1, 0), { x: 0, z: null }), 1)
  })

  test('formats: pmml: functions: texts', () => {
    const is = (expression: string, wanted: string): number =>
      of(apply('if', apply('equal', expression, text(wanted)), 1, 0), { c: 'b' })
    near(is(apply('uppercase', C), 'B'), 1)
    near(is(apply('lowercase', apply('uppercase', C)), 'b'), 1)
    near(is(apply('concat', C, text('-'), C), 'b-b'), 1)
    near(is(apply('substring', text('abcdef'), '<Constant>2</Constant>', '<Constant>3</Constant>'), 'bcd'), 1)
    near(is(apply('trimBlanks', text('  q ')), 'q'), 1)
    near(is(apply('replace', text('a1b22'), text('[0-9]+'), text('#')), 'a#b#'), 1)
    near(of(apply('if', apply('matches', C, text('^[bB]$')), 1, 0), { c: 'b' }), 1)
    near(of(apply('stringLength', text('four')), {}), 4)
    for (const pattern of ['(a+)+$', '(?=a)', '\\1', 'a*b*c*d']) {
      refused(derived(apply('if', apply('matches', C, text(pattern)), 1, 0)), /its pattern .* is not supported/)
    }
    refused(derived(apply('formatNumber', X, text('%d'))), /formatNumber is not supported; compare numbers as numbers/)
  })

  test('formats: pmml: functions: distributions', () => {
    near(of(apply('erf', X), { x: 0.5 }), 0.5204998778130465)
    near(of(apply('stdNormalCDF', X), { x: 1.96 }), 0.9750021048517795)
    near(of(apply('stdNormalPDF', X), { x: 1 }), 0.24197072451914337)
    near(of(apply('stdNormalIDF', X), { x: 0.975 }), 1.959963984540054, 1e-9)
    near(of(apply('normalCDF', X, 1, 2), { x: 4.92 }), 0.9750021048517795)
    near(of(apply('normalPDF', X, 1, 2), { x: 3 }), 0.24197072451914337 / 2)
    near(of(apply('normalIDF', X, 1, 2), { x: 0.975 }), 4.919927969080108, 1e-9)
  })

  test('formats: pmml: functions of the document (DefineFunction)', () => {
    const before = `<TransformationDictionary>
      <DefineFunction name="square" optype="continuous" dataType="double"><ParameterField name="p" dataType="double"/>${apply('*', '<FieldRef field="p"/>', '<FieldRef field="p"/>')}</DefineFunction>
      <DefineFunction name="sq1" optype="continuous"><ParameterField name="p"/>${apply('+', apply('square', '<FieldRef field="p"/>'), 1)}</DefineFunction>
      <DerivedField name="global" optype="continuous" dataType="double">${apply('sq1', X)}</DerivedField></TransformationDictionary>`
    near(answer(derived(apply('square', apply('sq1', '<FieldRef field="global"/>')), { before }), { x: 2 }), 676)
    const self = `<TransformationDictionary><DefineFunction name="f" optype="continuous"><ParameterField name="p"/>${apply('f', '<FieldRef field="p"/>')}</DefineFunction></TransformationDictionary>`
    refused(derived(apply('f', X), { before: self }), /the function f applies itself/)
  })

  test('formats: pmml: Apply: mapMissingTo, defaultValue, invalidValueTreatment', () => {
    const plus = (attributes: string): string => `<Apply function="+" ${attributes}>${X}${Z}</Apply>`
    near(of(plus('mapMissingTo="-1"'), { x: 1, z: null }), -1)
    near(of(plus('defaultValue="-2"'), { x: 1, z: null }), -2)
    near(of(plus('mapMissingTo="-1" defaultValue="-2"'), { x: 1, z: 2 }), 3)
    const divide = (attributes: string): string =>
      `<Apply function="/" ${attributes}><Constant>7</Constant><Constant>0</Constant></Apply>`
    near(of(divide(''), {}), Number.NaN)
    near(of(divide('invalidValueTreatment="asMissing" defaultValue="5"'), {}), 5)
  })

  test('an unknown function, too few arguments and a field that is not there are refused', () => {
    refused(derived(apply('frobnicate', X)), /the function frobnicate is not supported, nor defined in the document/)
    refused(derived(apply('+', X)), /the function \+ has 1 arguments, wanted 2/)
    refused(derived('<FieldRef field="nowhere"/>'), /there is no field "nowhere" here/)
    assert.ok(true)
  })
})

test('formats: pmml: Aggregate, Lag, TextIndex', () => {
  refused(
    derived('<Aggregate field="x" function="sum"/>'),
    /Aggregate is not supported; aggregate rows before they are scored/,
  )
  refused(derived('<Lag field="x"/>'), /Lag is not supported; pass the earlier value/)
  refused(derived('<TextIndex textField="c"/>'), /TextIndex is not supported; count terms/)
})
