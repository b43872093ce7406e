/** The newest head that this browser has seen: kept, so that a ledger that was rewritten since then shows. */
import type { SignedHead } from './api.ts'
import type { Step } from './evidence.ts'
import { lasting } from './memory.ts'

/** @param ledger names the ledger: a browser may know several on one address. */
export function keptHead(ledger: string): SignedHead | undefined {
  try {
    return JSON.parse(lasting.get(`head.${ledger}`) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}

export function keepHead(ledger: string, head: SignedHead): void {
  lasting.set(`head.${ledger}`, JSON.stringify(head))
}

/** Whether what was seen then is still part of what there is now. */
export function checkKept(kept: SignedHead | undefined, heads: readonly SignedHead[]): Step | undefined {
  if (kept === undefined) return undefined
  const isThere = heads.some(
    head => head.size === kept.size && head.root === kept.root && head.signature === kept.signature,
  )
  const when = new Date(kept.at).toISOString().slice(0, 16).replace('T', ' ')
  return {
    isRight: isThere,
    title: 'The head that this browser kept is still there',
    detail: isThere
      ? `${kept.size.toLocaleString('en')} records, signed ${when} UTC`
      : `The ledger had ${kept.size.toLocaleString('en')} records on ${when} UTC, and is not that ledger any more`,
  }
}
