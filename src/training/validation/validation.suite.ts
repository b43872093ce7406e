/** What validations promise, whichever the database: verdicts are kept, and the champion's place is held for those that passed. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { Problem } from '../../errors.ts'
import { seededRandom } from '../../math/random.ts'
import type { DatabasePlace } from '../../platform/database.ts'
import { openDatabase } from '../../platform/database.ts'
import { uuid7 } from '../../platform/ids.ts'
import { outboxMigrations } from '../../platform/outbox.ts'
import type { FreshPlace } from '../../platform/temporary.suite.ts'
import type { LeadPolicy } from '../../registry/leading.ts'
import type { Registry } from '../../registry/registry.ts'
import { ALICE, type RegistryWorld, registryTest } from '../../registry/registry-world.suite.ts'
import { bytesOf, type StumpModel, streamed, stumpModel, TWO_FEATURES } from '../../registry/stumps.suite.ts'
import type { Submission } from '../../registry/submission.ts'
import { registryMigrations } from '../../registry/tables.ts'
import { validationMigrations } from './tables.ts'
import { openValidations, type Validations, type VerdictEvidence } from './validations.ts'

/** A worse model: it knows nothing of the balance, and has the age the wrong way round. */
const BACKWARDS: StumpModel = { features: ['age', 'balance'], stumps: [{ feature: 0, split: 40, left: 1, right: -1 }] }
/** As good as the other, a little less sure. */
const ALIKE: StumpModel = {
  features: ['age', 'balance'],
  stumps: [
    { feature: 0, split: 40, left: -0.9, right: 0.9 },
    { feature: 1, split: 100, left: -0.4, right: 0.4 },
  ],
}

/** Rows whose truth follows `TWO_FEATURES`. */
export function customers(rows: number, seed: number): string {
  const random = seededRandom(seed)
  const lines = Array.from({ length: rows }, (_, row) => {
    const [age, balance] = [Math.floor(18 + random() * 50), Math.floor(random() * 20_000) / 100]
    const odds = (age < 40 ? -1 : 1) + (balance < 100 ? -0.5 : 0.5)
    const left = random() < 1 / (1 + Math.exp(-odds)) ? 1 : 0
    return `${age},${balance},${left},${row % 3 === 0 ? 'arland' : 'bretia'}`
  })
  return ['age,balance,left,country', ...lines, ''].join('\n')
}

const VALIDATION = 'validation: {slices: {columns: [country]}, metrics: {auc_roc: {minimum: 0.6}}}'

interface Bench extends RegistryWorld {
  readonly validations: Validations
  readonly statements: Parameters<VerdictEvidence['add']>[0][]
}

export function validationSuite(place: FreshPlace): void {
  const validationTest = (
    name: string,
    run: (bench: Bench) => Promise<void>,
    policy: LeadPolicy = 'declared',
  ): void => {
    let where: DatabasePlace | undefined
    const kept: FreshPlace = async t => {
      where = await place(t)
      return where
    }
    registryTest(name, kept, async (world, t) => run(await benchOn(world, where!, policy, t)))
  }
  judging(validationTest)
  holding(validationTest)
  racing(validationTest)
  policies(validationTest)
}

type ValidationTest = (name: string, run: (bench: Bench) => Promise<void>, policy?: LeadPolicy) => void

async function benchOn(
  world: RegistryWorld,
  where: DatabasePlace,
  leadPolicy: LeadPolicy,
  t: TestContext,
): Promise<Bench> {
  const db = await openDatabase(where, [outboxMigrations, registryMigrations, validationMigrations])
  t.after(() => db.close())
  const { registry, objects, clock } = world
  const statements: Bench['statements'] = []
  const evidence: VerdictEvidence = { add: async statement => void statements.push(statement) }
  const validations = openValidations({ db, objects, registry, clock, ids: uuid7(clock), evidence, leadPolicy })
  return { ...world, validations, statements }
}

