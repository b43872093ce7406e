/** Schemathesis reads our OpenAPI document and sends what it can think of: no 5xx, no status that is not documented. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tinyModel } from '../journeys/model.ts'
import { bellwether, temporaryFolder, withServer } from '../server.ts'
import { PYTHON, skipUnless } from '../services.ts'

const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance'
/** Sequences of calls say nothing new of a protocol that keeps no state. */
const PHASES: readonly string[] = ['--phases', 'examples,coverage,fuzzing']
const OPEN_INFERENCE = fileURLToPath(new URL('open-inference.yaml', import.meta.url))
const EXAMPLES = '25'

/** Runs it against a server with a model, and wants it to find nothing. */
async function run(t: TestContext, checks: string, description: (url: string) => readonly string[]): Promise<string> {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let stdout = ''
  await withServer({}, async server => {
    const artifact = join(folder, 'model.json')
    writeFileSync(artifact, tinyModel())
    const named = ['--name', 'tiny', '--version', '1.0.0', '--server', server.url]
    const registered = await bellwether(['register', artifact, ...named])
    assert.equal(registered.status, 0, registered.stderr)
    const schemathesis = join(dirname(PYTHON), 'schemathesis')
    const options = ['--checks', checks, '--max-examples', EXAMPLES, '--seed', '7', '--workers', '1', '--no-color']
    const ended = spawnSync(schemathesis, ['run', ...description(server.url), ...options], {
      encoding: 'utf8',
      cwd: folder,
      maxBuffer: 64 * 1024 * 1024,
    })
    assert.equal(ended.status, 0, `${shortened(ended.stdout)}\n${ended.stderr.slice(-2_000)}`)
    stdout = ended.stdout
  })
  return stdout
}

test('schemathesis finds nothing against a server with a model', { skip: skipUnless('python') }, async t => {
  // POST /keys would end the keyless server's openness half-way: keys have tests of their own.
  await run(t, CHECKS, url => [`${url}/openapi.json`, '--exclude-path', '/keys'])
})

test('nor by the description of the Open Inference Protocol', { skip: skipUnless('python') }, async t => {
  const checks = `${CHECKS},response_schema_conformance`
  const stdout = await run(t, checks, url => [OPEN_INFERENCE, '--url', url, ...PHASES])
  assert.match(stdout, /Operations:\s+10 selected \/ 10 total/)
})

/** The begin tells which operation failed, the end what of them all. */
function shortened(text: string): string {
  const half = 12_000
  return text.length <= 2 * half ? text : `${text.slice(0, half)}\n…\n${text.slice(-half)}`
}
