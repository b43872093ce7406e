/** From the numbers of a predictor to the `outputs` of a record and an answer. */

import { Problem } from '../errors.ts'
import { quote } from '../ledger/canonical.ts'
import { jsonNumber } from '../platform/json-number.ts'
import type { Output } from '../registry/signature.ts'
import { isAscii } from './ascii.ts'

export interface OutputWriter {
  /** Numbers a row answers. */
  readonly count: number
  /** Whether what it writes is ASCII. */
  readonly isAscii: boolean
  /** Canonical JSON of one row's outputs. Throws `failed` where the model answered no finite number. */
  write(values: Float64Array, offset: number): string
}

/** Throws `misconfigured` where signature and predictor do not agree. */
export function outputWriter(outputs: readonly Output[], outputCount: number): OutputWriter {
  if (outputs.length !== outputCount) {
    const found = `the signature has ${outputs.length} outputs, the artifact answers ${outputCount} numbers`
    throw new Problem('misconfigured', `Cannot serve the model: ${found}`)
  }
  const order = [...outputs.keys()].sort((a, b) => (outputs[a]!.name < outputs[b]!.name ? -1 : 1))
  const heads = order.map((column, at) => `${at === 0 ? '{' : ','}${quote(outputs[column]!.name)}:`)
  return {
    count: outputCount,
    isAscii: heads.every(isAscii),
    write(values, offset) {
      let text = ''
      for (let at = 0; at < heads.length; at++) {
        const value = values[offset + order[at]!]!
        if (!Number.isFinite(value)) throw notFinite(outputs[order[at]!]!, value)
        text += heads[at]! + jsonNumber(value)
      }
      return `${text}}`
    },
  }
}

function notFinite({ name }: Output, value: number): Problem {
  return new Problem('failed', `Cannot predict: the model answered ${value} for ${name}, a finite number was wanted`)
}
