import type { VNode } from 'preact'
import type { Step } from '../evidence.ts'

/** What was checked, one line each, with what was found. */
export function Steps({ steps }: { steps: readonly Step[] }): VNode {
  return (
    <ol class="steps">
      {steps.map(({ isRight, title, detail }) => (
        <li key={title}>
          <span class={`step-mark ${isRight ? 'right' : 'wrong'}`} role="img" aria-label={isRight ? 'Right' : 'Wrong'}>
            {isRight ? '✓' : '✗'}
          </span>
          <div>
            {isRight ? title : `Not so: ${title}`}
            <span class="under mono">{detail}</span>
          </div>
        </li>
      ))}
    </ol>
  )
}