async function submission(
  registry: Registry,
  version: string,
  model: StumpModel,
  more: string = VALIDATION,
): Promise<Submission> {
  const manifest = `name: churn\nversion: ${version}\nartifact: a\nreference: r\nevaluation: e\ntarget: left\n${more}\n`
  return {
    manifest,
    files: {
      artifact: await registry.receive('artifact', streamed(stumpModel(model))),
      reference: await registry.receive('reference', streamed(bytesOf(customers(400, 1)))),
      evaluation: await registry.receive('evaluation', streamed(bytesOf(customers(400, 2)))),
    },
  }
}

async function add(registry: Registry, version: string, model: StumpModel, more?: string): Promise<void> {
  await registry.register(await submission(registry, version, model, more), ALICE)
}

function isConflict(message: RegExp): (error: unknown) => boolean {
  return error => error instanceof Problem && error.code === 'conflict' && message.test(error.message)
}

function judging(validationTest: ValidationTest): void {
  validationTest('a verdict is kept, recorded and stated', async ({ registry, validations, records, statements }) => {
    await add(registry, '1.0.0', TWO_FEATURES)
    const { report, validation } = await validations.validate('churn', '1.0.0', undefined, ALICE)
    assert.equal(report.passed, true, JSON.stringify(report.checks.filter(({ status }) => status === 'failed')))
    assert.deepEqual(
      report.slices.rows.map(({ slice }) => slice),
      ['bretia', 'arland'],
    )
    assert.ok(report.metrics['auc_roc']!.low > 0.6)
    assert.equal(report.comparison, undefined)
    const [record] = (await records()).filter(({ action }) => action === 'model:validated')
    assert.deepEqual(record?.detail, { passed: true, report: validation!.report, validation: validation!.id })
    assert.equal(statements.length, 1)
    assert.equal(statements[0]!.predicate.result, 'PASSED')
    assert.deepEqual(await validations.list('churn', '1.0.0'), [validation])
    assert.deepEqual(await validations.report('churn', '1.0.0', 'latest'), { report, validation })
    assert.deepEqual(await validations.report('churn', '1.0.0', validation!.id), { report, validation })
    await assert.rejects(validations.report('churn', '1.0.0', 'other'), { code: 'not_found' })
  })

  validationTest(
    'what is not registered is judged, and nothing is kept',
    async ({ registry, validations, records }) => {
      const before = await submission(registry, '1.0.0', BACKWARDS)
      const { report, validation } = await validations.preview(before, undefined, ALICE)
      assert.equal(validation, undefined)
      assert.equal(report.passed, false)
      assert.deepEqual(registry.catalogue.names(), [])
      assert.equal((await records()).length, 0)
      await registry.register(before, ALICE)
      const again = await validations.preview(before, undefined, ALICE)
      assert.equal(again.validation?.passed, false)
    },
  )

  validationTest('the same twice is the same report', async ({ registry, validations }) => {
    await add(registry, '1.0.0', TWO_FEATURES)
    const first = await validations.validate('churn', '1.0.0', undefined, ALICE)
    const second = await validations.validate('churn', '1.0.0', undefined, ALICE)
    assert.deepEqual(second.report, first.report)
    assert.equal(second.validation?.report, first.validation?.report)
    assert.deepEqual(
      (await validations.list('churn', '1.0.0')).map(({ id }) => id),
      [second.validation!.id, first.validation!.id],
    )
  })
}

