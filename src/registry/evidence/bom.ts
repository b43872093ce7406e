/** A version as a machine-learning bill of materials: CycloneDX 1.6 (ECMA-424), JSON. The same version gives the same bytes. */
import { createHash } from 'node:crypto'
import type { ModelVersion } from '../version.ts'
import { artifactName } from './file-names.ts'

const APPROACH: Readonly<Record<ModelVersion['task'], string>> = {
  binary: 'supervised',
  multiclass: 'supervised',
  regression: 'supervised',
  ranking: 'supervised',
  survival: 'supervised',
}

interface Property {
  readonly name: string
  readonly value: string
}

export function billOfMaterials(version: ModelVersion, programVersion: string): object {
  const name = `${version.model}@${version.version}`
  const reference = `urn:bellwether:model:${name}`
  const data = Object.entries({ reference: version.reference, evaluation: version.evaluation }).flatMap(
    ([role, file]) => (file === undefined ? [] : [{ role, file }]),
  )
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(`${name}/${version.artifact.sha256}`)}`,
    version: 1,
    metadata: {
      timestamp: new Date(version.registeredAt).toISOString(),
      tools: { components: [{ type: 'application', name: 'bellwether', version: programVersion }] },
      component: modelComponent(
        version,
        reference,
        data.map(({ role }) => `${reference}/${role}`),
      ),
    },
    components: [
      {
        type: 'file',
        'bom-ref': `${reference}/artifact`,
        name: artifactName(version.format),
        hashes: [sha256(version.artifact.sha256)],
        properties: [property('bytes', version.artifact.bytes), property('format', version.format)],
      },
      ...data.map(({ role, file }) => ({
        type: 'data',
        'bom-ref': `${reference}/${role}`,
        name: `${role} data`,
        hashes: [sha256(file.sha256)],
        data: [{ type: 'dataset', name: `${role} data of ${name}` }],
        properties: [property('bytes', file.bytes), property('rows', file.rows)],
      })),
    ],
    dependencies: [
      { ref: reference, dependsOn: [`${reference}/artifact`, ...data.map(({ role }) => `${reference}/${role}`)] },
    ],
  }
}

function modelComponent(version: ModelVersion, reference: string, datasets: readonly string[]): object {
  const { owner, description, limitations, uses, signature } = version
  return {
    type: 'machine-learning-model',
    'bom-ref': reference,
    name: version.model,
    version: version.version,
    ...(description === undefined ? {} : { description }),
    ...(owner === undefined ? {} : { supplier: { name: owner } }),
    hashes: [sha256(version.artifact.sha256)],
    modelCard: {
      modelParameters: {
        approach: { type: APPROACH[version.task] },
        task: version.task,
        modelArchitecture: version.objective,
        ...(datasets.length === 0 ? {} : { datasets: datasets.map(ref => ({ ref })) }),
        inputs: signature.inputs.map(({ name, type }) => ({ format: `${name}: ${type}` })),
        outputs: signature.outputs.map(({ name }) => ({ format: `${name}: number` })),
      },
      quantitativeAnalysis: { performanceMetrics: metricsOf(version) },
      considerations: {
        ...(uses.permitted.length === 0 ? {} : { useCases: uses.permitted }),
        ...(limitations.length === 0 ? {} : { technicalLimitations: limitations }),
        ...(uses.prohibited.length === 0
          ? {}
          : { ethicalConsiderations: uses.prohibited.map(use => ({ name: `Not to be used for ${use}` })) }),
      },
    },
    properties: Object.entries(version.facts).map(([name, value]) => property(`fact:${name}`, value)),
  }
}

/** What was recomputed counts; what the trainer states stands where it was not. */
function metricsOf({ statedMetrics, measuredMetrics = {} }: ModelVersion): object[] {
  const stated = Object.entries(statedMetrics).filter(([name]) => measuredMetrics[name] === undefined)
  const metric =
    (slice: string) =>
    ([type, value]: readonly [string, number]): object => ({
      type,
      value: String(value),
      slice,
    })
  return [...Object.entries(measuredMetrics).map(metric('evaluation data')), ...stated.map(metric('as stated'))]
}

function sha256(content: string): object {
  return { alg: 'SHA-256', content }
}

function property(name: string, value: string | number): Property {
  return { name: `bellwether:${name}`, value: String(value) }
}

/** A UUID of version 8 (RFC 9562 §5.8), the same for the same text. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
