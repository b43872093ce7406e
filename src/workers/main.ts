/** The program of a worker process, which `supervisor.ts` starts. */
import { Socket } from 'node:net'
import { asProblem } from '../errors.ts'
import { linkOver } from '../platform/link.ts'
import { FAILED, type Failed, LINK_FD } from './protocol.ts'
import { runWorker } from './worker.ts'

// A terminal and a service manager tell all processes of a group; when to end, the one that has started us decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const link = linkOver(new Socket({ fd: LINK_FD, readable: true, writable: true }))
// Without the one that keeps the records there is nothing to answer.
void link.gone.then(() => process.exit(1))

try {
  await runWorker(link)
  process.exit(0)
} catch (error) {
  const { code, message, cause } = asProblem(error)
  // A fault of ours is told as such, and what it was is in this log only.
  if (cause instanceof Error) process.stderr.write(`${cause.stack}\n`)
  await link.ask(FAILED, { code, message } satisfies Failed).catch(() => undefined)
  process.exit(1)
}
