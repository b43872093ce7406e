/** One tooltip for the whole page: whatever has `data-tip` is explained by it, pointed at or reached by keyboard. */
import { type Signal, signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface Told {
  readonly owner: Element
  readonly text: string
  readonly box: DOMRect
}

const told: Signal<Told | undefined> = signal(undefined)
const GAP = 8

export function startTips(): void {
  const show = (event: Event): void => {
    const owner = event.target instanceof Element ? event.target.closest('[data-tip]') : null
    const text = owner?.getAttribute('data-tip')
    if (owner === null || text === null || text === undefined) hide()
    else if (told.peek()?.text !== text) told.value = { owner, text, box: owner.getBoundingClientRect() }
  }
  const hide = (): void => {
    if (told.peek() !== undefined) told.value = undefined
  }
  // The explanation stays with what it explains, and goes with it.
  const onScroll = (): void => {
    const now = told.peek()
    if (now === undefined) return
    const box = now.owner.getBoundingClientRect()
    if (box.bottom < 0 || box.top > innerHeight || !now.owner.isConnected) hide()
    else if (box.top !== now.box.top || box.left !== now.box.left) told.value = { ...now, box }
  }
  let pointer = ''
  document.addEventListener('pointerover', event => {
    // A page that scrolls below a resting mouse is not pointed at anew: what the keyboard asked for stays.
    const at = `${event.clientX} ${event.clientY}`
    if (at !== pointer) show(event)
    pointer = at
  })
  document.addEventListener('focusin', show)
  document.addEventListener('focusout', hide)
  document.addEventListener('scroll', onScroll, { capture: true, passive: true })
  document.addEventListener('pointerleave', hide)
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape') hide()
  })
}

export function Tip(): VNode {
  const element = useRef<HTMLDivElement>(null)
  const { value } = told
  useLayoutEffect(() => {
    const tip = element.current
    if (tip === null || value === undefined) return
    const { width, height } = tip.getBoundingClientRect()
    const { box } = value
    const left = Math.max(GAP, Math.min(innerWidth - width - GAP, box.left + box.width / 2 - width / 2))
    const above = box.top - height - GAP
    tip.style.left = `${left}px`
    tip.style.top = `${above > GAP ? above : Math.min(innerHeight - height - GAP, box.bottom + GAP)}px`
  }, [value])
  return (
    <div ref={element} id="tip" role="tooltip" class="tip" hidden={value === undefined}>
      {value?.text}
    </div>
  )
}
