/**
 * The log: JSON lines, one event each. It never holds anybody up: lines wait in memory for a reader who is slow, up to a
 * bound, beyond which they are counted and dropped; a reader who is gone is not written to any more.
 */
import { type Logger, pino } from 'pino'
import { type Clock, systemClock } from './clock.ts'
import { type LineSink, openLineSink } from './line-sink.ts'
import { redactFields, redactText } from './redact.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  /** What helps to find a fault; off by default. */
  debug(fields: LogFields, message: string): void
  /** What an operator wants to read of a normal day. */
  info(fields: LogFields, message: string): void
  /** What will become an error where nobody acts. */
  warn(fields: LogFields, message: string): void
  /** A fault. A healthy server writes none. */
  error(fields: LogFields, message: string): void
  /**
   * A line that the caller made, without its line feed: one JSON object with a `time`. Nothing is redacted in it, and it
   * is written at level `info`.
   */
  line(json: string): void
  /** Lines that another process of this server made for its log, each with its line feed; they are written as they are. */
  lines(bytes: Buffer): void
  /** How many lines were dropped because the reader was too slow or gone. */
  dropped(): number
  /** Writes what waits, for a short while, and closes. */
  close(): Promise<void>
}

export interface LogOptions {
  readonly level: LogLevel
  /** A file descriptor (1: standard output), the path of a file to append to, or something that takes lines. */
  readonly destination: number | string | { write(line: string): void }
  readonly clock?: Clock
}

const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 }

export function openLog({ level, destination, clock = systemClock }: LogOptions): Log {
  const tell = (lost: number): string =>
    `{"level":"warn","time":${clock.now()},"lost":${lost},"message":"Log lines were lost: their reader is too slow"}`
  const sink = typeof destination === 'object' ? plainSink(destination) : openLineSink({ destination, tell })
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":${clock.now()}`,
      formatters: { level: label => ({ level: label }), log: redactFields },
      hooks: { streamWrite: redactText },
    },
    { write: line => sink.write(line.slice(0, -1)) },
  )
  const write =
    (at: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: LogFields, message: string): void =>
      (logger as Logger)[at](fields, message)
  const writesLines = LEVELS[level] <= LEVELS.info
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    line(json: string): void {
      if (writesLines) sink.write(json)
    },
    lines(bytes: Buffer): void {
      if (level !== 'silent') sink.writeLines(bytes)
    },
    dropped: () => sink.dropped(),
    close: () => sink.close(),
  }
}

function plainSink(destination: { write(line: string): void }): LineSink {
  return {
    write: line => destination.write(`${line}\n`),
    writeLines: bytes => destination.write(bytes.toString()),
    dropped: () => 0,
    close: () => Promise.resolve(),
  }
}
