/**
 * A connection that was on its way to a worker when the worker died goes to another. `node:cluster` would keep it for an answer
 * that does not come any more: its caller would wait for ever. (Node 24: `lib/internal/cluster/round_robin_handle.js` gives
 * each worker one connection at a time and waits until it says whether it takes it.)
 */
import type { Worker } from 'node:cluster'

/** A connection as the cluster passes it on, before anybody has made a socket of it. */
interface Connection {
  close(): void
}

interface ClusterMessage {
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

type Send = (message: ClusterMessage, connection?: Connection, ...more: unknown[]) => boolean

/** @param hasOthers whether another worker could take it; where none can, the caller learns that it was for nothing. */
export function passOnUntaken({ process: child }: Worker, hasOthers: () => boolean): void {
  const untaken = new Map<number, Connection>()
  const send = child.send.bind(child) as unknown as Send
  const noted: Send = (message, connection, ...more) => {
    if (message?.act === 'newconn' && message.seq !== undefined && connection !== undefined) {
      untaken.set(message.seq, connection)
    }
    return send(message, connection, ...more)
  }
  child.send = noted as unknown as typeof child.send
  child.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) untaken.delete(ack)
  })
  // After all that it still said was heard: what it took, it had said so before it looked at it.
  child.once('disconnect', () => {
    for (const [seq, connection] of [...untaken]) {
      if (hasOthers()) child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false })
      else connection.close()
    }
    untaken.clear()
  })
}