function holding(validationTest: ValidationTest): void {
  validationTest('the first version is champion only once it has passed', async ({ registry, validations }) => {
    await add(registry, '1.0.0', TWO_FEATURES)
    assert.equal(registry.catalogue.resolve('churn', 'champion'), undefined)
    await assert.rejects(registry.setAlias('churn', 'champion', '1.0.0', ALICE), isConflict(/it has no validation/))
    await registry.setAlias('churn', 'challenger', '1.0.0', ALICE)
    await validations.validate('churn', '1.0.0', undefined, ALICE)
    await registry.setAlias('churn', 'champion', '1.0.0', ALICE)
    assert.equal(registry.catalogue.resolve('churn', 'champion'), '1.0.0')
  })

  validationTest('a worse version cannot take the place, an equal one can, and the way back is open', async bench => {
    const { registry, validations } = bench
    await add(registry, '1.0.0', TWO_FEATURES)
    await validations.validate('churn', '1.0.0', undefined, ALICE)
    await registry.setAlias('churn', 'champion', '1.0.0', ALICE)
    await add(registry, '1.1.0', BACKWARDS)
    const worse = await validations.validate('churn', '1.1.0', undefined, ALICE)
    assert.equal(worse.validation?.against, 'churn@1.0.0')
    assert.ok(worse.report.comparison!.gain.high < 0)
    await assert.rejects(
      registry.setAlias('churn', 'champion', '1.1.0', ALICE),
      isConflict(/its validation failed: auc_roc is 0\.\d+ .*lower end must be at least 0\.6/),
    )
    await add(registry, '1.2.0', ALIKE)
    const { report } = await validations.validate('churn', '1.2.0', undefined, ALICE)
    assert.equal(report.passed, true)
    await registry.setAlias('churn', 'champion', '1.2.0', ALICE)
    await registry.setAlias('churn', 'champion', '1.0.0', ALICE)
    await registry.setAlias('churn', 'champion', '1.2.0', ALICE)
  })

  validationTest('a comparison with a champion of yesterday does not count', async ({ registry, validations }) => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0'])
      await add(registry, version, version === '1.0.0' ? TWO_FEATURES : ALIKE)
    await validations.validate('churn', '1.0.0', undefined, ALICE)
    await registry.setAlias('churn', 'champion', '1.0.0', ALICE)
    await validations.validate('churn', '1.1.0', undefined, ALICE)
    await validations.validate('churn', '1.2.0', undefined, ALICE)
    await registry.setAlias('churn', 'champion', '1.1.0', ALICE)
    await assert.rejects(
      registry.setAlias('churn', 'champion', '1.2.0', ALICE),
      isConflict(/it was compared with churn@1\.0\.0, and the champion is churn@1\.1\.0/),
    )
    await validations.validate('churn', '1.2.0', 'churn@champion', ALICE)
    await registry.setAlias('churn', 'champion', '1.2.0', ALICE)
  })
}

function racing(validationTest: ValidationTest): void {
  validationTest('of two moves at once one is judged, and the other is too late', async ({ registry, validations }) => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
      await add(registry, version, version === '1.0.0' ? TWO_FEATURES : ALIKE)
      await validations.validate('churn', version, undefined, ALICE)
      if (version === '1.0.0') await registry.setAlias('churn', 'champion', version, ALICE)
    }
    const moves = ['1.1.0', '1.2.0'].map(version => registry.setAlias('churn', 'champion', version, ALICE))
    const ends = await Promise.allSettled(moves)
    const [taken, late] = ends[0]?.status === 'fulfilled' ? ['1.1.0', ends[1]] : ['1.2.0', ends[0]]
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.ok(late?.status === 'rejected' && isConflict(/it went to 1\.[12]\.0|the champion is/)(late.reason))
    assert.equal(registry.catalogue.resolve('churn', 'champion'), taken)
  })
}

function policies(validationTest: ValidationTest): void {
  validationTest('without a word in model.yaml nothing is asked', async ({ registry }) => {
    await add(registry, '1.0.0', TWO_FEATURES, '')
    assert.equal(registry.catalogue.resolve('churn', 'champion'), '1.0.0')
    await add(registry, '1.1.0', BACKWARDS, 'validation: {required: false}')
    await registry.setAlias('churn', 'champion', '1.1.0', ALICE)
  })

  const strict = 'always' as const
  validationTest(
    'where all must, all must',
    async ({ registry, validations }) => {
      await add(registry, '1.0.0', TWO_FEATURES, '')
      await add(registry, '1.1.0', ALIKE, '')
      await assert.rejects(registry.setAlias('churn', 'champion', '1.1.0', ALICE), isConflict(/no validation/))
      await validations.validate('churn', '1.1.0', undefined, ALICE)
      await registry.setAlias('churn', 'champion', '1.1.0', ALICE)
    },
    strict,
  )
  validationTest(
    'where none must, none must',
    async ({ registry }) => {
      await add(registry, '1.0.0', TWO_FEATURES)
      await registry.setAlias('churn', 'champion', '1.0.0', ALICE)
    },
    'never',
  )
}
