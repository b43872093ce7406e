/**
 * Compiles the kernels of the predictor, `src/predictor/kernels/*.as` (AssemblyScript), each into a module that holds its
 * WebAssembly as text: `shap-direct.as` → `shap-direct-wasm.ts`. Those are committed, so that the predictor needs no
 * compiler; a test compiles again and compares. What several kernels import stands in `parts/`.
 *
 *     node scripts/build-kernels.ts
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import asc from 'assemblyscript/asc'

const FOLDER = new URL('../src/predictor/kernels/', import.meta.url)
/** No run time, no garbage collector: kernels are functions on a memory that is handed in. */
const OPTIONS = ['-O3', '--enable', 'simd', '--runtime', 'stub', '--noAssert', '--importMemory']

/** Names of the kernels, without `.as`. */
export function kernelNames(): string[] {
  return readdirSync(FOLDER)
    .filter(file => file.endsWith('.as'))
    .map(file => basename(file, '.as'))
    .sort()
}

/** The text of the module for a kernel. Rejects with what the compiler says. */
export async function compileKernel(name: string): Promise<string> {
  const source = readFileSync(new URL(`${name}.as`, FOLDER), 'utf8')
  const messages: string[] = []
  let wasm = new Uint8Array()
  const { error } = await asc.main([`${name}.ts`, '--outFile', 'out.wasm', ...OPTIONS], {
    stderr: { write: text => void messages.push(String(text)) },
    readFile: file => (file === `${name}.ts` ? source : partOf(file)),
    writeFile: (_, contents) => {
      if (typeof contents !== 'string') wasm = contents.slice()
    },
  })
  if (error !== null) throw new Error(`Cannot compile ${name}.as: ${messages.join('')}`)
  const text = Buffer.from(wasm).toString('base64')
  return `/** Made by scripts/build-kernels.ts from ${name}.as. */\nexport const wasm =\n  '${text}'\n`
}

/** The compiler asks for `parts/NAME.ts`, and for files that are not there, which is no error. */
function partOf(file: string): string | null {
  const path = new URL(file.replace(/\.ts$/, '.as'), FOLDER)
  return /^parts\/[\w-]+\.ts$/.test(file) && existsSync(path) ? readFileSync(path, 'utf8') : null
}

export function modulePath(name: string): URL {
  return new URL(`${name}-wasm.ts`, FOLDER)
}

if (import.meta.main) {
  for (const name of kernelNames()) writeFileSync(modulePath(name), await compileKernel(name))
}
