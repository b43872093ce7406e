/** How the demo reads data that somebody else named. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { peopleOf, planOf, writeManifest } from '../../examples/churn/file-population.ts'
import { matchColumns, SYNONYMS } from '../../examples/churn/match-columns.ts'
import { simulated } from '../../examples/churn/population.ts'
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
const PLAIN = { rowsMax: 10, withReference: false, seed: 'test' }
const SIGNATURE: Signature = { inputs: NAMES.map(feature), outputs: [{ name: 'p', type: 'number' }] }

const ageOf = ({ body }: { readonly body: string }): number => (JSON.parse(body) as { age: number }).age

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
    const { people, notes } = peopleOf(await planOf(file, NAMES, PLAIN), SIGNATURE)
    assert.deepEqual(people.map(({ subject, left }) => [subject, left]).sort(), [
      ['A', true],
      ['C', false],
      ['D', undefined],
    ])
    assert.equal(JSON.parse(people.find(({ subject }) => subject === 'C')!.body).tenure, null)
    assert.ok(
      notes.some(note => note.startsWith('1 rows have another number of cells')),
      notes.join('\n'),
    )
    assert.equal(peopleOf(await planOf(file, NAMES, { ...PLAIN, rowsMax: 1 }), SIGNATURE).people.length, 1)
  })

  test('of a file with countries come home first; half of those at home are the reference', async t => {
    const folder = temporaryFolder()
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'bank.csv')
    const countries = ['Xland', 'Yland', 'Xland', 'Yland', 'Zland', 'Xland', 'Yland']
    const lines = countries.map((country, at) => `${at},"${country}",${20 + at},1,0,1,1,0,50000,${at % 2}`)
    writeFileSync(
      file,
      `Id,Country,Age,Tenure,Balance,NumOfProducts,HasCrCard,IsActiveMember,EstimatedSalary,Exited\n${lines.join('\n')}\n`,
    )
    const plan = await planOf(file, NAMES, { ...PLAIN, withReference: true })
    const { people, arrival, notes } = peopleOf(plan, SIGNATURE)
    assert.deepEqual(arrival, { place: 'Zland', at: 3 })
    assert.deepEqual(people[3]!.subject, '4')
    assert.match(notes.join('\n'), /Customers of Zland come last\n3 rows from before are the reference/)
    const manifest = JSON.parse(readFileSync(writeManifest(folder, '/x/model.json', plan, 'churn', '1.0.0'), 'utf8'))
    assert.deepEqual(manifest, {
      name: 'churn',
      version: '1.0.0',
      artifact: '/x/model.json',
      reference: 'reference.csv',
      target: 'happened',
    })
    const reference = readFileSync(join(folder, 'reference.csv'), 'utf8').trimEnd().split('\n')
    assert.equal(reference[0], [...NAMES, 'happened'].join(','))
    assert.equal(reference.length, 4)
    const everybody = [...reference.slice(1).map(line => Number(line.split(',')[0])), ...people.map(ageOf)]
    assert.deepEqual(everybody.sort(), [20, 21, 22, 23, 24, 25, 26])
    const other = await planOf(file, NAMES, { ...PLAIN, arrives: 'Yland' })
    assert.deepEqual(other.arrival, { place: 'Yland', at: 4 })
  })

  test('are simulated with a truth, and refused by a model of other features', () => {
    const { people, arrival } = simulated(5, SIGNATURE)
    assert.ok(people.every(({ trueProbability }) => trueProbability !== undefined))
    assert.equal(new Set(people.map(({ subject }) => subject)).size, 5)
    assert.deepEqual(arrival, { place: 'cestria', at: 3 })
    assert.throws(() => simulated(2, { inputs: [feature('income')], outputs: [] }), { message: /wants income/ })
  })

  test('include every row of the public churn data', { skip: skipUnless('shared') }, async () => {
    const plan = await planOf(shared('data/sets/churn/churn_modelling.csv'), NAMES, { ...PLAIN, rowsMax: 1e6 })
    const { people, notes, arrival } = peopleOf(plan, SIGNATURE)
    assert.deepEqual(arrival, { place: 'Germany', at: 7491 })
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
