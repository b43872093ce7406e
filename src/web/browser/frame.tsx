/** What stands around every page: where one can go, what one can find, whether the server answers. */
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useErrorBoundary, useState } from 'preact/hooks'
import { Empty, Failed } from '../../ui/parts/notice.tsx'
import { findSubject } from './found-subject.ts'
import { KeyPage } from './key-page.tsx'
import { lostSince } from './live.ts'
import { AuditPage } from './pages/audit.tsx'
import { ChangesPage } from './pages/changes.tsx'
import { ExperimentsPage } from './pages/experiments.tsx'
import { ExplanationsPage } from './pages/explanations.tsx'
import { FeaturePage } from './pages/feature.tsx'
import { ModelPage } from './pages/model.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { PredictionPage } from './pages/prediction.tsx'
import { PredictionsPage } from './pages/predictions.tsx'
import { RunPage } from './pages/run.tsx'
import { ComparePage } from './pages/run-compare.tsx'
import { RunsPage } from './pages/runs.tsx'
import { go, match, place, predictionPath } from './router.ts'
import { forgetKey, session } from './session.ts'
import { storedTheme, storeTheme, type Theme } from './theme-choice.ts'
import { Tip } from './tip.tsx'

type Values = Readonly<Record<string, string>>

interface PageEntry {
  readonly pattern: string
  readonly title: (values: Values) => string
  readonly page: (values: Values) => VNode
}

const PAGES: readonly PageEntry[] = [
  { pattern: '/', title: () => 'Overview', page: () => <OverviewPage /> },
  {
    pattern: '/predictions',
    title: () => 'Predictions',
    page: () => <PredictionsPage />,
  },
  {
    pattern: '/predictions/:id',
    title: ({ id }) => `Prediction ${id}`,
    page: ({ id }) => <PredictionPage key={id} id={id!} />,
  },
  {
    pattern: '/models/:model',
    title: ({ model }) => model!,
    page: ({ model }) => <ModelPage key={model} model={model!} />,
  },
  {
    pattern: '/models/:model/drift/:feature',
    title: ({ model, feature }) => `${feature} of ${model}`,
    page: ({ model, feature }) => <FeaturePage key={`${model}/${feature}`} model={model!} feature={feature!} />,
  },
  {
    pattern: '/models/:model/explanations',
    title: ({ model }) => `What moves ${model}`,
    page: ({ model }) => <ExplanationsPage key={model} model={model!} />,
  },
  { pattern: '/runs', title: () => 'Runs', page: () => <ExperimentsPage /> },
  { pattern: '/runs/compare', title: () => 'Runs compared', page: () => <ComparePage /> },
  {
    pattern: '/runs/experiments/:experiment',
    title: ({ experiment }) => `Runs of experiment ${experiment}`,
    page: ({ experiment }) => <RunsPage key={experiment} experiment={experiment!} />,
  },
  {
    pattern: '/runs/:run',
    title: ({ run }) => `Run ${run!.slice(0, 8)}`,
    page: ({ run }) => <RunPage key={run} run={run!} />,
  },
  { pattern: '/changes', title: () => 'Changes', page: () => <ChangesPage /> },
  { pattern: '/audit', title: () => 'Audit', page: () => <AuditPage /> },
]

export function Frame(): VNode {
  const { wantsKey, key } = session.value
  const { path } = place.value
  const found = PAGES.map(entry => ({ entry, values: match(entry.pattern, path) })).find(({ values }) => values)
  const title = found === undefined ? 'Not found' : found.entry.title(found.values!)
  useEffect(() => {
    document.title = `${title} · Bellwether`
  }, [title])
  if (wantsKey && key === undefined) return <KeyPage />
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Top path={path} />
      <main id="main" class="page" tabIndex={-1}>
        <Guarded key={path}>{found === undefined ? <NotFound path={path} /> : found.entry.page(found.values!)}</Guarded>
      </main>
      <Foot />
      <Tip />
    </>
  )
}

