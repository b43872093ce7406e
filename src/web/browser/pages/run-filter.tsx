/** The search over runs: a line in MLflow's own language, and what is wrong with it where it is. */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { go, withQuery } from '../router.ts'

const EXAMPLES = [
  'metrics.loss < 0.1',
  "params.learning_rate = '0.01'",
  "metrics.auc > 0.8 AND attributes.status = 'FINISHED'",
  "tags.team ILIKE 'risk%'",
  "attributes.run_name LIKE 'sweep-%'",
]

export function RunFilter({ filter, wrong }: { filter: string; wrong: string | undefined }): VNode {
  const [text, setText] = useState(filter)
  const submit = (event: Event): void => {
    event.preventDefault()
    go(withQuery({ filter: text.trim(), page: undefined }))
  }
  return (
    <search>
      <form class="run-filter" onSubmit={submit}>
        <div class="run-filter-line">
          <input
            class="field mono"
            type="search"
            aria-label="Only runs that are so, in MLflow’s language"
            placeholder="metrics.loss < 0.1 AND params.model = 'xgboost'"
            value={text}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            aria-describedby="filter-said"
            {...(wrong === undefined ? {} : { 'aria-invalid': true })}
            onInput={event => setText(event.currentTarget.value)}
          />
          <button type="submit" class="button">
            Search
          </button>
          {filter === '' ? null : (
            <a class="button" href={withQuery({ filter: undefined, page: undefined })}>
              All
            </a>
          )}
        </div>
        <p id="filter-said" class={`reason${wrong === undefined ? '' : ' alarm'}`} role="status">
          {wrong ?? ''}
        </p>
        <details class="examples">
          <summary>How to search</summary>
          <ul>
            {EXAMPLES.map(example => (
              <li key={example}>
                <button type="button" class="example" onClick={() => setText(example)}>
                  <code>{example}</code>
                </button>
              </li>
            ))}
          </ul>
        </details>
      </form>
    </search>
  )
}
