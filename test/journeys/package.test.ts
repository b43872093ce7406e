/** The package as npm would publish it, installed beside what it depends on: no TypeScript, no source, no development tools. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildPackage } from '../../scripts/build-package.ts'
import { tinyAnswer, tinyModel } from './model.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const START_MS_MAX = 20_000

const home = mkdtempSync(join(tmpdir(), 'bellwether-package-'))
const installed = join(home, 'node_modules/bellwether')
const bin = join(installed, 'bin/bellwether.js')

interface Manifest {
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
}

before(async () => {
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  mkdirSync(installed, { recursive: true })
  for (const name of [...files, 'package.json'].filter(name => name !== 'dist')) {
    execFileSync('cp', ['-r', join(ROOT, name), installed])
  }
  await buildPackage(join(installed, 'dist'))
  for (const path of neededPackages()) {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    symlinkSync(join(ROOT, path), join(home, path))
  }
})

after(() => rmSync(home, { recursive: true, force: true }))

/** What `npm install` brings to a user: every package of the lockfile that is not for development. */
function neededPackages(): string[] {
  const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, { dev?: boolean }>> }
  return Object.entries(packages)
    .filter(([path, { dev }]) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path) && dev !== true)
    .map(([path]) => path)
    .filter(path => existsSync(join(ROOT, path)))
}

function bellwether(...args: string[]): string {
  return execFileSync(process.execPath, [bin, ...args], { cwd: home, encoding: 'utf8' })
}

test('what is not compiled is there too, where those who read it look', () => {
  const texts = globSync('src/**/*.{py,proto}', { cwd: ROOT }).map(file => file.replace(/^src\//, ''))
  assert.ok(texts.includes('runtimes/worker.py'))
  for (const file of texts) assert.ok(existsSync(join(installed, 'dist', file)), file)
})

test('the program is a few files, with the licences of what is in them', () => {
  const program = join(installed, 'dist/program')
  const scripts = readdirSync(program).filter(file => file.endsWith('.js'))
  assert.ok(scripts.length < 200, `${scripts.length} files`)
  for (const script of scripts) {
    const text = readFileSync(join(program, script), 'utf8')
    assert.doesNotMatch(
      text,
      /node_modules\/(?:@duckdb|onnxruntime-node|pg)\//,
      `${script} has a package that has native parts`,
    )
  }
  const licences = readFileSync(join(program, 'LICENSES.txt'), 'utf8')
  for (const name of ['pino', 'kysely', 'typebox', 'yaml', 'find-my-way']) {
    assert.match(licences, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\((?:MIT|ISC)\\)$`, 'm'))
  }
  assert.doesNotMatch(licences, /\(undefined\)/)
})

test('nothing is published that only we need', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
  const ours = files.filter(file => /\.(?:test|suite)\.|(?<!\.d)\.ts$|^dist\/tidy/.test(file))
  assert.deepEqual(ours, [])
  for (const file of ['LICENSE', 'README.md', 'dist/cli.js', 'dist/cli.d.ts', 'tools/verify-export.mjs']) {
    assert.ok(files.includes(file), file)
  }
})

test('its parts can be imported alone', () => {
  const program = `
    import { rocAuc } from 'bellwether/math'
    import { predictorOf, loadArtifact } from 'bellwether/predictor'
    import { client, httpTransport } from 'bellwether/client'
    const predictor = predictorOf(loadArtifact(Buffer.from(${JSON.stringify(tinyModel())})))
    const out = new Float64Array(1)
    predictor.predict(Float64Array.of(47, 2), 1, out)
    const auc = rocAuc(Float64Array.of(0, 1), Float64Array.of(0.1, 0.9))
    console.log(JSON.stringify([out[0], auc, typeof client(httpTransport('http://localhost')).send]))`
  writeFileSync(join(home, 'alone.mjs'), program)
  const [answer, auc, send] = JSON.parse(
    execFileSync(process.execPath, [join(home, 'alone.mjs')], { encoding: 'utf8' }),
  )
  assert.ok(Math.abs(answer - tinyAnswer(47, 2)) < 1e-6)
  assert.deepEqual([auc, send], [1, 'function'])
})

test('it starts, registers, predicts, seals and verifies', async () => {
  const data = join(home, 'data')
  const server = spawn(process.execPath, [bin, 'start', '--data', data, '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  server.stderr.on('data', chunk => {
    stderr += chunk
  })
  try {
    const url = await urlOf(
      data,
      () => server.exitCode === null,
      () => stderr,
    )
    writeFileSync(join(home, 'model.json'), tinyModel())
    bellwether('register', 'model.json', '--name', 'tiny', '--version', '1.0.0', '--data', data)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/predict`, { method: 'POST', headers, body: '{"age":47,"tenure":2}' })
    assert.equal(response.status, 200, stderr)
    const page = await (await fetch(url)).text()
    for (const [, file] of page.matchAll(/(?:src|href)="(\/dashboard\/[^"]+)"/g)) {
      assert.equal((await fetch(url + file)).status, 200, file)
    }
    bellwether('audit', 'export', '--output', join(home, 'proof'), '--data', data)
    const verifier = join(home, 'proof/verify-export.mjs')
    execFileSync(process.execPath, [verifier, join(home, 'proof')], { stdio: ['ignore', 'ignore', 'inherit'] })
    bellwether('audit', 'verify', '--data', data)
  } finally {
    const gone = once(server, 'exit')
    server.kill('SIGTERM')
    await gone
  }
})

async function urlOf(data: string, isAlive: () => boolean, said: () => string): Promise<string> {
  const deadline = Date.now() + START_MS_MAX
  while (isAlive() && Date.now() < deadline) {
    const path = join(data, 'server.json')
    if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { url: string }).url
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error(`Cannot start the published server: ${said()}`)
}
