/**
 * The same exercise by the stock client against MLflow's own server and against ours, on both databases. What differs must
 * be explained, each explanation must be needed, and the docs must have it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { postgresPlace } from '../../postgres.ts'
import { skipUnless } from '../../services.ts'
import { withApp } from '../../serving/app.ts'
import { type Difference, differences, sentence } from './compare.ts'
import { EXPLAINED, type Explained } from './explained.ts'
import { type Answers, exercised, mlflowServer, type Part } from './servers.ts'

const DOCS = new URL('../../../docs/mlflow.md', import.meta.url)
const SHOWN = 40

/** Of what notebooks do, the end is compared: their libraries log from several threads, and what is asked when is chance. */
const PARTS: readonly { readonly part: Part; readonly isWireCompared: boolean }[] = [
  { part: 'raw', isWireCompared: true },
  { part: 'tracking', isWireCompared: true },
  { part: 'registry', isWireCompared: true },
  { part: 'learning', isWireCompared: false },
]

/** The client keeps prompts for a while, and asks for them again when it sees fit. */
const CHANCE = /^said prompts/

const skip = skipUnless('mlflow')
const used = new Set<Explained>()
const embedded = new Map<Part, Answers>()

function explains({ asked, where }: Difference): Explained | undefined {
  return EXPLAINED.find(one => one.asked.test(asked) && (one.where === undefined || one.where.test(where)))
}

async function answersOfMlflow(part: Part): Promise<Answers> {
  const server = await mlflowServer()
  try {
    return await exercised(part, server)
  } finally {
    await server.stop()
  }
}

function compared(part: Part, answers: Answers, isWireCompared: boolean): Answers {
  assert.ok(answers.size > 10, `${part} asked too little: ${answers.size}`)
  const isCompared = (asked: string): boolean => asked.startsWith('seen') || (isWireCompared && !CHANCE.test(asked))
  return new Map([...answers].filter(([asked]) => isCompared(asked)))
}

function requireExplained(found: readonly Difference[]): void {
  const unexplained = found.filter(one => {
    const explanation = explains(one)
    if (explanation !== undefined) used.add(explanation)
    return explanation === undefined
  })
  assert.deepEqual(unexplained.slice(0, SHOWN).map(sentence), [])
}

describe('the stock client is answered as by its own server', { skip, concurrency: 2 }, () => {
  for (const { part, isWireCompared } of PARTS) {
    test(part, async () => {
      const theirs = compared(part, await answersOfMlflow(part), isWireCompared)
      await withApp({}, async ({ url }) => {
        const ours = compared(part, await exercised(part, { url }), isWireCompared)
        embedded.set(part, ours)
        requireExplained(differences(theirs, ours))
      })
    })
  }
})

describe('explanations', { skip }, () => {
  test('each is needed', () => {
    const idle = EXPLAINED.filter(one => !used.has(one)).map(({ why }) => why)
    assert.deepEqual(idle, [])
  })

  test('each stands in the docs', () => {
    const docs = readFileSync(DOCS, 'utf8').replace(/\s+/g, ' ')
    const missing = EXPLAINED.filter(({ why }) => !docs.includes(why)).map(({ why }) => why)
    assert.deepEqual(missing, [])
  })
})

describe('the same on PostgreSQL as on SQLite', { skip: skip || skipUnless('postgres') }, () => {
  for (const part of ['raw', 'tracking', 'registry'] as const) {
    test(part, async t => {
      const { url: database } = await postgresPlace(t)
      await withApp({ 'database.url': database }, async ({ url }) => {
        const found = differences(embedded.get(part)!, compared(part, await exercised(part, { url }), true))
        assert.deepEqual(found.slice(0, SHOWN).map(sentence), [])
      })
    })
  }
})
