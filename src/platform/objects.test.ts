import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { Problem, type ProblemCode } from '../errors.ts'
import { openKeyring } from './crypto.ts'
import { type Objects, openObjects } from './objects.ts'
import { temporaryFolder } from './temporary.suite.ts'

const CHUNK = 64 * 1024
const LIMITS = { bytesMax: 10_000_000, what: 'the artifact' }

const problem =
  (code: ProblemCode, pattern = /^Cannot /) =>
  (error: unknown): boolean =>
    error instanceof Problem && error.code === code && pattern.test(error.message)

interface World {
  readonly folder: string
  readonly objects: Objects
  readonly put: (content: Uint8Array, cuts?: readonly number[]) => Promise<string>
  readonly path: (sha256: string) => string
}

async function opened(t: TestContext): Promise<World> {
  const folder = temporaryFolder(t)
  const objects = openObjects(folder, await openKeyring(folder))
  return {
    folder,
    objects,
    put: async (content, cuts = []) => (await objects.put(pieces(content, cuts), LIMITS)).sha256,
    path: sha256 => join(folder, 'objects', sha256.slice(0, 2), sha256.slice(2)),
  }
}

async function* pieces(content: Uint8Array, cuts: readonly number[] = []): AsyncGenerator<Uint8Array> {
  const at = [0, ...cuts.map(cut => cut % (content.length + 1)).sort((a, b) => a - b), content.length]
  for (let i = 1; i < at.length; i++) yield content.subarray(at[i - 1], at[i])
}

/** Whatever is in the folder of objects but the folder of unfinished ones. */
function files(folder: string): string[] {
  const all = readdirSync(join(folder, 'objects'), { recursive: true, withFileTypes: true })
  return all.filter(entry => entry.isFile()).map(entry => entry.name)
}

test('an object comes back as it went in, however it came in pieces, under the SHA-256 of its content', async t => {
  const { objects } = await opened(t)
  const near = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1].map(length => fc.constant(length))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(...near, fc.nat({ max: 200_000 })),
      fc.array(fc.nat(), { maxLength: 5 }),
      async (length, cuts) => {
        const content = randomBytes(length)
        const { sha256, bytes } = await objects.put(pieces(content, cuts), LIMITS)
        assert.equal(sha256, createHash('sha256').update(content).digest('hex'))
        assert.equal(bytes, length)
        assert.ok(objects.has(sha256))
        assert.ok(content.equals(await objects.bytes(sha256)))
        assert.ok(content.equals(await buffer(objects.stream(sha256))))
      },
    ),
    { numRuns: 40 },
  )
})

test('nothing of the content is on the disk in clear', async t => {
  const { put, path } = await opened(t)
  const stored = readFileSync(path(await put(Buffer.from('confidential '.repeat(20_000)))))
  assert.equal(stored.includes('confidential'), false)
})

test('every flipped byte and every cut of a stored object is found', async t => {
  const { objects, put, path } = await opened(t)
  const sha256 = await put(Buffer.from('a small object'))
  const stored = readFileSync(path(sha256))
  for (let at = 0; at < stored.length; at++) {
    const flipped = Buffer.from(stored)
    flipped[at]! ^= 1 << (at % 8)
    writeFileSync(path(sha256), flipped)
    await assert.rejects(objects.bytes(sha256), problem('corrupt'), `byte ${at} flipped`)
    writeFileSync(path(sha256), stored.subarray(0, at))
    await assert.rejects(objects.bytes(sha256), problem('corrupt'), `cut at ${at}`)
  }
})

test('of a large object every flip, cut, growth, and change of the order of its chunks is found', async t => {
  const { objects, put, path } = await opened(t)
  const content = randomBytes(3 * CHUNK + 100)
  const sha256 = await put(content)
  const stored = readFileSync(path(sha256))
  const sealed = CHUNK + 16
  const header = stored.length - (3 * sealed + 116)
  const refused = async (bytes: Uint8Array, what: string): Promise<void> => {
    writeFileSync(path(sha256), bytes)
    const given: Buffer[] = []
    const reading = (async () => {
      for await (const chunk of objects.stream(sha256)) given.push(chunk as Buffer)
    })()
    // By the encryption itself, before anything wrong is given out, and not only by the hash at the end.
    await assert.rejects(reading, problem('corrupt', /chunk \d|another format|cut off|sealed/), what)
    const before = Buffer.concat(given)
    assert.ok(before.equals(content.subarray(0, before.length)), what)
  }
  const chunks = [0, 1, 2].map(i => stored.subarray(header + i * sealed, header + (i + 1) * sealed))
  const last = stored.subarray(header + 3 * sealed)
  const made = (...parts: readonly (Buffer | undefined)[]) =>
    Buffer.concat([stored.subarray(0, header), ...parts.map(part => part!)])
  assert.ok(made(...chunks, last).equals(stored))
  await refused(made(chunks[1], chunks[0], chunks[2], last), 'swapped')
  await refused(made(chunks[0], chunks[1], last), 'one dropped')
  await refused(made(chunks[0], chunks[1], chunks[2]), 'the last dropped')
  await refused(made(chunks[0], chunks[0], chunks[1], chunks[2], last), 'one repeated')
  await refused(made(...chunks, last, last), 'the last repeated')
  await refused(made(...chunks, last, Buffer.alloc(1)), 'a byte more')
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: stored.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const flipped = Buffer.from(stored)
      flipped[at]! ^= mask
      await refused(flipped, `byte ${at}`)
      await refused(stored.subarray(0, at), `cut at ${at}`)
    }),
    { numRuns: 60 },
  )
  writeFileSync(path(sha256), stored)
  await buffer(objects.stream(sha256))
})

