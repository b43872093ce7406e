import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { openSpecimen, type SpecimenDoor } from './http-specimen.suite.ts'

let door: SpecimenDoor
before(async () => {
  door = await openSpecimen()
})
after(() => door.door.close(1_000))

/** Sends a body of chunks and reads nothing before the last of it is written, as clients do that know no better. */
async function deaf(path: string, chunks: number): Promise<string> {
  const { hostname, port } = new URL(door.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.pause()
  const head = ['host: a', 'content-type: application/json', 'authorization: Bearer all', 'transfer-encoding: chunked']
  socket.write(`POST ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`)
  const chunk = Buffer.from(`10000\r\n${' '.repeat(65_536)}\r\n`)
  for (let i = 0; i < chunks; i++) if (!socket.write(chunk)) await once(socket, 'drain')
  await new Promise(resolve => socket.write('0\r\n\r\n', resolve))
  const [answer] = await Promise.all([once(socket, 'data'), socket.resume()])
  socket.destroy()
  return String(answer)
}

describe('a caller that listens only once it has sent', () => {
  for (const path of ['/invoke', '/things']) {
    it(`hears why its body of 8 MB is not wanted at ${path}`, async () => {
      const heard = await deaf(path, 128)
      assert.match(heard, /^HTTP\/1\.1 413 /)
      assert.match(heard, /more than 1000 bytes/)
    })
  }
})
