/** Pickles and joblib files trained on real data, against what scikit-learn itself answered. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openRuntimes } from '../../src/runtimes/runtimes.ts'
import { shared, skipUnless } from '../services.ts'
import {
  columnsFor,
  type ReferenceTable,
  referenceInputs,
  referenceTable,
  rowsFor,
  SETTINGS,
  surroundings,
} from './python.ts'

/** What was recorded was fed to the models as float32. */
const CASES = [
  ['churn', 'sk_logreg.pkl', 'pickle', ''],
  ['churn', 'sk_logreg.joblib', 'joblib', ''],
  ['churn', 'sk_histgb.pkl', 'pickle', ''],
  ['churn', 'sk_forest.joblib', 'joblib', ''],
  ['credit', 'sk_gbm_blind.pkl', 'pickle', 'missing'],
  ['credit', 'sk_logreg_blind.pkl', 'pickle', 'missing'],
  ['credit', 'sk_logreg_blind.joblib', 'joblib', 'missing'],
  ['pricing', 'sk_linear.joblib', 'joblib', ''],
  ['promotion', 'sk_logreg.pkl', 'pickle', ''],
  ['promotion_shoppers', 'sk_logreg.pkl', 'pickle', ''],
] as const

function expectedOf(path: string, column: string): string[] {
  const { header, rows } = referenceTable(path)
  return rows.map(cells => cells[header.indexOf(column)]!)
}

/** Of a matrix product the last bit depends on how many rows there are, and on the processor. */
function near(answered: number, wanted: string, row: number, name: string): void {
  const want = Number(wanted)
  assert.ok(
    Math.abs(answered - want) <= (name === SINGLE ? 1e-7 : 1e-15) * Math.max(1, Math.abs(want)),
    `row ${row}: ${answered}, wanted ${want}`,
  )
}

/** Its trees are added by two threads, in an order of chance. */
const ROUNDED = 'sk_forest.joblib'
/** Its coefficients are float32, and so is all it computes. */
const SINGLE = 'promotion'

for (const [name, file, packaging, gap] of CASES) {
  test(`${name}/${file} answers what scikit-learn does`, {
    skip: skipUnless('shared') || skipUnless('python'),
  }, async () => {
    const bytes = readFileSync(shared('models', name, file))
    const settings = { ...SETTINGS, numbers: 'float32' } as const
    const served = { name: `${name}@1.0.0`, artifact: async () => bytes }
    const described = await openRuntimes(surroundings()).describePython(bytes, settings, served)
    try {
      assert.equal(described.model.facts['packaging'], packaging)
      const tables = [referenceTable(`${name}/holdout.csv`), referenceTable(`${name}/edge.csv`)] as const
      const inputs = referenceInputs(name)
      const columns = columnsFor(described.model.features, inputs, tables)
      const { predictor } = await described.open(columns)
      // What a missing number was fed as: the gradient booster takes it as it is, the linear model refuses it.
      const missing = file === 'sk_histgb.pkl' || name === 'pricing' ? Number.NaN : 0
      const answer = async (table: ReferenceTable): Promise<Float64Array> => {
        const out = new Float64Array(table.rows.length)
        await predictor.predict(rowsFor(columns, table, gap, missing), table.rows.length, out)
        return out
      }
      const column = file.split('.')[0]!
      const wanted = expectedOf(`${name}/expected.csv`, column)
      for (const [row, answered] of (await answer(tables[0])).entries()) {
        if (file === ROUNDED || name === SINGLE) near(answered, wanted[row]!, row, name)
        else assert.equal(answered, Number(wanted[row]), `row ${row}`)
      }
      for (const [row, want] of expectedOf(`${name}/edge_expected.csv`, column).entries()) {
        const alone = answer({ header: tables[1].header, rows: [tables[1].rows[row]!] })
        if (want.startsWith('ERROR:')) await assert.rejects(alone, { code: 'failed', message: /ValueError/ })
        else near((await alone)[0]!, want, row, name)
      }
      await predictor.close()
    } finally {
      await described.close()
    }
  })
}
