/** How much room text takes on a terminal, and how it is made safe and short enough for one. */
import { stripVTControlCharacters } from 'node:util'

// Made when a text first needs it: that costs 20 ms, and most commands never do.
let segmenter: Intl.Segmenter | undefined
function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

// Unicode UAX #11: wide East Asian characters and emoji take two columns.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const NARROW = /^[\u0020-\u02ff\u0370-\u058f\u2000-\u200a\u2010-\u2027\u2030-\u205e\u2190-\u23ff\u2500-\u25ff]*$/
// Control characters; among them those that begin an escape sequence, and the ones that turn the direction of text.
const CONTROL = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

/** Columns that `text` takes; escape sequences (colours) take none. */
export function widthOf(text: string): number {
  const bare = text.includes('\u001b') ? stripVTControlCharacters(text) : text
  if (NARROW.test(bare)) return bare.length
  let width = 0
  for (const { segment } of graphemesOf(bare)) width += WIDE.test(segment) ? 2 : 1
  return width
}

/**
 * Text from elsewhere (names, messages, values), made fit to be shown: a value must not move the cursor, set colours or break
 * a line. Control characters become `�`; line ends and tabs become spaces.
 */
export function plain(text: string): string {
  return text.replace(/[\r\n\t]+/g, ' ').replace(CONTROL, '\ufffd')
}

/** The beginning of `text` in at most `columns`, with `…` where something was cut. Meant for text without colours. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let width = 0
  let kept = ''
  for (const { segment } of graphemesOf(text)) {
    const next = width + widthOf(segment)
    if (next > columns - 1) break
    width = next
    kept += segment
  }
  return columns < 1 ? '' : `${kept}…`
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)))
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - widthOf(text))) + text
}

/** Breaks prose at spaces into lines of at most `columns`; a longer word keeps a line of its own. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter(part => part !== '')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return line === '' ? lines : [...lines, line]
}
