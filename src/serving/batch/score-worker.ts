/** A thread that scores blocks, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { type FieldProblem, Problem, type ProblemCode } from '../../errors.ts'
import { openParquet } from './parquet-rows.ts'
import { rowJson } from './parsed-rows.ts'
import { type Ask, type Block, type ScoredBlock, type ScorePlan, scoreBlock, scorerOf } from './score-block.ts'
import type { Answers } from './scored-rows.ts'

export interface ScorerTask {
  readonly plan: ScorePlan
  /** Whether the owner of this thread gives the answers. */
  readonly asks: boolean
}

export type ToScorer =
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'answers'; readonly answers: Answers }

export type FromScorer =
  | { readonly kind: 'scored'; readonly block: ScoredBlock }
  /** Rows as JSON, whose answers are wanted next. */
  | { readonly kind: 'ask'; readonly rows: readonly string[] }
  | {
      readonly kind: 'problem'
      readonly code: ProblemCode
      readonly message: string
      readonly fields: readonly FieldProblem[]
    }

const OWN_BYTES_MIN = 65_536

const port = parentPort
if (port !== null) {
  const { plan, asks } = workerData as ScorerTask
  const scorer = scorerOf(plan)
  const parquet = plan.input === 'parquet' ? await openParquet(plan.inputPath) : undefined
  const tell = (message: FromScorer, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
  let answered: ((answers: Answers) => void) | undefined
  const ask: Ask = ({ count, values }, signature) => {
    const rows: string[] = []
    for (let row = 0; row < count; row++) rows.push(rowJson(signature, values, row))
    tell({ kind: 'ask', rows })
    return new Promise(resolve => {
      answered = resolve
    })
  }
  port.on('message', (message: ToScorer) => {
    if (message.kind === 'answers') {
      answered?.(message.answers)
      return
    }
    scoreBlock(plan, scorer, message.block, parquet, asks ? ask : undefined).then(
      block => tell({ kind: 'scored', block }, buffersOf(block)),
      (error: unknown) => {
        // Anything but a Problem is a fault of ours: it ends this thread as an uncaught error, which the owner hears of.
        if (!(error instanceof Problem)) throw error
        const { code, message: text, fields } = error
        tell({ kind: 'problem', code, message: text, fields })
      },
    )
  })
}

/** Handed over, not copied. Small ones share Node's pool of buffers, which cannot be given away. */
function buffersOf({ output, rejections }: ScoredBlock): ArrayBuffer[] {
  return [output, rejections].filter(({ length }) => length >= OWN_BYTES_MIN).map(({ buffer }) => buffer as ArrayBuffer)
}
