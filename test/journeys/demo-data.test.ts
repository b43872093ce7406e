/** How the demo reads data that somebody else named. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { matchColumns, SYNONYMS } from '../../examples/churn/match-columns.ts'
import { fromFile, simulated } from '../../examples/churn/population.ts'
import { wrongRequests } from '../../examples/churn/traffic.ts'
import type { Feature, Signature } from '../../src/registry/signature.ts'
import { temporaryFolder } from '../server.ts'
import { shared, skipUnless } from '../services.ts'

const NAMES = ['age', 'tenure', 'balance', 'num_products', 'has_cr_card', 'is_active_member', 'estimated_salary']
const feature = (name: string): Feature => ({
  name,
  type: 'numeric',
  nullable: true,
  sensitive: false,
  protected: false,
})
const SIGNATURE: Signature = { inputs: NAMES.map(feature), outputs: [{ name: 'p', type: 'number' }] }

describe('matchColumns()', () => {
  test('finds columns by name, whatever the case and separators, and by meaning', () => {
    const header = [
      'CustomerId',
      'Geography',
      'Age',
      'Tenure',
      'Balance',
      'NumOfProducts',
      'HasCrCard',
      'IsActiveMember',
      'EstimatedSalary',
      'Exited',
    ]
    const { columns, target, subject } = matchColumns(NAMES, header)
    assert.deepEqual(
      [...columns.values()],
      ['Age', 'Tenure', 'Balance', 'NumOfProducts', 'HasCrCard', 'IsActiveMember', 'EstimatedSalary'],
    )
    assert.equal(target, 'Exited')
    assert.equal(subject, 'CustomerId')
    const others = matchColumns(['num_products', 'has_cr_card'], ['products_number', 'credit-card', 'churn'])
    assert.deepEqual([...others.columns.values()], ['products_number', 'credit-card'])
    assert.equal(others.target, 'churn')
  })

  test('prefers the exact name', () => {
    assert.equal(matchColumns(['age'], ['Age', 'AGE', 'age']).columns.get('age'), 'age')
  })

  test('names both sides where something is missing', () => {
    assert.throws(() => matchColumns(['age', 'shoe_size'], ['Age', 'Hat', 'Exited']), {
      code: 'invalid',
      message: /wants shoe_size, and the columns left over are Hat, Exited/,
    })
  })

  test('knows each synonym once, so that no column could mean two features', () => {
    const all = SYNONYMS.flat()
    assert.equal(new Set(all).size, all.length)
  })
})

describe('the people of the demo', () => {
  test('come from a file with their outcome; ragged rows are left out and told', async t => {
    const folder = temporaryFolder()
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'bank.csv')
    const header = 'Id,Age,Tenure,Balance,NumOfProducts,HasCrCard,IsActiveMember,EstimatedSalary,Churned'
    writeFileSync(file, `${header}\nA,42,3,0,1,1,0,50000,1\nB,30\nC,18,,0,1,1,0,50000,0\nD,50,1,1,1,1,1,1,\n`)
    const { people, notes } = await fromFile(file, SIGNATURE, 10)
    assert.deepEqual(
      people.map(({ subject, left }) => [subject, left]),
      [
        ['A', true],
        ['C', false],
        ['D', undefined],
      ],
    )
    assert.equal(JSON.parse(people[1]!.body).tenure, null)
    assert.ok(
      notes.some(note => note.startsWith('1 rows have another number of cells')),
      notes.join('\n'),
    )
    assert.equal((await fromFile(file, SIGNATURE, 1)).people.length, 1)
  })

  test('are simulated with a truth, and refused by a model of other features', () => {
    assert.ok(simulated(2, SIGNATURE).people.every(({ trueProbability }) => trueProbability !== undefined))
    assert.throws(() => simulated(2, { inputs: [feature('income')], outputs: [] }), { message: /wants income/ })
  })

  test('include every row of the public churn data', { skip: skipUnless('shared') }, async () => {
    const { people, notes } = await fromFile(shared('data/sets/churn/churn_modelling.csv'), SIGNATURE, 1e6)
    assert.equal(people.length, 10_000)
    assert.equal(people.filter(({ left }) => left).length, 2037)
    assert.match(notes.join('\n'), /NumOfProducts → num_products/)
  })
})

test('each wrong request is wrong in the way it says, for any model', () => {
  for (const body of [simulated(1, SIGNATURE).people[0]!.body, '{"x":1}']) {
    for (const { what, path, body: sent, headers } of wrongRequests(
      'churn',
      '/models/churn/predict',
      body,
      'pricing',
    )) {
      const isOther = sent !== body || path !== '/models/churn/predict' || headers !== undefined
      assert.ok(isOther, what)
    }
  }
})
