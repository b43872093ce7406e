/** How runs are told of: their states, their names, their numbers. */
import type { VNode } from 'preact'
import { duration, plain } from '../../../ui/format.ts'
import { StateMark, type StateName } from '../../../ui/parts/state-mark.tsx'
import { type MetricValue, type RunBody, runPath } from '../api-runs.ts'

const STATES: Readonly<Record<string, StateName>> = { FINISHED: 'ok', FAILED: 'alarm', KILLED: 'warning' }
const WORDS: Readonly<Record<string, string>> = {
  FINISHED: 'Finished',
  FAILED: 'Failed',
  KILLED: 'Killed',
  RUNNING: 'Running',
  SCHEDULED: 'Scheduled',
}

export function statusWord(status: string): string {
  return WORDS[status] ?? status
}

export function RunState({ status }: { status: string }): VNode {
  return <StateMark state={STATES[status] ?? 'idle'} label={statusWord(status)} />
}

export function isGoingOn({ status }: Pick<RunBody, 'status'>): boolean {
  return status === 'RUNNING' || status === 'SCHEDULED'
}

export function RunLink({ run }: { run: Pick<RunBody, 'id' | 'name'> }): VNode {
  return (
    <a class="name" href={runPath(run.id)}>
      {nameOf(run)}
    </a>
  )
}

export function nameOf({ id, name }: Pick<RunBody, 'id' | 'name'>): string {
  return name === '' ? id.slice(0, 8) : name
}

/** How long it took, or for how long it has been going on. */
export function tookText({ startedAt, endedAt, status }: RunBody, now: number): string {
  if (endedAt !== undefined) return tookWords(endedAt - startedAt)
  return status === 'RUNNING' ? `for ${duration(Math.max(0, now - startedAt))}` : ''
}

function tookWords(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, ms)} ms` : duration(ms)
}

/** A metric that nobody has logged is nothing; one that is no number says so. */
export function metricText(value: MetricValue | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return plain(value)
  return value.replace('Infinity', '∞').replace('-', '−')
}

export function numberOf(value: MetricValue): number {
  return typeof value === 'number' ? value : Number.NaN
}

/** A name in the language of MLflow's searches: none has quotes in it. */
export function quoted(kind: string, name: string): string {
  return `${kind}.\`${name}\``
}
