/** A part of a page that asks for its own data: it loads, fails and is empty by itself, and the rest of the page stays. */
import type { ComponentChildren, VNode } from 'preact'
import { Empty, Failed, Loading } from '../../ui/parts/notice.tsx'
import type { Live } from './live.ts'

interface LivePanelProps<T> {
  readonly title: ComponentChildren
  readonly note?: ComponentChildren
  readonly width?: 'half' | 'third' | 'two-thirds'
  readonly live: Live<T>
  /** Why there is nothing to draw, if so. */
  readonly emptiness: (body: T) => { readonly title: string; readonly text?: ComponentChildren } | undefined
  readonly draw: (body: T) => VNode
  readonly lines?: number
}

export function LivePanel<T>({ title, note, width, live, emptiness, draw, lines = 5 }: LivePanelProps<T>): VNode {
  return (
    <section class={`panel${width === undefined ? '' : ` ${width}`}`}>
      <div class="panel-head">
        <h2>{title}</h2>
        {note === undefined ? null : <div class="panel-note">{note}</div>}
      </div>
      {content({ live, emptiness, draw, lines })}
    </section>
  )
}

function content<T>({
  live: { body, problem, isStale },
  emptiness,
  draw,
  lines,
}: Pick<LivePanelProps<T>, 'live' | 'emptiness' | 'draw'> & { lines: number }): VNode {
  if (body === undefined) {
    if (problem === undefined) return <Loading lines={lines} />
    // What is not there is no fault of anybody: the server says in words why not.
    if (problem.status === 404) return <Empty title="Nothing here">{problem.message}</Empty>
    return <Failed title="Cannot show this" detail={problem.message} />
  }
  const empty = emptiness(body)
  if (empty !== undefined) return <Empty title={empty.title}>{empty.text}</Empty>
  return <div class={isStale ? 'stale' : ''}>{draw(body)}</div>
}
