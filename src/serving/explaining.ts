/** From an explainer, which knows columns and numbers, to what a version says of its answers, by name. */
import type { Explainer } from '../predictor/explainer.ts'
import type { ModelHead } from '../predictor/predictor.ts'
import type { ModelVersion } from '../registry/version.ts'
import type { Explaining } from './explain-rows.ts'
import { type ExplanationShape, explanationWriter } from './explanation-text.ts'
import type { CompiledSignature } from './signature.ts'

/** @param named the method, where the record is to say it: it is not what the version always does. */
export function explainingOf(
  explainer: Explainer,
  signature: Pick<CompiledSignature, 'inputs' | 'columns'>,
  version: Pick<ModelVersion, 'signature'>,
  head: Pick<ModelHead, 'classes'>,
  named?: string,
): Explaining {
  const { method, outputCount, featureCount, bias, bytes } = explainer
  return {
    method,
    outputCount,
    featureCount,
    bias,
    bytes,
    writer: explanationWriter({
      ...columnsOf(signature),
      margins: marginNames(outputCount, version, head),
      bias,
      ...(named === undefined ? {} : { method: named }),
    }),
    explain: (rows, count, out) => explainer.explain(rows, count, out),
    scratch: new Float64Array(outputCount * featureCount),
  }
}

/** Names of the predictor's columns, and which of them are not for everybody. */
export function columnsOf({
  inputs,
  columns,
}: Pick<CompiledSignature, 'inputs' | 'columns'>): Pick<ExplanationShape, 'names' | 'sensitive'> {
  const names = new Array<string>(inputs.length)
  const sensitive = new Array<boolean>(inputs.length)
  for (const [input, { name, sensitive: isSensitive }] of inputs.entries()) {
    names[columns[input]!] = name
    sensitive[columns[input]!] = isSensitive
  }
  return { names, sensitive }
}

/** Names of several margins: the outputs they become, or the classes they stand for. None for a single one. */
export function marginNames(
  count: number,
  { signature: { outputs } }: Pick<ModelVersion, 'signature'>,
  { classes }: Pick<ModelHead, 'classes'>,
): string[] {
  if (count === 1) return []
  if (outputs.length === count) return outputs.map(({ name }) => name)
  return Array.from({ length: count }, (_, margin) => classes?.[margin] ?? `${margin}`)
}
