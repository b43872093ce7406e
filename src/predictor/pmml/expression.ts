/**
 * Expressions and slots as plain data. A row is computed in numbered slots: a slot holds an input, a field after the
 * treatment of a mining schema, a derived field, or what a model gives to those after it. A slot is computed when it is first
 * asked for, once a row. No slot asks for one that asks for it (the loader resolves names in that order), so it ends.
 */

import type { Domain, Interval } from './domain.ts'
import type { MiningField } from './fields.ts'
import type { DataType, Value } from './values.ts'

export interface Treatment {
  readonly type: DataType
  readonly domain: Domain
  readonly invalid: MiningField['invalid']
  readonly invalidReplacement?: Value
  readonly missingReplacement?: Value
  readonly missingIsInvalid: boolean
  readonly outliers: MiningField['outliers']
  readonly low?: number
  readonly high?: number
}

export type Slot =
  /** A column of the row; a text is its number in `categories`. */
  | {
      readonly kind: 'input'
      readonly column: number
      readonly type: DataType
      readonly categories?: readonly string[]
    }
  | { readonly kind: 'treated'; readonly from: number; readonly treatment: Treatment }
  | { readonly kind: 'derived'; readonly expression: Expression; readonly from: DataType; readonly type: DataType }
  /** Written from outside: the parameter of a function, an output of a model. */
  | { readonly kind: 'given' }

export type Expression =
  | { readonly op: 'constant'; readonly value: Value }
  | { readonly op: 'field'; readonly slot: number; readonly missing?: Value }
  | {
      readonly op: 'norm-continuous'
      readonly slot: number
      readonly from: readonly number[]
      readonly to: readonly number[]
      readonly outliers: MiningField['outliers']
      readonly missing?: Value
    }
  | { readonly op: 'norm-discrete'; readonly slot: number; readonly value: Value; readonly missing?: Value }
  | {
      readonly op: 'discretize'
      readonly slot: number
      readonly bins: readonly { readonly interval: Interval; readonly value: Value }[]
      readonly fallback?: Value
      readonly missing?: Value
    }
  /** `keys[row][column]` belongs to `slots[column]`. */
  | {
      readonly op: 'map'
      readonly slots: readonly number[]
      readonly keys: readonly (readonly Value[])[]
      readonly values: readonly Value[]
      readonly fallback?: Value
      readonly missing?: Value
    }
  /** Whether the value of a data field is one of its valid values. */
  | { readonly op: 'valid'; readonly slot: number; readonly domain: Domain }
  /** A function of the document, written out: its arguments are given to slots of their own. */
  | {
      readonly op: 'let'
      readonly slots: readonly number[]
      readonly args: readonly Expression[]
      readonly from: readonly DataType[]
      readonly types: readonly DataType[]
      readonly body: Expression
      readonly bodyType: DataType
      readonly type: DataType
    }
  | {
      readonly op: 'apply'
      readonly name: string
      readonly args: readonly Expression[]
      readonly types: readonly DataType[]
      /** What a missing argument makes of the result, where given. */
      readonly missing?: Value
      /** What a missing result becomes. */
      readonly fallback?: Value
      readonly invalid: 'returnInvalid' | 'asIs' | 'asMissing'
      readonly type: DataType
    }
