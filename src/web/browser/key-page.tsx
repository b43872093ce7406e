import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { session, useKey } from './session.ts'

/** Shown instead of every page while the server wants a key and there is none. */
export function KeyPage(): VNode {
  const [key, setKey] = useState('')
  const { refusal } = session.value
  const submit = (event: Event): void => {
    event.preventDefault()
    if (key.trim() !== '') useKey(key.trim())
  }
  return (
    <main class="key-page">
      <h1 tabIndex={-1}>This server asks for a key</h1>
      <p class="quiet">
        A role that may look, such as <code>viewer</code>, is enough for most pages; <code>auditor</code> sees all of
        them.
      </p>
      <form onSubmit={submit}>
        <label for="key">API key</label>
        <input
          id="key"
          class="field mono"
          type="password"
          autocomplete="off"
          required
          value={key}
          aria-describedby="key-said"
          onInput={event => setKey(event.currentTarget.value)}
        />
        <p id="key-said" class={`reason${refusal === undefined ? '' : ' alarm'}`} role="status">
          {refusal ?? 'It is kept in this tab only, until you close it.'}
        </p>
        <button type="submit" class="button main">
          Open the dashboard
        </button>
      </form>
    </main>
  )
}
