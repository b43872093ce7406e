/** The API's description, and a page on which it can be read and tried: all from this server, nothing from elsewhere. */
import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import type { Answer, AnyRoute, Route } from '../route.ts'
import { type DescribedModel, openApiDocument } from './openapi.ts'

export interface DocsParts {
  /** Those to describe; the routes of this file describe themselves. */
  readonly routes: readonly AnyRoute[]
  /** Models as callers meet them now. */
  readonly models: () => readonly DescribedModel[]
  /** Version of the program. */
  readonly version: string
}

const TAG = 'Documentation'
/** Swagger UI sets styles on elements and draws icons from `data:` addresses; scripts come from files only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

export function docsRoutes({ routes, models, version }: DocsParts): AnyRoute[] {
  const own: AnyRoute[] = [
    documentRoute(() => openApiDocument({ routes: [...routes, ...own], models: models(), version })),
    fileRoute('/docs', 'The API, to read and to try', () => ({ text: PAGE, type: 'text/html; charset=utf-8' })),
    fileRoute('/docs/start.js', 'Script of the page', () => ({ text: START, type: 'text/javascript; charset=utf-8' })),
    ...assetRoutes(),
  ]
  return own
}

function documentRoute(document: () => object): Route {
  return {
    method: 'GET',
    path: '/openapi.json',
    permission: 'model:read', // it tells which models there are and what they take
    summary: 'The description of this API, OpenAPI 3.1',
    tag: TAG,
    answers: { 200: Type.Object({}) },
    handle: () => ({ body: document() }),
  }
}

function fileRoute(path: string, summary: string, handle: () => Answer): Route {
  const headers = { 'content-security-policy': POLICY, 'cache-control': 'no-cache' }
  return {
    method: 'GET',
    path,
    permission: 'public',
    summary,
    tag: TAG,
    answers: { 200: 'text' },
    handle: () => ({ headers, ...handle() }),
  }
}

function assetRoutes(): Route[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui/package.json')), 'static')
  return Object.entries(ASSETS).map(([file, type]) => ({
    ...fileRoute(`/docs/${file}`, `Part of the page: ${file}`, () => ({
      stream: createReadStream(join(folder, file)),
      type,
    })),
    answers: { 200: 'binary' as const },
  }))
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bellwether API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="api">
<form id="ask" hidden style="max-width:32rem;margin:3rem auto;font-family:sans-serif">
<label>This server asks for a key:
<input id="given" type="password" autocomplete="off" required style="width:100%"></label>
<p id="said" role="status"></p>
<button>Open</button>
</form>
</div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`

/** Reads the description, with a key where one is needed; the key stays in the page's memory. */
const START = `'use strict'
let key
const withKey = headers => (key ? { ...headers, authorization: 'Bearer ' + key } : headers)
async function open() {
  const response = await fetch('/openapi.json', { headers: withKey({}) })
  if (response.ok) {
    SwaggerUIBundle({
      spec: await response.json(),
      domNode: document.getElementById('api'),
      deepLinking: true,
      tryItOutEnabled: true,
      validatorUrl: null,
      requestInterceptor: request => ({ ...request, headers: withKey(request.headers) }),
    })
    return
  }
  document.getElementById('ask').hidden = false
  if (key) document.getElementById('said').textContent = (await response.json()).detail
}
document.getElementById('ask').addEventListener('submit', event => {
  event.preventDefault()
  key = document.getElementById('given').value
  open()
})
open()
`
