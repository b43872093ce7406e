/**
 * JSON lines on standard output. A healthy server writes no errors and few warnings: an error means that somebody should
 * look now. Lines are buffered; what a blocked reader leaves unread beyond a limit is dropped and counted, never kept.
 */
import { type DestinationStream, pino } from 'pino'
import sonicBoom from 'sonic-boom'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A line composed by hand, without its line feed; written at level `info`. */
  line(json: string): void
  /** Writes out what is buffered. */
  close(): Promise<void>
}

export interface LogOptions {
  readonly level: LogLevel
  /** A file descriptor or a path. */
  readonly destination: number | string
}

const BUFFER_BYTES = 16_384
const WAITING_BYTES_MAX = 8 * 1024 * 1024
const FLUSH_MS = 200
/** Wherever they stand, these never reach a log. */
const SECRETS = ['authorization', 'secret', 'password', 'key', '*.authorization', '*.secret', '*.password', '*.key']

export function openLog({ level, destination }: LogOptions): Log {
  const sink = new sonicBoom.SonicBoom({
    ...(typeof destination === 'number' ? { fd: destination } : { dest: destination, append: true }),
    minLength: BUFFER_BYTES,
    maxWrite: 4 * BUFFER_BYTES,
    maxLength: WAITING_BYTES_MAX,
    sync: false,
    mkdir: false,
  })
  let closed = false
  // A reader that went away (EPIPE) must not take the server with it: from then on the log goes nowhere.
  sink.on('error', () => {
    closed = true
  })
  const write = (line: string): void => {
    if (!closed) sink.write(line)
  }
  const logger = pino(
    {
      level,
      base: null,
      redact: { paths: SECRETS, censor: '…' },
      formatters: { level: label => ({ level: label }) },
    },
    { write } satisfies DestinationStream,
  )
  const flushing = setInterval(() => closed || sink.flush(), FLUSH_MS).unref()
  const isInfo = logger.isLevelEnabled('info')

  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    line(json: string): void {
      if (isInfo) write(`${json}\n`)
    },
    async close(): Promise<void> {
      clearInterval(flushing)
      if (closed) return
      closed = true
      // Standard output is not ours to close.
      await new Promise<void>(resolve => sink.flush(() => resolve()))
      if (typeof destination === 'string') sink.end()
    },
  }
}
