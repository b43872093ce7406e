import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileKernel, kernelNames, modulePath } from '../../scripts/build-kernels.ts'

for (const name of kernelNames()) {
  test(`${name} is what its source compiles to`, async () => {
    const committed = readFileSync(modulePath(name), 'utf8')
    assert.equal(committed, await compileKernel(name), 'run node scripts/build-kernels.ts')
  })
}
