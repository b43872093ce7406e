/** Addresses are paths, as the server knows them: every view has one that can be sent to somebody. */
import { type Signal, signal } from '@preact/signals'

export interface Place {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
}

export const place: Signal<Place> = signal(placeNow())

/** Follows links and the browser's buttons from now on. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    place.value = placeNow()
  })
  document.addEventListener('click', event => {
    const href = linkOf(event)
    if (href === undefined) return
    event.preventDefault()
    go(href)
  })
}

export function go(href: string): void {
  const isSamePath = new URL(href, location.href).pathname === location.pathname
  history.pushState(undefined, '', href)
  place.value = placeNow()
  if (isSamePath) return
  scrollTo(0, 0)
  // Whoever hears the page instead of seeing it is told where they are now.
  requestAnimationFrame(() => document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true }))
}

/** The same page with other questions in its address; what is empty is left out. */
export function withQuery(changes: Readonly<Record<string, string | undefined>>): string {
  const { path, query } = place.value
  const all = Object.entries({ ...query, ...changes }).filter(([, value]) => value !== undefined && value !== '')
  const text = new URLSearchParams(all as [string, string][]).toString()
  return text === '' ? path : `${path}?${text}`
}

/** The values of a pattern's `:names`, decoded, where the path fits it. */
export function match(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/')
  const found = path.split('/')
  if (wanted.length !== found.length) return undefined
  const values: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const given = found[index]!
    if (part.startsWith(':') && given !== '') values[part.slice(1)] = decoded(given)
    else if (part !== given) return undefined
  }
  return values
}

export function modelPath(model: string): string {
  return `/models/${encodeURIComponent(model)}`
}

export function featurePath(model: string, feature: string): string {
  return `${modelPath(model)}/drift/${encodeURIComponent(feature)}`
}

export function predictionPath(id: string): string {
  return `/predictions/${encodeURIComponent(id)}`
}

function placeNow(): Place {
  return { path: location.pathname, query: Object.fromEntries(new URLSearchParams(location.search)) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Where a click leads, if it is one that we follow ourselves: a plain one, on a link to another of our pages. */
function linkOf(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined
  const link = event.target instanceof Element ? event.target.closest('a') : null
  const href = link?.getAttribute('href')
  if (href === null || href === undefined || !href.startsWith('/') || link!.hasAttribute('download')) return undefined
  return OURS.test(href) ? href : undefined
}

/** The pages; everything else at this server is for the browser to open. */
const OURS = /^\/(?:$|\?|(?:models|predictions|runs|changes|audit)(?:[/?]|$))/
