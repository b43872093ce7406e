/** `bellwether bench` and `bellwether smoke` as processes, against a server that runs. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { bellwether, type RunningServer, startServer, temporaryFolder } from '../server.ts'

interface Report {
  readonly url: string
  readonly requests: number
  readonly answered: number
  readonly rate: number
  readonly threads: number
  readonly errors: Readonly<Record<string, number>>
  readonly latencyMs: { readonly p99: number }
  readonly server: { readonly cpuUs?: number; readonly residentBytes?: number }
  readonly targets: readonly { readonly name: string; readonly met?: boolean }[]
  readonly met: boolean
  readonly rowsFrom: string
  readonly tried?: readonly { readonly rate: number; readonly isGood: boolean }[]
}

describe('bench and smoke', () => {
  let server: RunningServer
  let folder: string
  const run = (...args: string[]): ReturnType<typeof bellwether> => bellwether([...args, '--data', server.data])
  const bench = async (...args: string[]): Promise<{ readonly report: Report; readonly status: number }> => {
    const { status, stdout, stderr } = await run('bench', ...args, '--json', '--warm-up', '100ms')
    assert.ok(stdout.startsWith('{'), stderr)
    return { report: JSON.parse(stdout) as Report, status }
  }

  before(async () => {
    server = await startServer()
    folder = temporaryFolder()
    writeFileSync(join(folder, 'model.json'), tinyModel())
    writeFileSync(join(folder, 'train.csv'), 'age,tenure,left\n30,1,0\n50,2,1\n60,9,0\n20,3,1\n')
    writeFileSync(
      join(folder, 'model.yaml'),
      `name: tiny
version: 1.0.0
artifact: model.json
reference: train.csv
signature:
  inputs: [{name: age, type: integer}, {name: tenure, type: number}]
  output: {name: left, type: number}
service: {p99LatencyMs: 5000, requestsPerSecond: 40}
`,
    )
    const registered = await run('register', join(folder, 'model.yaml'))
    assert.equal(registered.status, 0, registered.stderr)
  })
  after(async () => {
    await server.kill('SIGTERM')
    for (const path of [server.data, folder]) rmSync(path, { recursive: true, force: true })
  })

  test('a model at the rate it is made for, with rows like its training data, against its own targets', async () => {
    const html = join(folder, 'report.html')
    const { report, status } = await bench('tiny', '--duration', '1s', '--arrivals', 'even', '--html', html)
    assert.equal(status, 0)
    assert.equal(report.url, `${server.url}/models/tiny/predict`)
    assert.deepEqual([report.rate, report.requests, report.answered, report.met], [40, 40, 40, true])
    assert.match(report.rowsFrom, /training data/)
    assert.deepEqual(
      report.targets.map(({ name, met }) => [name, met]),
      [
        ['p99 latency', undefined], // forty are too few
        ['errors', true],
        ['rate', true],
      ],
    )
    assert.ok((report.server.cpuUs ?? 0) > 0 && (report.server.residentBytes ?? 0) > 1e7, JSON.stringify(report.server))
    assert.match(readFileSync(html, 'utf8'), /<h1>tiny@1.0.0<\/h1>/)
    const recorded = await run('ledger', 'query', '--model', 'tiny', '--limit', '100', '--json')
    const { records } = JSON.parse(recorded.stdout) as { records: { kind: string }[] }
    assert.equal(records.filter(({ kind }) => kind === 'prediction').length, 45, 'warm-up, measured, and the first one')
  })

  test('rows of a file, and a target that cannot be met: status 1', async () => {
    const rows = join(folder, 'rows.csv')
    writeFileSync(rows, 'id,tenure,age\n1,2.5,44\n2,7,39\n')
    const { report, status } = await bench('tiny@1.0.0', '--rows', rows, '-d', '2s', '-r', '100', '--p99', '0.001')
    assert.equal(status, 1)
    assert.match(report.url, /\/models\/tiny\/versions\/1.0.0\/predict$/)
    assert.equal(report.targets.find(({ name }) => name === 'p99 latency')?.met, false)
    assert.equal(report.answered, report.requests)
  })

  test('a URL of another server: bodies as they stand, failures counted', async t => {
    const seen = new Set<string>()
    let number = 0
    const other = createServer((request, response) => {
      let body = ''
      request.on('data', text => {
        body += text
      })
      request.on('end', () => {
        if (request.method !== 'POST') response.statusCode = 404
        else seen.add(`${request.headers['x-own']} ${request.headers.authorization} ${body}`)
        if (request.method === 'POST') response.statusCode = number++ % 2 === 0 ? 200 : 500
        response.end('{"error":"odd"}')
      })
    })
    t.after(() => other.close())
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/v2/models/x/infer`
    const rows = join(folder, 'bodies.jsonl')
    writeFileSync(rows, '{"inputs": []}\n')
    const options = [
      '--rows',
      rows,
      '-d',
      '1s',
      '-r',
      '20',
      '--arrivals',
      'even',
      '--header',
      'X-Own: 1',
      '--key',
      'k',
      '--threads',
      '2',
    ]
    const { report, status } = await bench(url, ...options)
    assert.equal(status, 1)
    assert.deepEqual([...seen], ['1 Bearer k {"inputs": []}'])
    assert.deepEqual([report.errors['500'], report.threads], [10, 2])
    assert.equal((await bellwether(['bench', url])).status, 64, 'there it is not known what to send')
  })

  test('looks for the highest rate that keeps the targets', async t => {
    let freeAt = 0
    // One after the other, a millisecond each: a thousand a second at most.
    const slow = createServer((request, response) => {
      request.resume()
      freeAt = Math.max(performance.now(), freeAt) + 1
      setTimeout(() => response.end('{}'), freeAt - performance.now())
    })
    t.after(() => slow.close())
    await new Promise<void>(resolve => slow.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/x`
    const rows = join(folder, 'any.jsonl')
    writeFileSync(rows, '{}\n')
    const options = ['--rows', rows, '--find', '--rate', '500', '-d', '600ms', '--p99', '100', '--timeout', '1s']
    const { report } = await bench(url, ...options)
    const { tried = [] } = report
    assert.ok(tried.length > 1 && tried.some(({ isGood }) => !isGood), JSON.stringify(tried))
    assert.ok(
      tried.every(({ rate, isGood }) => !isGood || rate < 1400),
      JSON.stringify(tried),
    )
    const best = Math.max(...tried.filter(({ isGood }) => isGood).map(({ rate }) => rate))
    if (report.met) assert.equal(report.rate, best)
  })

  test('what cannot be load-tested is told before any load', async () => {
    const rows = join(folder, 'bad.jsonl')
    writeFileSync(rows, '{"age": "old", "tenure": 1}\n')
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['nothing'], 66, /nothing/],
      [['tiny', '--rows', rows], 65, /a first request was answered with 422: .*age/],
      [['http://127.0.0.1:9/predict', '--rows', rows], 69, /Cannot reach http:\/\/127\.0\.0\.1:9/],
      [['tiny', '--server', 'localhost'], 64, /wanted a URL/],
      [
        ['http://me:secret@127.0.0.1:9/', '--rows', rows],
        64,
        /^error Cannot ask 127\.0\.0\.1:9 with a password(?!.*secret)/,
      ],
      [['tiny', '--rate', '0'], 64, /--rate 0/],
      [['tiny', '--duration', 'soon'], 64, /--duration soon/],
      [['tiny', '--arrivals', 'sometimes'], 64, /wanted poisson or even/],
      [['tiny', '--connections', '1.5'], 64, /wanted a whole number/],
      [
        ['tiny', '--connections', '2', '--threads', '3'],
        64,
        /--threads 3: each wants a connection, and --connections is 2/,
      ],
    ]
    await Promise.all(
      cases.map(async ([args, status, message]) => {
        const ended = await run('bench', ...args)
        assert.equal(ended.status, status, ended.stderr)
        assert.match(ended.stderr, message)
      }),
    )
    const none = await bellwether(['bench', 'tiny', '--data', join(folder, 'none')])
    assert.equal(none.status, 69)
    assert.match(none.stderr, /start one with `bellwether start`/)
  })

  test('smoke finds a server well, and says what of another is not', async t => {
    const well = await run('smoke', '--json')
    assert.equal(well.status, 0, well.stdout)
    const { checks } = JSON.parse(well.stdout) as { checks: { name: string; state: string }[] }
    assert.deepEqual(
      checks.map(({ name, state }) => `${name} ${state}`),
      ['alive', 'ready', 'API description', 'models', 'tiny: prediction', 'tiny: record', 'metrics'].map(
        name => `${name} ok`,
      ),
    )
    const wrongModel = await bellwether(['smoke', server.url, '--model', 'nothing'])
    assert.equal(wrongModel.status, 1)
    assert.match(wrongModel.stdout, /failed +nothing: prediction/)

    const other = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(request.url === '/healthz' ? '{"status":"ok"}' : '{}')
    })
    t.after(() => other.close())
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const ill = await bellwether(['smoke', `http://127.0.0.1:${(other.address() as AddressInfo).port}`])
    assert.equal(ill.status, 1)
    assert.match(ill.stdout, /failed +API description/)
    assert.equal((await bellwether(['smoke', 'localhost'])).status, 64)
  })
})
