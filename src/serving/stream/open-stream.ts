/** The stream of a server, put together. */
import { join } from 'node:path'
import { Problem } from '../../errors.ts'
import type { OpenedLedger } from '../../ledger/open-ledger.ts'
import type { Refused } from '../../ledger/refusals.ts'
import type { Timers } from '../../platform/timers.ts'
import type { World } from '../../platform/world.ts'
import type { Serving } from '../predict.ts'
import { answerEncoder } from './avro-answers.ts'
import { brokerSecurity } from './broker-security.ts'
import { streamMetrics, streamProgress } from './progress.ts'
import { openRecorded } from './recorded.ts'
import { runStream } from './run-stream.ts'
import { schemaReader } from './schema-registry.ts'

export interface OpenStreamParts {
  readonly world: Pick<World, 'config' | 'path' | 'log' | 'metrics'>
  readonly ledger: OpenedLedger
  readonly serving: Serving
  readonly refused: Refused
  readonly timers: Timers
}

/**
 * Answers the topic of the configuration; returns how to stop. Throws `misconfigured` where topics are missing, or the files of
 * certificates cannot be used.
 */
export function openStream({ world, ledger, serving, refused, timers }: OpenStreamParts): () => Promise<void> {
  const { config, path, log, metrics } = world
  const { input, output, group, model } = config.stream
  const missing = Object.entries({ 'stream.input': input, 'stream.output': output }).filter(([, topic]) => topic === '')
  if (missing.length > 0) {
    const keys = missing.map(([key]) => key).join(' and ')
    throw new Problem('misconfigured', `Cannot answer a stream: ${keys} not set, wanted the names of topics`)
  }
  const { answers, registry } = config.stream
  if (answers === 'avro' && registry === '') {
    const detail = 'Cannot answer a stream in Avro: stream.registry not set, wanted the address of a schema registry'
    throw new Problem('misconfigured', detail)
  }
  brokerSecurity(config.stream)
  const progress = streamProgress()
  metrics.family(streamMetrics(progress, input))
  const recorded = openRecorded(join(path, 'stream'), `${group}\n${input}`, {
    get size(): number {
      return ledger.size
    },
    lines: from => ledger.lines(from),
  })
  const stream = runStream({
    config: config.stream,
    instance: ledger.keyId,
    answering: {
      serving: model === undefined ? serving : { ...serving, defaultModel: model },
      append: records => ledger.append(records),
      actor: { id: `stream:${group}`, name: `stream ${group}`, roles: [] },
      readValue: schemaReader(config.stream),
      ...(answers === 'avro' && { encoder: answerEncoder(config.stream, output) }),
      onRefused: refused,
    },
    recorded,
    progress,
    timers,
    log,
  })
  return async () => {
    await stream.stop()
    recorded.close()
  }
}
