import type { ComponentChildren, VNode } from 'preact'

/** What may be larger than the room there is: it scrolls, by keyboard as well. */
export function Scrolled({
  label,
  tall,
  children,
}: {
  label: string
  tall?: true
  children: ComponentChildren
}): VNode {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls what is focused
    <section class={`table-box${tall === true ? ' tall' : ''}`} aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}
