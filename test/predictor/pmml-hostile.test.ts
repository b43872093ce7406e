/** Documents that want to hurt: they are refused, soon, with a reason. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Problem } from '../../src/errors.ts'
import { loadPmml } from '../../src/predictor/pmml/load-pmml.ts'
import { answer, derived, document, near, refused, schema } from '../../src/predictor/pmml/small-documents.suite.ts'

const X = '<FieldRef field="x"/>'
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

function nested(depth: number): string {
  return `${'<Apply function="abs">'.repeat(depth)}${X}${'</Apply>'.repeat(depth)}`
}

function chainOf(length: number, first: string): string {
  const fields = Array.from({ length }, (_, k) => {
    const inner = k === 0 ? first : `<FieldRef field="f${k - 1}"/>`
    return `<DerivedField name="f${k}" optype="continuous" dataType="double"><Apply function="abs">${inner}</Apply></DerivedField>`
  })
  return `<TransformationDictionary>${fields.join('')}</TransformationDictionary>`
}

describe('hostile documents', () => {
  test('formats: pmml: document types and entities', () => {
    const bombs = `<?xml version="1.0"?><!DOCTYPE PMML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><PMML version="4.4">&b;</PMML>`
    refused(encode(bombs), /document type declaration .*remove it/)
    refused(encode('<PMML version="4.4">&b;</PMML>'), /not well-formed XML/)
  })

  test('elements and expressions nested too deep', () => {
    refused(encode(`<PMML version="4.4">${'<a>'.repeat(100_000)}`), /nested deeper than 600/)
    refused(derived(nested(10_000)), /nested deeper than 600/)
    near(answer(derived(nested(500)), { x: -2 }), 2)
  })

  test('derived fields that are made of each other, or hang on one another without end', () => {
    refused(derived('<FieldRef field="f2"/>', { before: chainOf(3, '<FieldRef field="f2"/>') }), /is made of itself/)
    refused(derived('<FieldRef field="f9999"/>', { before: chainOf(10_000, X) }), /nested deeper than 700/)
    near(answer(derived('<FieldRef field="f99"/>', { before: chainOf(100, X) }), { x: -3 }), 3)
  })

  test('functions that double', () => {
    const functions = Array.from({ length: 60 }, (_, k) => {
      const inner = k === 0 ? '<FieldRef field="p"/>' : `<Apply function="g${k - 1}"><FieldRef field="p"/></Apply>`
      return `<DefineFunction name="g${k}" optype="continuous"><ParameterField name="p"/><Apply function="+">${inner}${inner}</Apply></DefineFunction>`
    })
    const before = `<TransformationDictionary>${functions.join('')}</TransformationDictionary>`
    refused(derived(`<Apply function="g59">${X}</Apply>`, { before }), /more than 200000 expressions in functions/)
  })

  test('names of every object', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      refused(derived(`<FieldRef field="${name}"/>`), /there is no field/)
      refused(derived(`<Apply function="${name}">${X}</Apply>`), /is not supported, nor defined/)
      refused(derived(`<${name}/>`), /it has no expression/)
      refused(document(`<${name} functionName="regression">${schema()}</${name}>`), /there is no model in it/)
    }
  })

  test('what is no document is refused', () => {
    for (const text of [
      '',
      '<',
      '<PMML',
      '<PMML/>',
      '<a/>',
      '<PMML version="4.4"/>',
      '\u0000',
      'PMML',
      '<?xml version="1.0" encoding="nonsense"?><PMML/>',
    ]) {
      assert.throws(
        () => loadPmml(encode(text)),
        error => error instanceof Problem && error.code === 'invalid',
      )
    }
    refused(Uint8Array.of(0x3c, 0x50, 0xff, 0xfe), /it is not text in the encoding utf-8/)
  })

  test('a tree with a child for each of thousands of categories is evaluated, not compiled', () => {
    const values = Array.from({ length: 1500 }, (_, k) => `v${k}`)
    const fields = `<DataField name="x" optype="categorical" dataType="string">${values.map(value => `<Value value="${value}"/>`).join('')}</DataField>`
    const nodes = values.map(
      (value, k) => `<Node score="${k}"><SimplePredicate field="x" operator="equal" value="${value}"/></Node>`,
    )
    const bytes = document(
      `<TreeModel functionName="regression"><MiningSchema><MiningField name="x"/></MiningSchema><Node><True/>${nodes.join('')}</Node></TreeModel>`,
      { fields },
    )
    near(answer(bytes, { x: 'v1499' }), 1499)
  })
})
