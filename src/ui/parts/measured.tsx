import type { VNode } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Draws for the width there is: letters of a chart keep their size, whatever the screen. */
export function Measured({ height, draw }: { height: number; draw: (width: number) => VNode }): VNode {
  const element = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const box = element.current!
    const measure = (): void => setWidth(Math.floor(box.clientWidth))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(box)
    return () => observer.disconnect()
  }, [])
  const style = { minHeight: `${height}px` }
  return (
    <div ref={element} class="measured" style={style}>
      {width > 0 ? draw(width) : null}
    </div>
  )
}