test('an object under the name of another, or of another installation, is refused', async t => {
  const [here, there] = [await opened(t), await opened(t)]
  const a = await here.put(Buffer.from('a'))
  const b = await here.put(Buffer.from('b'))
  copyFileSync(here.path(a), here.path(b))
  await assert.rejects(here.objects.bytes(b), problem('corrupt'))
  mkdirSync(dirname(there.path(a)), { recursive: true })
  copyFileSync(here.path(a), there.path(a))
  await assert.rejects(there.objects.bytes(a), problem('corrupt'))
})

test('putting the same content again mends a damaged copy, also many at the same time', async t => {
  const { folder, objects, put, path } = await opened(t)
  const content = randomBytes(CHUNK + 5)
  const sha256 = await put(content)
  writeFileSync(path(sha256), 'damaged')
  const all = await Promise.all(Array.from({ length: 12 }, (_, i) => put(content, [i * 997])))
  assert.deepEqual(new Set(all), new Set([sha256]))
  assert.ok(content.equals(await objects.bytes(sha256)))
  assert.equal(files(folder).length, 1)
})

test('what is too large, or whose source fails, leaves nothing behind', async t => {
  const { folder, objects } = await opened(t)
  const put = (source: AsyncIterable<Uint8Array>) => objects.put(source, { bytesMax: 1_000, what: 'the artifact' })
  await put(pieces(Buffer.alloc(1_000)))
  const before = files(folder)
  await assert.rejects(put(pieces(Buffer.alloc(1_001))), problem('too_large', /the artifact.*1000 bytes/))
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(100)
  }
  await assert.rejects(put(endless()), problem('too_large'))
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(10)
    throw new Error('the line went dead')
  }
  await assert.rejects(put(broken()), { message: 'the line went dead' })
  assert.deepEqual(files(folder), before)
})

test('what is not there is not found, and no name leads out of the folder', async t => {
  const { objects, folder } = await opened(t)
  writeFileSync(join(folder, 'secret'), 'x')
  for (const name of ['0'.repeat(64), '', '../secret', `${'0'.repeat(62)}/.`, 'A'.repeat(64), `${'0'.repeat(64)}\n`]) {
    assert.equal(objects.has(name), false)
    await assert.rejects(objects.bytes(name), problem('not_found'))
    await assert.rejects(buffer(objects.stream(name)), problem('not_found'))
  }
})

test('a stream that is not read to its end lets go of the file', { skip: noDescriptors() }, async t => {
  const { objects, put } = await opened(t)
  const sha256 = await put(randomBytes(4 * CHUNK))
  const before = readdirSync('/proc/self/fd').length
  for (let i = 0; i < 20; i++) {
    for await (const _ of objects.stream(sha256)) break
  }
  // The files are closed off this thread.
  for (let turn = 0; turn < 1_000 && readdirSync('/proc/self/fd').length > before; turn++)
    await new Promise(setImmediate)
  assert.ok(readdirSync('/proc/self/fd').length <= before)
})

function noDescriptors(): string | false {
  return existsSync('/proc/self/fd') ? false : 'this system has no /proc to count open files in'
}

const PUTTER = `
  import { openKeyring } from '${new URL('./crypto.ts', import.meta.url)}'
  import { openObjects } from '${new URL('./objects.ts', import.meta.url)}'
  const { FOLDER, BYTES } = process.env
  async function* source() {
    for (let sent = 0; sent < Number(BYTES); sent += 50_000) {
      yield new Uint8Array(50_000)
      if (sent === 500_000) process.stdout.write('half')
    }
  }
  const objects = openObjects(FOLDER, await openKeyring(FOLDER))
  await objects.put(source(), { bytesMax: Infinity, what: 'the artifact' }).catch(error => {
    process.stdout.write(error.code + ': ' + error.message)
  })`

test('a process killed while it stores leaves no object, and what it left is removed at the next start', async t => {
  const { folder } = await opened(t)
  const env = { ...process.env, FOLDER: folder, BYTES: '1e15' }
  const child = spawn(process.execPath, ['--input-type=module', '-e', PUTTER], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise(resolve => child.once('close', resolve))
  child.stdout.once('data', () => child.kill('SIGKILL'))
  await gone
  assert.equal(readdirSync(join(folder, 'objects', 'unfinished')).length, 1)
  assert.deepEqual(readdirSync(join(folder, 'objects')), ['unfinished'])
  openObjects(folder, await openKeyring(folder))
  assert.deepEqual(readdirSync(join(folder, 'objects', 'unfinished')), [])
})

test('what a living process is still storing is left alone', async t => {
  const { folder } = await opened(t)
  const unfinished = join(folder, 'objects', 'unfinished')
  // An earlier process may have had this one's pid, as the first process of a container always has.
  for (const name of [`${process.ppid}-abc-1`, `${process.pid}-abc-1`, 'nonsense'])
    writeFileSync(join(unfinished, name), '')
  openObjects(folder, await openKeyring(folder))
  assert.deepEqual(readdirSync(unfinished), [`${process.ppid}-abc-1`])
})

test('where no room is left, storing fails as a problem and leaves nothing behind', async t => {
  const { folder } = await opened(t)
  // 512 blocks of 512 or 1024 bytes: the limit of a file's size, which fails as a full disk does.
  const script = `ulimit -f 512; exec '${process.execPath}' --input-type=module -e "$PROGRAM"`
  const env = { ...process.env, FOLDER: folder, BYTES: '2e6', PROGRAM: PUTTER }
  const { stdout, stderr } = spawnSync('sh', ['-c', script], { env, encoding: 'utf8' })
  assert.match(stdout, /storage_full: Cannot store the artifact: no room is left on the disk$/, stderr)
  assert.deepEqual(files(folder), [])
  assert.ok(existsSync(join(folder, 'objects')))
})
