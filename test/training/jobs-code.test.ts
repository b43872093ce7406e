/** Which code ran: the commit and what differs from it, by the real git. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { codeState } from '../../src/training/jobs/code-state.ts'

test('a commit, and a digest of whatever differs from it anywhere in the repository', async t => {
  const root = temporaryFolder(t)
  const job = join(root, 'jobs')
  mkdirSync(job)
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      cwd: root,
      encoding: 'utf8',
    })
  const state = () => codeState(job, process.env, ['model.txt', 'reports'])
  assert.deepEqual(await state(), { isDirty: false })

  git('init', '-q', '-b', 'main')
  writeFileSync(join(root, 'library.py'), 'a = 1\n')
  writeFileSync(join(job, 'train.py'), 'b = 1\n')
  git('add', '-A')
  git('commit', '-qm', 'first')
  git('remote', 'add', 'origin', 'https://me:secret-word@example.org/code.git')
  const clean = await state()
  assert.equal(clean.isDirty, false)
  assert.equal(clean.commit, git('rev-parse', 'HEAD').trim())
  assert.equal(clean.branch, 'main')
  assert.doesNotMatch(clean.remote!, /secret-word/)

  // What the job itself writes, and what we keep, is no code.
  writeFileSync(join(job, 'model.txt'), 'model')
  mkdirSync(join(job, 'reports'))
  writeFileSync(join(job, 'reports', 'r.txt'), 'report')
  mkdirSync(join(root, '.bellwether'))
  writeFileSync(join(root, '.bellwether', 'x'), 'x')
  const written = await state()
  assert.equal(written.isDirty, false)

  appendFileSync(join(root, 'library.py'), 'a = 2\n')
  const changed = await state()
  assert.equal(changed.isDirty, true)
  writeFileSync(join(root, 'new.py'), 'c = 1\n')
  const added = await state()
  assert.notEqual(added.patch, changed.patch)
  writeFileSync(join(root, 'new.py'), 'c = 2\n')
  const other = await state()
  assert.notEqual(other.patch, added.patch)
  const same = await state()
  assert.equal(same.patch, other.patch)
})
