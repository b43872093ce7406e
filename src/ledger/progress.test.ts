import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { progress } from './progress.ts'

/** Sleeps until the writer's counter passes 5, then says what it sees. */
const FOLLOWER = `
  import { parentPort, workerData } from 'node:worker_threads'
  const { progress } = await import(workerData.module)
  const seen = progress(workerData.shared)
  parentPort.on('message', () => undefined) // as a thread that can be asked: its event loop goes on
  parentPort.postMessage('asleep')
  await seen.sleep(5, 600_000)
  parentPort.postMessage(seen.written())
`

describe('progress', () => {
  it('shows one thread what another counted', async () => {
    const journal = progress()
    journal.setWritten(2 ** 40)
    journal.setFlushed(2 ** 33 + 1)
    const follower = progress(journal.shared)
    assert.equal(follower.written(), 2 ** 40)
    assert.equal(follower.flushed(), 2 ** 33 + 1)
  })

  it('wakes a sleeper by the next record, or lets it sleep no longer than it wanted', async () => {
    const journal = progress()
    const asleep = journal.sleep(0, 600_000)
    journal.setWritten(1)
    await asleep
    await journal.sleep(0, 600_000) // more than 0 records are there already
    await journal.sleep(1, 1)
  })

  it('wakes a sleeper on another thread', async () => {
    const journal = progress()
    journal.setWritten(5)
    const module = new URL('./progress.ts', import.meta.url).href
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(FOLLOWER)}`), {
      workerData: { module, shared: journal.shared },
    })
    const heard = await new Promise(resolve => {
      worker.on('message', message => (message === 'asleep' ? journal.setWritten(6) : resolve(message)))
    })
    assert.equal(heard, 6)
    await worker.terminate()
  })
})
