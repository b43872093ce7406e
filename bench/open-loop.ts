/** Latency below saturation: `bellwether bench` itself, in a process of its own on the core of the load. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { LoadReport } from '../src/loadtest/report.ts'
import { CLI, pinned } from './processes.ts'

const run = promisify(execFile)
const LOAD_CORE = 1
const REPORT_BYTES_MAX = 1 << 26

export interface OpenLoop {
  readonly url: string
  /** File of rows. */
  readonly rows: string
  readonly rate: number
  readonly seconds: number
  readonly connections: number
  readonly arrivals: 'poisson' | 'even'
  /** More of the command's options. */
  readonly options?: readonly string[]
}

/** What the command's report says, whether or not it judges the targets as met. */
export async function openLoop(load: OpenLoop): Promise<LoadReport> {
  const { url, rows, rate, seconds, connections, arrivals, options = [] } = load
  const told = ['--rate', rate.toFixed(2), '--duration', `${seconds}s`, '--connections', String(connections)]
  const [program, args] = pinned(LOAD_CORE, [
    process.execPath,
    CLI,
    'bench',
    url,
    '--rows',
    rows,
    ...told,
    '--arrivals',
    arrivals,
    '--json',
    ...options,
  ])
  const { stdout } = await run(program, args, { maxBuffer: REPORT_BYTES_MAX }).catch((error: { stdout?: string }) => {
    // Status 1: a target is missed, which the report says.
    if (error.stdout?.startsWith('{') !== true) throw error
    return { stdout: error.stdout }
  })
  return JSON.parse(stdout) as LoadReport
}
