/** The pages of the dashboard: which addresses are one, and the shell that all of them start from. */
import { Type } from 'typebox'
import type { Answer, AnyRoute } from '../route.ts'

const TAG = 'Dashboard'

/** Addresses that are pages only. */
const OWN_PATHS: readonly string[] = ['/predictions', '/runs', '/changes', '/audit']
/** Addresses of the API that are pages as well: see `Route.page`. */
const API_PATHS: readonly string[] = [
  '/models/:name',
  '/models/:name/drift/:feature',
  '/models/:name/explanations',
  '/predictions/:id',
  '/runs/experiments/:experiment',
  '/runs/compare',
  '/runs/:run',
]

/** Everything from this server, nothing from elsewhere, and no script or style that is not a file. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export interface ShellParts {
  /** Whether the API asks for a key. */
  readonly wantsKey: () => boolean
}

export function pageRoutes(parts: ShellParts): AnyRoute[] {
  const page = (): Answer => shell(parts.wantsKey())
  const pages = OWN_PATHS.map(
    (path): AnyRoute => ({
      method: 'GET',
      path,
      permission: 'public',
      summary: 'A page of the dashboard',
      tag: TAG,
      answers: { 200: 'text' },
      handle: page,
    }),
  )
  return [home(page), ...pages]
}

/** People get the first page; programs hear that the server is alive, as clients of KServe's first protocol ask for it. */
function home(page: () => Answer): AnyRoute {
  return {
    method: 'GET',
    path: '/',
    permission: 'public',
    summary: 'The dashboard; for programs, whether the server is alive',
    tag: TAG,
    answers: { 200: Type.Object({ status: Type.String() }) },
    page,
    handle: () => ({ body: { status: 'alive' } }),
  }
}

/** The routes of the API, with a page where people go there, too. */
export function withPages(routes: readonly AnyRoute[], parts: ShellParts): AnyRoute[] {
  const page = (): Answer => shell(parts.wantsKey())
  return routes.map(route => {
    const isPage = route.kind !== 'invocation' && route.method === 'GET' && API_PATHS.includes(route.path)
    return isPage ? { ...route, page } : route
  })
}

function shell(wantsKey: boolean): Answer {
  return {
    headers: { 'content-security-policy': POLICY, 'cache-control': 'no-cache' },
    type: 'text/html; charset=utf-8',
    text: SHELL.replace('<html lang="en">', wantsKey ? '<html lang="en" data-key="wanted">' : '<html lang="en">'),
  }
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 12.5h12M4 12.5V8a4 4 0 0 1 8 0v4.5M8 2v2' fill='none' stroke='%230f766e' stroke-width='1.8' stroke-linecap='round'/%3E%3C/svg%3E"

const SHELL = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Bellwether</title>
<link rel="icon" href="${ICON}">
<link rel="preload" href="/dashboard/inter-latin-wght-normal.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="/dashboard/style.css">
<script src="/dashboard/theme.js"></script>
<script type="module" src="/dashboard/main.js"></script>
</head>
<body>
<div id="app"></div>
<noscript>The dashboard needs JavaScript. Everything it shows can be asked of the API; <a href="/docs">/docs</a> describes it.</noscript>
</body>
</html>
`
