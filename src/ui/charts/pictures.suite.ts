/** Holds drawings against committed pictures, which a reviewer can open: `UPDATE_PICTURES=1` draws them anew. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'

const FOLDER = join(import.meta.dirname, 'pictures')
const CHART_STYLE = readFileSync(join(import.meta.dirname, 'chart.css'), 'utf8')
/** The light theme, so that a picture can be looked at by itself. */
const THEME = [
  '--text:#1a1d1f;--text-quiet:#62686c;--text-faint:#9aa0a4;--line:#e3e4e0;--line-faint:#eeefeb;--line-strong:#b9bcb8',
  '--surface:#fff;--accent:#0f6d66;--warning:#a3580a;--heat-0:#e8efed;--heat-1:#d0e2dd;--heat-2:#a8ccc4;--heat-3:#e9a23b;--heat-4:#c8372d',
].join(';')

/** The drawing is, to the letter, the picture of this name. `more`: style that only such drawings have. */
export function assertPicture(name: string, drawing: VNode, more: string = ''): void {
  const style = `<style>svg{${THEME};font-family:sans-serif}${CHART_STYLE}${more}</style>`
  const text = `${renderToString(drawing).replace(/(<svg[^>]*>)/, `$1${style}`)}\n`
  const path = join(FOLDER, `${name}.svg`)
  if (process.env['UPDATE_PICTURES'] === '1') {
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(path, text)
  }
  assert.ok(existsSync(path), `There is no picture ${name}.svg: UPDATE_PICTURES=1 draws it`)
  assert.equal(text, readFileSync(path, 'utf8'), `${name}.svg is drawn differently now`)
}
