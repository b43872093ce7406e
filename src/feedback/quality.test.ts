/** Windows that are over are judged once; an outcome of one of their predictions makes them be judged again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JudgedWindow, QualityQuestion } from '../ledger/quality-question.ts'
import { type ManualClock, manualClock } from '../platform/clock.ts'
import { openDatabase } from '../platform/database.ts'
import type { ModelVersion } from '../registry/version.ts'
import { openQuality, type Quality, WINDOWS_MAX } from './quality.ts'
import { qualityStore } from './store.ts'
import { feedbackMigrations } from './tables.ts'

const HOUR_MS = 3_600_000
const START_AT = 500_000 * HOUR_MS
const VERSION = {
  ...{ model: 'churn', version: '1.0.0', task: 'regression', objective: 'reg:squarederror' },
  signature: { inputs: [], outputs: [{ name: 'y', type: 'number' }] },
} as unknown as ModelVersion

interface Scene {
  readonly quality: Quality
  readonly clock: ManualClock
  /** Ranges that were judged, in hours after the start. */
  readonly judged: (readonly [from: number, to: number])[]
  /** What the ledger counts in each window. */
  outcomes: number
  /** Runs once, while something is judged. */
  meanwhile: (() => Promise<void>) | undefined
}

function sceneTest(name: string, run: (scene: Scene) => Promise<void>): void {
  test(name, async () => {
    const db = await openDatabase({ file: ':memory:' }, [feedbackMigrations])
    try {
      const clock = manualClock(START_AT + 10 * HOUR_MS)
      const judgeWindows = async (question: Omit<QualityQuestion, 'snapshot'>): Promise<JudgedWindow[]> => {
        const { since, until, stepMs } = question
        scene.judged.push([(since - START_AT) / HOUR_MS, (until - START_AT) / HOUR_MS])
        const { outcomes } = scene
        const run = scene.meanwhile
        scene.meanwhile = undefined
        await run?.()
        return Array.from({ length: (until - since) / stepMs }, (_, at) => {
          return { from: since + at * stepMs, to: since + (at + 1) * stepMs, predictions: 9, outcomes, metrics: {} }
        })
      }
      const quality = openQuality({ ledger: { judgeWindows, keyId: 'a' }, store: qualityStore(db), clock })
      const scene: Scene = { quality, clock, judged: [], outcomes: 1, meanwhile: undefined }
      await run(scene)
    } finally {
      await db.close()
    }
  })
}

const range = (from: number, to: number) => ({
  since: START_AT + from * HOUR_MS,
  until: START_AT + to * HOUR_MS,
  stepMs: HOUR_MS,
})

const outcomesOf = async ({ quality }: Scene, from: number, to: number): Promise<number[]> =>
  (await quality.windows(VERSION, range(from, to))).map(({ outcomes }) => outcomes)

const touched = (hour: number) => [{ model: 'churn', version: '1.0.0', at: START_AT + hour * HOUR_MS }]

sceneTest('what is over is judged once, what is open each time', async scene => {
  assert.deepEqual(await outcomesOf(scene, 7, 11), [1, 1, 1, 1])
  scene.outcomes = 2
  assert.deepEqual(await outcomesOf(scene, 7, 11), [1, 1, 2, 2], 'the tenth hour has just ended')
  assert.deepEqual(await outcomesOf(scene, 6, 9), [2, 1, 1])
  assert.deepEqual(scene.judged, [
    [7, 11],
    [9, 11],
    [6, 7],
  ])
})

sceneTest('an outcome makes the window of its prediction be judged again, and no other', async scene => {
  await outcomesOf(scene, 0, 5)
  scene.outcomes = 2
  await scene.quality.before(touched(3.5))
  scene.quality.after(touched(3.5))
  assert.deepEqual(await outcomesOf(scene, 0, 5), [1, 1, 1, 2, 1])
})

sceneTest('what was judged while an outcome was written is not remembered', async scene => {
  scene.meanwhile = () => scene.quality.before(touched(1.5))
  await outcomesOf(scene, 0, 5)
  scene.outcomes = 2
  assert.deepEqual(await outcomesOf(scene, 0, 2), [2, 2], 'it is still being written')
  scene.meanwhile = async () => scene.quality.after(touched(1.5))
  assert.deepEqual(await outcomesOf(scene, 0, 2), [2, 2])
  scene.outcomes = 3
  assert.deepEqual(await outcomesOf(scene, 0, 2), [3, 3], 'it began before the writing had ended')
  scene.outcomes = 4
  assert.deepEqual(await outcomesOf(scene, 0, 2), [3, 3])
})

sceneTest('of another version nothing is forgotten', async scene => {
  await outcomesOf(scene, 0, 2)
  scene.outcomes = 2
  await scene.quality.before([{ model: 'churn', version: '2.0.0', at: START_AT }])
  assert.deepEqual(await outcomesOf(scene, 0, 2), [1, 1])
})

sceneTest('windows begin at multiples of the step, and there are not too many', async ({ quality }) => {
  const [first, ...more] = await quality.windows(VERSION, { since: START_AT + 5, until: START_AT + 6, stepMs: HOUR_MS })
  assert.deepEqual([first?.from, first?.to, more.length], [START_AT, START_AT + HOUR_MS, 0])
  await assert.rejects(quality.windows(VERSION, range(0, WINDOWS_MAX + 1)), { code: 'invalid' })
  await assert.rejects(quality.windows(VERSION, range(5, 5)), { code: 'invalid' })
})
