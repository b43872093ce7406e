import { quote } from '../ledger/canonical.ts'

/** `quote` that remembers its last text: for what is the same in nearly every call. */
export function quoteAgain(): (text: string) => string {
  let last = ''
  let quoted = '""'
  return text => {
    if (text !== last) {
      quoted = quote(text)
      last = text
    }
    return quoted
  }
}
