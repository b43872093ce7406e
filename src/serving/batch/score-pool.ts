/** Threads that score blocks side by side; results come in the order of the blocks. */
import { Worker } from 'node:worker_threads'
import { Problem } from '../../errors.ts'
import { workerUrl } from '../../platform/threads.ts'
import type { Block, ScoredBlock, ScorePlan } from './score-block.ts'
import type { FromScorer, ScorerTask, ToScorer } from './score-worker.ts'
import type { Answers } from './scored-rows.ts'

/** Blocks that wait for each thread: one is in work, one is ready. */
const BLOCKS_EACH = 2
const HEAP_MB_MAX = 1024
const YOUNG_MB_MAX = 32

interface Job {
  readonly block: Block
  readonly done: PromiseWithResolvers<ScoredBlock>
}

/** Answers rows, JSON objects of features. */
export type AnswerRows = (rows: readonly string[]) => Promise<Answers>

export interface Scoring {
  readonly plan: ScorePlan
  readonly threads: number
  /** Who answers; the threads do, if nobody else. */
  readonly answer?: AnswerRows
  /** Gives up. */
  readonly signal: AbortSignal
}

/**
 * @param blocks what to score, with what the caller wants to know beside each.
 */
export async function* scoreAll<T extends { readonly block: Block }>(
  scoring: Scoring,
  blocks: AsyncIterable<T>,
): AsyncGenerator<T & { readonly scored: ScoredBlock }, void, undefined> {
  const { threads, signal } = scoring
  const pool = openPool(scoring)
  const waiting: { readonly asked: T; readonly result: Promise<ScoredBlock> }[] = []
  try {
    for await (const asked of blocks) {
      signal.throwIfAborted()
      const result = pool.score(asked.block)
      result.catch(() => {}) // told when its turn comes
      waiting.push({ asked, result })
      if (waiting.length < threads * BLOCKS_EACH) continue
      const { asked: first, result: scored } = waiting.shift()!
      yield { ...first, scored: await scored }
    }
    for (const { asked, result } of waiting) {
      signal.throwIfAborted()
      yield { ...asked, scored: await result }
    }
  } finally {
    await pool.close()
  }
}

interface Pool {
  score(block: Block): Promise<ScoredBlock>
  close(): Promise<void>
}

function openPool({ plan, threads, answer }: Scoring): Pool {
  const queue: Job[] = []
  const idle: Worker[] = []
  const jobs = new Map<Worker, Job | undefined>()
  let failure: Error | undefined

  const give = (worker: Worker, job: Job): void => {
    jobs.set(worker, job)
    worker.postMessage({ kind: 'block', block: job.block } satisfies ToScorer)
  }
  const heard = (worker: Worker, message: FromScorer): void => {
    if (message.kind === 'ask') {
      answer!(message.rows).then(
        answers => worker.postMessage({ kind: 'answers', answers } satisfies ToScorer),
        (error: Error) => fail(error),
      )
      return
    }
    const { done } = jobs.get(worker)!
    jobs.set(worker, undefined)
    const next = queue.shift()
    if (next === undefined) idle.push(worker)
    else give(worker, next)
    if (message.kind === 'scored') done.resolve(message.block)
    else done.reject(new Problem(message.code, message.message, { fields: message.fields }))
  }
  const fail = (error: Error): void => {
    failure = error
    for (const job of [...queue.splice(0), ...jobs.values()]) job?.done.reject(error)
  }
  const start = (): Worker => {
    const workerData: ScorerTask = { plan, asks: answer !== undefined }
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB_MAX, maxYoungGenerationSizeMb: YOUNG_MB_MAX }
    const worker = new Worker(workerUrl(import.meta.url, './score-worker'), { workerData, resourceLimits })
    worker.on('message', (message: FromScorer) => heard(worker, message))
    worker.on('error', fail)
    jobs.set(worker, undefined)
    return worker
  }
  return {
    score(block) {
      const job: Job = { block, done: Promise.withResolvers() }
      if (failure !== undefined) job.done.reject(failure)
      else {
        const worker = idle.pop() ?? (jobs.size < threads ? start() : undefined)
        if (worker === undefined) queue.push(job)
        else give(worker, job)
      }
      return job.done.promise
    },
    async close(): Promise<void> {
      await Promise.all([...jobs.keys()].map(worker => worker.terminate()))
    },
  }
}
