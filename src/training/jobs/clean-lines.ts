/** Takes secrets out of a program's output while it comes: line by line, so that none is told in two halves. */
import { StringDecoder } from 'node:string_decoder'
import { redactText } from '../../platform/redact.ts'

const LINE_CHARACTERS_MAX = 65_536
const CENSOR = '[redacted]'
/** Shorter values would take out half of the log. */
const SECRET_CHARACTERS_MIN = 4
const KEY_BEGINS = /-----BEGIN [A-Z ]*PRIVATE KEY-----/
const KEY_ENDS = /-----END [A-Z ]*PRIVATE KEY-----/

export interface CleanLines {
  /** What may be told so far, ending with a line. */
  push(chunk: Buffer): string
  /** The rest. */
  end(): string
}

/** A text without these values, and without what looks like a secret. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return redactText(replaced(text, worthHiding(secrets)))
}

function replaced(text: string, secrets: readonly string[]): string {
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, CENSOR), text)
}

/** Longer ones first, for one may be the beginning of another. */
function worthHiding(secrets: readonly string[]): readonly string[] {
  return secrets.filter(secret => secret.length >= SECRET_CHARACTERS_MIN).sort((a, b) => b.length - a.length)
}

/** @param secrets values that are taken out wherever they stand. Longer lines are cut into lines of 65,536 characters. */
export function cleanLines(secrets: readonly string[]): CleanLines {
  const decoder = new StringDecoder('utf8')
  const known = worthHiding(secrets)
  const longest = known[0]?.length ?? 0
  let rest = ''
  let isInKey = false

  const cleaned = (line: string): string => {
    if (isInKey) {
      isInKey = !KEY_ENDS.test(line)
      return ''
    }
    isInKey = KEY_BEGINS.test(line) && !KEY_ENDS.test(line)
    return redactText(replaced(line, known))
  }

  const take = (text: string): string => {
    rest += text
    const told: string[] = []
    for (;;) {
      const at = rest.search(/[\n\r]/)
      if (at === -1) break
      told.push(cleaned(rest.slice(0, at + 1)))
      rest = rest.slice(at + 1)
    }
    // What a cut would halve stays for the next piece.
    while (rest.length > LINE_CHARACTERS_MAX + longest) {
      const clean = replaced(rest, known)
      told.push(`${cleaned(clean.slice(0, LINE_CHARACTERS_MAX))}\n`)
      rest = clean.slice(LINE_CHARACTERS_MAX)
    }
    return told.join('')
  }

  return {
    push: chunk => take(decoder.write(chunk)),
    end(): string {
      const last = take(decoder.end())
      const left = rest === '' ? '' : cleaned(rest)
      rest = ''
      return last + left
    },
  }
}
