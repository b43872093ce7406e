/** Schemathesis reads our OpenAPI document and sends what it can think of: no 5xx, no status that is not documented. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { tinyModel } from '../journeys/model.ts'
import { bellwether, temporaryFolder, withServer } from '../server.ts'
import { PYTHON, skipUnless } from '../services.ts'

const CHECKS = 'not_a_server_error,status_code_conformance,content_type_conformance'
const EXAMPLES = '25'

test('schemathesis finds nothing against a server with a model', { skip: skipUnless('python') }, async t => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await withServer({}, async server => {
    writeFileSync(join(folder, 'model.json'), tinyModel())
    const artifact = join(folder, 'model.json')
    const registered = await bellwether([
      'register',
      artifact,
      '--name',
      'tiny',
      '--version',
      '1.0.0',
      '--server',
      server.url,
    ])
    assert.equal(registered.status, 0, registered.stderr)
    const schemathesis = join(dirname(PYTHON), 'schemathesis')
    const options = ['--checks', CHECKS, '--max-examples', EXAMPLES, '--seed', '7', '--workers', '1', '--no-color']
    // POST /keys would end the keyless server's openness half-way: keys have tests of their own.
    const ended = spawnSync(
      schemathesis,
      ['run', `${server.url}/openapi.json`, ...options, '--exclude-path', '/keys'],
      {
        encoding: 'utf8',
        cwd: folder,
        maxBuffer: 64 * 1024 * 1024,
      },
    )
    assert.equal(ended.status, 0, `${ended.stdout.slice(-12_000)}\n${ended.stderr.slice(-2_000)}`)
  })
})
