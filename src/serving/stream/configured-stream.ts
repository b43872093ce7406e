/** The stream of the configuration, if it has one: loaded where it is used, so that other servers start without it. */
import type { OpenStreamParts } from './open-stream.ts'

/** Its messages are answered by this process, also where workers answer requests. @param closing takes how to stop. */
export async function configuredStream(parts: OpenStreamParts, closing: (() => Promise<void>)[]): Promise<void> {
  if (parts.world.config.stream.brokers === '') return
  const { openStream } = await import('./open-stream.ts')
  closing.push(openStream(parts))
}