const PLACES = [
  { href: '/', text: 'Overview', isHere: (path: string) => path === '/' || path.startsWith('/models/') },
  { href: '/predictions', text: 'Predictions', isHere: (path: string) => path.startsWith('/predictions') },
  { href: '/runs', text: 'Runs', isHere: (path: string) => path === '/runs' || path.startsWith('/runs/') },
  { href: '/changes', text: 'Changes', isHere: (path: string) => path === '/changes' },
  { href: '/audit', text: 'Audit', isHere: (path: string) => path === '/audit' },
]

function Top({ path }: { path: string }): VNode {
  return (
    <header class="top">
      <div class="top-line">
        <a class="brand" href="/" aria-label="Bellwether, overview">
          <Mark />
          Bellwether
        </a>
        <nav class="nav" aria-label="Pages">
          {PLACES.map(({ href, text, isHere }) => (
            <a key={href} href={href} {...(isHere(path) ? { 'aria-current': 'page' as const } : {})}>
              {text}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <Find />
          <Connection />
          <ThemeButton />
        </div>
      </div>
    </header>
  )
}

function Mark(): VNode {
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      <path
        d="M2.5 15.5h15M5 15.5V10a5 5 0 0 1 10 0v5.5M10 2.5V5M8.4 18h3.2"
        fill="none"
        stroke="currentColor"
        stroke-width="1.9"
        stroke-linecap="round"
      />
    </svg>
  )
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** An id leads to its prediction; anything else is taken for a subject. */
function Find(): VNode {
  const [text, setText] = useState('')
  const submit = (event: Event): void => {
    event.preventDefault()
    const wanted = text.trim()
    if (wanted === '') return
    setText('')
    if (!UUID.test(wanted)) findSubject(wanted)
    go(UUID.test(wanted) ? predictionPath(wanted.toLowerCase()) : '/predictions')
  }
  return (
    <search class="find">
      <form onSubmit={submit}>
        <input
          class="field"
          type="search"
          aria-label="Find a prediction by its id or its subject"
          placeholder="Find by prediction id or subject"
          value={text}
          autocomplete="off"
          onInput={event => setText(event.currentTarget.value)}
        />
      </form>
    </search>
  )
}

function Connection(): VNode {
  const isLost = lostSince.value !== undefined
  return (
    <span class={`connection${isLost ? ' lost' : ''}`} role="status">
      {isLost ? 'Connection lost, trying again' : 'Live'}
    </span>
  )
}

const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }
const THEME_WORDS: Readonly<Record<Theme, string>> = { system: 'as the system', light: 'light', dark: 'dark' }

function ThemeButton(): VNode {
  const [theme, setTheme] = useState(storedTheme())
  const label = `Theme: ${THEME_WORDS[theme]}`
  const change = (): void => {
    storeTheme(NEXT[theme])
    setTheme(NEXT[theme])
  }
  return (
    <button type="button" class="button icon" onClick={change} aria-label={label} data-tip={label}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.4" />
        {theme === 'light' ? null : <path d="M8 2a6 6 0 0 1 0 12Z" fill="currentColor" />}
        {theme === 'dark' ? <circle cx="8" cy="8" r="6" fill="currentColor" /> : null}
      </svg>
    </button>
  )
}

function Foot(): VNode {
  return (
    <footer class="foot">
      <span>Times are UTC</span>
      <a href="/docs">API</a>
      {session.value.wantsKey ? (
        <button type="button" class="link" onClick={() => forgetKey()}>
          Forget my key
        </button>
      ) : (
        <a href="/metrics">Metrics</a>
      )}
    </footer>
  )
}

/** A page that cannot be drawn says so, and the others can still be gone to. */
function Guarded({ children }: { children: ComponentChildren }): VNode {
  const [error] = useErrorBoundary()
  if (error === undefined) return <>{children}</>
  return (
    <section class="panel">
      <Failed title="This page cannot be drawn" detail={String(error)} />
    </section>
  )
}

function NotFound({ path }: { path: string }): VNode {
  return (
    <section class="panel">
      <h1 tabIndex={-1} class="hidden-label">
        Not found
      </h1>
      <Empty title="There is no such page">
        <code>{path}</code> leads nowhere. <a href="/">Go to the overview</a>
      </Empty>
    </section>
  )
}
