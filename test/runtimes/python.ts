/** Python models for tests: settings, columns of the reference data, and artifacts that Python makes. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Surroundings, systemSurroundings } from '../../src/platform/surroundings.ts'
import type { ExternalColumn, PythonSettings } from '../../src/predictor/external.ts'
import { PYTHON, shared } from '../services.ts'

export const SETTINGS: PythonSettings = {
  command: PYTHON,
  trust: true,
  requirements: [],
  workers: 1,
  threads: 1,
  timeoutMs: 10_000,
  startMs: 60_000,
  memoryMb: 1024,
  rowsMax: 4096,
  waitMs: 0,
}

export interface Heard extends Surroundings {
  readonly lines: string[]
}

/** Those of this machine, with what is logged kept. */
export function surroundings(): Heard {
  const lines: string[] = []
  const keep = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
  return { ...systemSurroundings({ info: keep, warn: keep }), lines }
}

/** The bytes that a Python program writes to the path in `sys.argv[1]`. */
export function artifactOf(program: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-artifact-'))
  try {
    const path = join(folder, 'artifact')
    execFileSync(PYTHON, ['-c', program, path], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    return readFileSync(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A program for `artifactOf`: a cloudpickled object of the class `Model`, whose methods are given. */
export function pickled(body: string): string {
  const lines = body.split('\n').map(line => `    ${line}`)
  return `import sys, cloudpickle\nclass Model:\n${lines.join('\n')}\ncloudpickle.dump(Model(), open(sys.argv[1], 'wb'))`
}

export interface ReferenceTable {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function referenceTable(path: string): ReferenceTable {
  const lines = readFileSync(shared('models', path), 'utf8').trimEnd().split(/\r?\n/)
  const [header, ...rows] = lines.map(line => line.split(','))
  return { header: header!, rows }
}

interface Input {
  readonly name: string
  readonly type: 'int' | 'float' | 'bool' | 'string'
  readonly categories?: readonly string[]
}

export function referenceInputs(name: string): readonly Input[] {
  const signature = JSON.parse(readFileSync(shared('models', name, 'signature.json'), 'utf8')) as { inputs: Input[] }
  return signature.inputs
}

/** The columns of some features; texts that only a data set has (such as `missing`) are categories as well. */
export function columnsFor(
  features: readonly string[],
  inputs: readonly Input[],
  tables: readonly ReferenceTable[],
): ExternalColumn[] {
  return features.map(name => {
    const input = inputs.find(each => each.name === name)!
    if (input.type !== 'string') return { name, type: 'float' }
    const seen = tables.flatMap(({ header, rows }) => rows.map(row => row[header.indexOf(name)]!))
    return { name, type: 'text', categories: [...new Set([...input.categories!, ...seen, 'missing'])] }
  })
}

/** Rows as `columns` take them: what stands for a missing text or number is what the expected values were made with. */
export function rowsFor(
  columns: readonly ExternalColumn[],
  { header, rows }: ReferenceTable,
  gap: string,
  missing: number,
): Float64Array {
  return Float64Array.from(
    rows.flatMap(row =>
      columns.map(({ name, categories }) => {
        const text = row[header.indexOf(name)]!
        if (categories === undefined) return text === '' ? missing : Number(text)
        return categories.indexOf(text === '' ? gap : text)
      }),
    ),
  )
}

/** Whether a process runs: one that has ended and that nobody has asked about yet is still listed, without a command line. */
export function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1') !== ''
  } catch {
    return false
  }
}
