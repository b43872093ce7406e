/** What the process that owns the data folder and its workers say to each other, beyond what `Link` and database say. */
import type { ProblemCode } from '../errors.ts'
import type { Config } from '../platform/config.ts'
import { LINK_HEAD_BYTES } from '../platform/link.ts'

/** Descriptor of the link, beyond standard input, output, error, and the cluster's own channel. */
export const LINK_FD = 4

/** What a worker is told when it begins. */
export interface Told {
  /** From 1. */
  readonly number: number
  readonly config: Config
  /** The data folder. */
  readonly path: string
  readonly engine: 'sqlite' | 'postgres'
  /** `Authorization` of the owner of the data folder. */
  readonly ownerAuthorization: string
  /** Socket of the door of the process that owns the data folder. */
  readonly doorPath: string
  /** Where to listen; 0 is a port that all of them share. */
  readonly host: string
  readonly port: number
}

/** What a worker tells when it answers. */
export interface Ready {
  readonly url: string
  /** Where programs of this machine reach it. */
  readonly localUrl: string
  readonly port: number
}

/** Why a worker cannot begin. */
export interface Failed {
  readonly code: ProblemCode
  readonly message: string
}

/** A lane that a worker answers through, before its first call. */
export interface ToldLane {
  readonly number: number
  readonly model: string
  readonly version: string
  readonly release: string | null
  readonly arm: string | null
  /** How many columns of it are watched. */
  readonly columns: number
}

/** Questions of a worker. */
export const BEGIN = 'begin'
export const READY = 'ready'
export const FAILED = 'failed'
export const LANE = 'lane'
export const REFUSED = 'refused'
/** Tokens of limits of rate. */
export const TOKENS = 'tokens'

/** Questions to a worker. */
export const REFRESH = 'refresh'
export const METRICS = 'metrics'
/** Load a version before an alias moves to it, where the one that it leaves is in memory. */
export const WARM = 'warm'
/** Finish what comes over the connections there are, take no new ones, and end. */
export const RETIRE = 'retire'
/** Finish what was accepted, and end. */
export const STOP = 'stop'
export const ALIVE = 'alive'

/**
 * Records on their way: number of the batch, records, bytes of their lines (each four bytes, little-endian), whether they
 * must be on the device (one byte), lines, calls.
 */
export const BATCH = 1
/** Number of a batch that was kept. */
export const KEPT = 2
/** Number of a batch that was not, and why, as JSON. */
export const NOT_KEPT = 3

export const BATCH_HEAD_BYTES: number = LINK_HEAD_BYTES + 13
