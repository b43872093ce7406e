import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileKernel, kernelNames, modulePath } from '../../scripts/build-kernels.ts'

for (const name of kernelNames()) {
  test(`${name} is what its source compiles to`, async () => {
    const committed = readFileSync(modulePath(name), 'utf8')
    assert.equal(committed, await compileKernel(name), 'run node scripts/build-kernels.ts')
    // Larger ones Chromium's main thread refuses to compile while somebody waits.
    const { wasm } = (await import(modulePath(name).href)) as { readonly wasm: string }
    assert.ok(Buffer.from(wasm, 'base64').length <= 4096)
  })
}
