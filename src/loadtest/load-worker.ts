/** A thread of a load: runs its share and hands over what it counted. */
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../math/random.ts'
import type { FromLoadWorker, LoadTask, PackedRequests, ToLoadWorker } from './load-threads.ts'
import { runLoad } from './run-load.ts'

const PROGRESS_MS = 200

const { requests, seed, ...task } = workerData as LoadTask
const port = parentPort!
const stopping = new AbortController()
let begin: ((atMs: number) => void) | undefined
let toldAt = 0

port.on('message', (message: ToLoadWorker) => {
  if (message.kind === 'stop') stopping.abort()
  else begin?.(message.atMs)
})

function tell(message: FromLoadWorker): void {
  port.postMessage(message)
}

function unpacked({ bytes, ends }: PackedRequests): Buffer[] {
  return Array.from(ends, (end, i) => {
    const start = i === 0 ? 0 : ends[i - 1]!
    return Buffer.from(bytes, start, end - start)
  })
}

try {
  const { tally, measuredMs } = await runLoad(
    { ...task, requests: unpacked(requests), random: seededRandom(seed) },
    {
      signal: stopping.signal,
      onProgress(elapsedMs, { due }): void {
        if (elapsedMs - toldAt < PROGRESS_MS) return
        toldAt = elapsedMs
        tell({ kind: 'progress', elapsedMs, due })
      },
      opened(start): void {
        begin = start
        tell({ kind: 'opened' })
      },
    },
  )
  tell({ kind: 'done', tally: tally.data, measuredMs })
} catch (error) {
  tell({ kind: 'failed', reason: (error as Error).message })
}
