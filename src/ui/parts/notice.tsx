/** What stands where data would be: nothing yet, on its way, or not to be had. */
import type { ComponentChildren, VNode } from 'preact'

/** There is nothing to show, and that is no fault: says what would put something here. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): VNode {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      {children === undefined ? null : <div class="notice-text">{children}</div>}
    </div>
  )
}

/** Lines of the height of what will come, so that nothing jumps. */
export function Loading({ lines = 3, label = 'Loading' }: { lines?: number; label?: string }): VNode {
  return (
    <div class="loading" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} class="loading-line" />
      ))}
    </div>
  )
}

export function Failed({ title, detail }: { title: string; detail: string }): VNode {
  return (
    <div class="notice failed" role="alert">
      <p class="notice-title">{title}</p>
      <div class="notice-text">{detail}</div>
    </div>
  )
}
