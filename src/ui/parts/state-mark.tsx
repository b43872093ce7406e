import type { VNode } from 'preact'

export type StateName = 'idle' | 'ok' | 'warning' | 'alarm'

const WORDS: Readonly<Record<StateName, string>> = {
  idle: 'No traffic',
  ok: 'Healthy',
  warning: 'Warning',
  alarm: 'Alarm',
}

export function stateWord(state: StateName): string {
  return WORDS[state]
}

/** Shape and colour: who cannot tell the colours apart tells the shapes. */
export function StateMark({ state, label = WORDS[state] }: { state: StateName; label?: string }): VNode {
  return (
    <svg class={`state-mark ${state}`} viewBox="0 0 12 12" width="12" height="12" role="img" aria-label={label}>
      {SHAPES[state]}
    </svg>
  )
}

const SHAPES: Readonly<Record<StateName, VNode>> = {
  idle: <circle cx="6" cy="6" r="3.5" fill="none" stroke="currentColor" stroke-width="1.5" />,
  ok: <circle cx="6" cy="6" r="4" fill="currentColor" />,
  warning: <path d="M6 1.2 11.4 10.8H.6Z" fill="currentColor" />,
  alarm: <path d="M3.6 .6h4.8L11.4 3.6v4.8L8.4 11.4H3.6L.6 8.4V3.6Z" fill="currentColor" />,
}
