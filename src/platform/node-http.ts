/**
 * Node's `http`, for what serves. Imported as an ES module, it evaluates all its exports for their names, and three of them
 * (`WebSocket`, `CloseEvent`, `MessageEvent`) load the whole of `fetch`: 14 MB of memory and 25 ms that a server does not need.
 */
import type * as Http from 'node:http'

export const http: typeof Http = process.getBuiltinModule('node:http')
