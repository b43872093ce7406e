import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { it } from 'node:test'
import { openSpecimen } from './http-specimen.suite.ts'
import { readByOneBuffer } from './one-buffer.ts'

/** Connects and tells when so many bytes have come, or the other end has gone. */
function asked(port: number, text: string, bytes: number): { socket: Socket; told: Promise<string> } {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  const told = new Promise<string>(resolve => {
    let all = ''
    socket.on('data', chunk => {
      all += chunk
      if (all.length >= bytes) resolve(all)
    })
    socket.on('close', () => resolve(all)).on('error', () => {})
  })
  return { socket, told }
}

it('reads connections into the same bytes, and leaves to the stream what it does not take', async () => {
  const server = createServer()
  server.removeAllListeners('connection')
  const places = new Set<ArrayBufferLike>()
  server.on('connection', (made: Socket) => {
    const socket = readByOneBuffer(made, (bytes, length) => {
      places.add(bytes.buffer)
      const text = bytes.toString('latin1', 0, length)
      if (text === 'more') return false
      socket!.write(`${text.length}:${text}`)
      return true
    })
    assert.ok(socket, 'this Node has no longer what it takes')
    assert.equal(made.destroyed, false)
    socket.on('data', chunk => socket.write(`stream:${chunk}`)).on('end', () => socket.end())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const all = ['a', 'bb', 'ccc'].map(text => asked(port, text, 3))
  assert.deepEqual((await Promise.all(all.map(({ told }) => told))).sort(), ['1:a', '2:bb', '3:ccc'])
  assert.equal(places.size, 1)
  const again = new Promise<string>(resolve => all[0]!.socket.once('data', chunk => resolve(String(chunk))))
  all[0]!.socket.write('more')
  assert.equal(await again, 'stream:more')
  for (const { socket } of all) socket.destroy()
  await new Promise(resolve => server.close(resolve)) // which waits for all of its connections
})

it('does not mix what connections bring that are read in turns', async () => {
  const { door, port } = await openSpecimen({ concurrencyMax: 100 })
  const texts = Array.from({ length: 50 }, (_, n) => `{"n":${n},"x":"${'x'.repeat(n * 13)}"}`)
  const sockets = texts.map(() => connect(port, '127.0.0.1'))
  const told = sockets.map(socket => new Promise<string>(resolve => socket.once('data', chunk => resolve(`${chunk}`))))
  const head = (text: string): string =>
    `POST /invoke HTTP/1.1\r\nhost: a\r\nauthorization: Bearer all\r\ncontent-length: ${text.length}\r\n\r\n`
  for (const [at, text] of texts.entries()) sockets[at]!.write(head(text) + text.slice(0, at))
  await new Promise(resolve => setTimeout(resolve, 20))
  for (const [at, text] of texts.entries()) sockets[at]!.write(text.slice(at))
  for (const [at, answer] of (await Promise.all(told)).entries()) {
    assert.equal((JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { text: string }).text, texts[at])
  }
  for (const socket of sockets) socket.destroy()
  await door.close(1_000)
})

it('keeps the number of connections bounded: who has brought nothing makes room', async () => {
  const { door, port } = await openSpecimen({ connectionsMax: 3 })
  const silent = Array.from({ length: 3 }, () => asked(port, '', 1))
  const ended = Promise.race(silent.map(({ told }) => told))
  await new Promise(resolve => setTimeout(resolve, 300))
  const request = 'POST /invoke HTTP/1.1\r\nhost: a\r\nauthorization: Bearer all\r\ncontent-length: 2\r\n\r\n{}'
  const { socket, told } = asked(port, request, 20)
  assert.match(await told, /^HTTP\/1\.1 200 /)
  assert.equal(await ended, '')
  for (const { socket } of silent) socket.destroy()
  socket.destroy()
  await door.close(1_000)
})
