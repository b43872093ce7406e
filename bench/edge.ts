/**
 * Edge bundles: size, and from the start of a Node process to the first prediction: `npm run bench:edge -- [--runs 20]`.
 * An empty process of the same Node, measured in turn, is what of that is not ours.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { features, sample } from '../examples/churn/bank.ts'
import { CLI, machine, median, registerExample, remove, temporaryFolder } from './processes.ts'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' } } })

/** Milliseconds that a program takes, and what it says. */
function timed(program: string): { readonly ms: number; readonly said: string } {
  const startedAt = performance.now()
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  return { ms: performance.now() - startedAt, said }
}

const folder = temporaryFolder()
try {
  const data = join(folder, 'data')
  registerExample(data)
  const bundle = join(folder, 'churn.mjs')
  execFileSync(process.execPath, [CLI, 'bundle', 'churn', '-o', bundle, '--data', data])
  const row = JSON.stringify(features(sample('edge', 1)[0]!))
  const program = `
    const from = performance.now()
    const { predict, explain } = await import(${JSON.stringify(bundle)})
    predict(${row})
    const first = performance.now()
    explain(${row})
    const explained = performance.now()
    console.log(JSON.stringify([first - from, explained - first]))`
  const empty: number[] = []
  const whole: number[] = []
  const first: number[] = []
  const explained: number[] = []
  for (let run = 0; run < Number(values.runs); run++) {
    empty.push(timed('console.log(1)').ms)
    const { ms, said } = timed(program)
    const [prediction, explanation] = JSON.parse(said) as [number, number]
    whole.push(ms)
    first.push(prediction)
    explained.push(explanation)
  }
  const text = (all: readonly number[]): string =>
    `${median(all).toFixed(1)} ms (${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)})`
  process.stdout.write(
    [
      `Edge bundle of the demo's model: ${statSync(bundle).size} bytes, gzipped ${gzipSync(readFileSync(bundle)).length}`,
      `  process start to end, with a prediction and an explanation: ${text(whole)}; an empty process: ${text(empty)}`,
      `  import and first prediction: ${text(first)}; first explanation: ${text(explained)}`,
      `  ${machine()}`,
      '',
    ].join('\n'),
  )
} finally {
  remove(folder)
}
