/** Which columns the table of runs has: kept in the address, so that a link shows what its sender saw. */
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ColumnKind, RunsBody } from '../api-runs.ts'
import { go, place, withQuery } from '../router.ts'

const KINDS: readonly (readonly [ColumnKind, string])[] = [
  ['metrics', 'Metrics'],
  ['params', 'Parameters'],
  ['tags', 'Tags'],
]
const SHOWN_MAX = 60

export function RunColumns({ names, columns: usual }: Pick<RunsBody, 'names' | 'columns'>): VNode {
  // What was chosen holds at once, not when the answer to it has come.
  const asked = place.value.query['columns']
  const columns = asked === undefined ? usual : asked.split(',').filter(one => one !== '')
  const [search, setSearch] = useState('')
  const choose = (next: readonly string[]): void => {
    // A comma alone: nothing is wanted, which is not the same as nothing having been said.
    go(withQuery({ columns: next.length === 0 ? ',' : next.join(',') }))
  }
  const toggle = (column: string): void =>
    choose(columns.includes(column) ? columns.filter(one => one !== column) : [...columns, column])
  const box = useRef<HTMLDetailsElement>(null)
  useEffect(() => closing(box.current!), [])
  return (
    <details class="columns" ref={box}>
      <summary class="button">Columns</summary>
      <div class="columns-box">
        <input
          class="field"
          type="search"
          aria-label="Find a column"
          placeholder="Find a column"
          value={search}
          onInput={event => setSearch(event.currentTarget.value)}
        />
        {KINDS.map(([kind, title]) => (
          <Group
            key={kind}
            title={title}
            all={allOf(kind, names[kind], columns, search)}
            columns={columns}
            toggle={toggle}
          />
        ))}
        {asked === undefined ? null : (
          <a class="link small" href={withQuery({ columns: undefined })}>
            The usual ones
          </a>
        )}
      </div>
    </details>
  )
}

/** It lies over the table: it goes when one presses elsewhere, or Escape. */
function closing(box: HTMLDetailsElement): () => void {
  const onPointer = (event: Event): void => {
    if (event.target instanceof Node && !box.contains(event.target)) box.open = false
  }
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !box.open) return
    box.open = false
    box.querySelector('summary')?.focus()
  }
  document.addEventListener('pointerdown', onPointer)
  box.addEventListener('keydown', onKey)
  return () => {
    document.removeEventListener('pointerdown', onPointer)
    box.removeEventListener('keydown', onKey)
  }
}

/** Those of this page, and those chosen that no run here has. */
function allOf(kind: ColumnKind, names: readonly string[], columns: readonly string[], search: string): string[] {
  const chosen = columns.filter(column => column.startsWith(`${kind}.`))
  const words = search.trim().toLowerCase()
  return [...new Set([...chosen, ...names.map(name => `${kind}.${name}`)])].filter(column =>
    column
      .slice(kind.length + 1)
      .toLowerCase()
      .includes(words),
  )
}

interface GroupProps {
  readonly title: string
  readonly all: readonly string[]
  readonly columns: readonly string[]
  readonly toggle: (column: string) => void
}

function Group({ title, all, columns, toggle }: GroupProps): VNode | null {
  if (all.length === 0) return null
  return (
    <fieldset>
      <legend>{title}</legend>
      {all.slice(0, SHOWN_MAX).map(column => (
        <label key={column}>
          <input type="checkbox" checked={columns.includes(column)} onChange={() => toggle(column)} />
          {column.slice(column.indexOf('.') + 1)}
        </label>
      ))}
      {all.length > SHOWN_MAX ? (
        <span class="quiet small">{all.length - SHOWN_MAX} more: find them by name</span>
      ) : null}
    </fieldset>
  )
}
