/** A real Redis on a port of its own, without anything on disk. */
import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

export interface RunningRedis {
  readonly url: string
  stop(): Promise<void>
}

export async function startRedis(program: string, port?: number): Promise<RunningRedis> {
  const taken = port ?? (await freePort())
  const options = ['--port', String(taken), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    let told = ''
    child.once('error', reject)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text
      if (/ready to accept connections/i.test(told)) resolve()
    })
    child.once('exit', () => reject(new Error(`Cannot start Redis: ${told}`)))
  })
  return {
    url: `redis://127.0.0.1:${taken}/0`,
    async stop() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
