import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { it } from 'node:test'
import { connections } from './connections.ts'

it('lets go of who does not take what it asked for, and of nobody who only waits', async () => {
  const open = connections(10, () => performance.now(), 40)
  const server = createServer((message, response) => {
    open.used(message)
    if (message.url === '/large') response.end('x'.repeat(30_000_000))
    else setTimeout(() => response.end('late'), 200)
  })
  open.watch(server)
  server.on('connection', open.admits)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ended = new Promise<void>(resolve => server.once('connection', socket => socket.on('close', () => resolve())))
  const greedy = connect(port, '127.0.0.1', () => greedy.write('GET /large HTTP/1.1\r\nhost: a\r\n\r\n'))
  greedy.pause()
  greedy.on('error', () => {})
  const patient = await fetch(`http://127.0.0.1:${port}/late`)
  assert.equal(await patient.text(), 'late')
  await ended
  greedy.destroy()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})
