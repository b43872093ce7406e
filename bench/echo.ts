/** What everything is compared with: bare `node:http` that reads a JSON body and answers with it. Prints its URL. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    // Whoever looks whether it is there sends no body.
    const text = chunks.length === 0 ? '{}' : JSON.stringify(JSON.parse(Buffer.concat(chunks).toString('utf8')))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    response.end(text)
  })
})

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
// Nobody is left to ask when whoever started it is gone.
process.on('disconnect', () => process.exit(0))
