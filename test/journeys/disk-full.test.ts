/**
 * Purpose: a full disk refuses predictions, tells why, loses nothing, and ends by itself. Method: the data folder of a real
 * server lies on a small file system of its own, which is filled to the last byte and then freed.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bellwether, temporaryFolder, withServer } from '../server.ts'
import { tinyModel } from './model.ts'

const SIZE = '24m'
const RECOVERED_MS_MAX = 10_000

/** A file system of its own, or why there is none. */
function smallDisk(t: TestContext): string | undefined {
  const folder = temporaryFolder()
  let isMounted = false
  t.after(() => {
    if (isMounted) execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder], { stdio: 'ignore' })
    isMounted = true
    return folder
  } catch {
    t.skip('mounting a file system needs rights that this user does not have')
    return undefined
  }
}

/** Writes until nothing more fits. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  for (const size of [1 << 20, 1 << 12, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size))
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  }
  closeSync(file)
}

async function predict(url: string): Promise<{ status: number; code?: string; id?: string }> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/predict`, { method: 'POST', headers, body: '{"age":47,"tenure":2}' })
  return { ...((await response.json()) as { code?: string; id?: string }), status: response.status }
}

test('a full disk: 503 with the reason, reads go on, and predictions come back by themselves', async t => {
  const disk = smallDisk(t)
  if (disk === undefined) return
  const artifact = join(disk, 'model.json')
  const ballast = join(disk, 'ballast')
  writeFileSync(artifact, tinyModel())
  await withServer({ data: join(disk, 'data') }, async server => {
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
    const ask = () => predict(server.url)
    const acknowledged = [(await ask()).id!]

    fill(ballast)
    let refused = 0
    for (let n = 0; n < 200; n++) {
      const { status, code, id } = await ask()
      // What is left of the journal's last block may still take a record or two.
      if (status === 200) acknowledged.push(id!)
      else {
        assert.deepEqual({ status, code }, { status: 503, code: 'storage_full' })
        refused++
      }
    }
    assert.ok(refused > 150, `refused: ${refused}`)
    assert.equal((await fetch(`${server.url}/readyz`)).status, 503, 'not ready while nothing can be recorded')
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200, 'and alive')
    assert.equal((await fetch(`${server.url}/models/tiny`)).status, 200)

    rmSync(ballast)
    const deadline = Date.now() + RECOVERED_MS_MAX
    let answer = await ask()
    for (; answer.status !== 200 && Date.now() < deadline; answer = await ask()) refused++
    assert.equal(answer.status, 200, 'recovered by itself')
    acknowledged.push(answer.id!)
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200)

    const lines = (await (await fetch(`${server.url}/audit/records`)).text()).trimEnd().split('\n')
    const records = lines.map(line => JSON.parse(line) as { id: string; kind: string; count?: number })
    const predictions = records.filter(({ kind }) => kind === 'prediction').map(({ id }) => id)
    assert.deepEqual(predictions, acknowledged, 'what was acknowledged is there, once, and nothing else')
    const told = records.filter(({ kind }) => kind === 'refusal').reduce((sum, { count }) => sum + count!, 0)
    assert.equal(told, refused, 'and each refusal was counted through')
  })
  const verified = await bellwether(['audit', 'verify', '--data', join(disk, 'data')])
  assert.equal(verified.status, 0, verified.stdout + verified.stderr)
})
