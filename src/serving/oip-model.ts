/** What the Open Inference Protocol tells of a model, the same over REST and gRPC. */
import type { LoadedModel } from './lane.ts'
import { DATATYPE_OF } from './oip-tensors.ts'

/** Inputs and outputs: each a column, of as many rows as one likes. */
export function metadataOf({ version, signature }: LoadedModel, versions: readonly string[]): Record<string, unknown> {
  const shape = [-1, 1]
  return {
    name: version.model,
    versions,
    platform: platformOf(version.format),
    inputs: signature.inputs.map(({ name, type }) => ({ name, datatype: DATATYPE_OF[type], shape })),
    outputs: version.signature.outputs.map(({ name, type }) => ({ name, datatype: DATATYPE_OF[type], shape })),
  }
}

/**
 * The same as Triton's `ModelConfig`, as much of it as has a meaning here: its clients ask it for the size of batches.
 *
 * @param typeOf writes a datatype as a `DataType`: a name in JSON, a number in a message.
 */
export function configOf<T>(
  { version, signature }: LoadedModel,
  batchRowsMax: number,
  typeOf: (datatype: string) => T,
): Record<string, unknown> {
  const dims = [1]
  return {
    name: version.model,
    platform: platformOf(version.format),
    backend: 'bellwether',
    version_policy: { all: {} },
    max_batch_size: batchRowsMax,
    input: signature.inputs.map(({ name, type }) => ({ name, data_type: typeOf(DATATYPE_OF[type]), dims })),
    output: version.signature.outputs.map(({ name, type }) => ({ name, data_type: typeOf(DATATYPE_OF[type]), dims })),
    model_transaction_policy: { decoupled: false },
  }
}

/** `DataType` in JSON. */
export function typeName(datatype: string): string {
  return datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`
}

function platformOf(format: string): string {
  return `bellwether_${format.replaceAll('-', '_')}`
}
