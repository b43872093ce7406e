/**
 * Keys of the configuration of tracing. Each is also taken from the variable that OpenTelemetry has for it
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/), where ours is not set; what cannot be
 * used there is not used, and told, as its specification asks.
 */
import { Type } from 'typebox'
import type { ConfigKey, ForeignVariable } from './config-keys.ts'
import { SAMPLERS } from './trace-sampler.ts'

export interface TracingConfig {
  /** Empty: nothing is traced. A path is taken as it is; without one, the path of OTLP is added. */
  readonly endpoint: string
  readonly sampler: (typeof SAMPLERS)[number]
  /** From 0 to 1. */
  readonly ratio: number
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly compression: 'none' | 'gzip'
  /** `name=value` pairs separated by commas, percent-encoded. */
  readonly headers: string
  readonly serviceName: string
  /** As `headers`. */
  readonly resource: string
  readonly timeoutMs: number
  readonly delayMs: number
  readonly queueMax: number
  /** `true` or `false`. */
  readonly disabled: string
}

type Described = Omit<ConfigKey, 'env'>

const one = (doc: string, ofDefault: string, choices: readonly string[]): Described => ({
  schema: Type.Union(choices.map(choice => Type.Literal(choice))),
  wanted: choices.join(' or '),
  default: ofDefault,
  doc,
})

const whole = (doc: string, ofDefault: number, maximum: number): Described => ({
  schema: Type.Integer({ minimum: 1, maximum }),
  wanted: `a whole number from 1 to ${maximum}`,
  default: ofDefault,
  doc,
})

const pairs = (doc: string): Described => ({
  schema: Type.String({ pattern: '^($|[^=,]+=[^,]*(,[^=,]+=[^,]*)*,?$)' }),
  wanted: 'name=value pairs separated by commas, percent-encoded',
  default: '',
  doc,
})

const withDefault = (name: string): readonly ForeignVariable[] => [
  { name: `OTEL_EXPORTER_OTLP_TRACES_${name}` },
  { name: `OTEL_EXPORTER_OTLP_${name}` },
]

/** The general address is a root below which each signal has its own; that of traces is taken as it is. */
const ENDPOINTS: readonly ForeignVariable[] = [
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    read: text => (/^https?:\/\/[^/]+$/i.test(text) ? `${text}/` : text),
  },
  { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', read: text => `${text.replace(/\/+$/, '')}/v1/traces` },
]

/** Also what is written as `1e-3` or `.5`. */
function decimal(text: string): string {
  return String(Number(Number(text).toFixed(15)))
}

const HOUR_MS = 3_600_000

export const TRACING_KEYS: Readonly<Record<`tracing.${keyof TracingConfig}`, Described>> = {
  'tracing.endpoint': {
    schema: Type.String({ pattern: '^($|[hH][tT][tT][pP][sS]?://[^\\s/?#]+)' }),
    wanted: 'http://… or https://… or nothing',
    default: '',
    doc: 'Collector that takes traces by OTLP over HTTP; without it, nothing is traced',
    foreign: ENDPOINTS,
  },
  'tracing.sampler': {
    ...one('Which traces are kept; the parentbased_ ones do as the caller does', SAMPLERS[0], SAMPLERS),
    foreign: [{ name: 'OTEL_TRACES_SAMPLER' }],
  },
  'tracing.ratio': {
    schema: Type.Number({ minimum: 0, maximum: 1 }),
    wanted: 'a number from 0 to 1',
    default: 1,
    doc: 'Share of the traces that begin here which is kept',
    foreign: [{ name: 'OTEL_TRACES_SAMPLER_ARG', read: decimal }],
  },
  'tracing.protocol': {
    ...one('How spans are written', 'http/protobuf', ['http/protobuf', 'http/json']),
    foreign: withDefault('PROTOCOL'),
  },
  'tracing.compression': {
    ...one('Whether spans are compressed on their way', 'none', ['none', 'gzip']),
    foreign: withDefault('COMPRESSION'),
  },
  'tracing.headers': {
    ...pairs('Headers that the collector wants, such as its key'),
    secret: 'whole',
    foreign: withDefault('HEADERS'),
  },
  'tracing.serviceName': {
    schema: Type.String(),
    wanted: 'a name or nothing',
    default: '',
    doc: 'Name of this service in traces; without it, the service.name of tracing.resource, or bellwether',
    foreign: [{ name: 'OTEL_SERVICE_NAME' }],
  },
  'tracing.resource': {
    ...pairs('What else traces say of this process, e.g. deployment.environment.name=production'),
    foreign: [{ name: 'OTEL_RESOURCE_ATTRIBUTES' }],
  },
  'tracing.timeoutMs': {
    ...whole('Longest time the collector may take to answer, in milliseconds', 10_000, HOUR_MS),
    foreign: withDefault('TIMEOUT'),
  },
  'tracing.delayMs': {
    ...whole('Longest time a span waits for others to be sent with, in milliseconds', 5_000, HOUR_MS),
    foreign: [{ name: 'OTEL_BSP_SCHEDULE_DELAY' }],
  },
  'tracing.queueMax': {
    ...whole('Most spans that wait; what comes beyond is dropped and counted', 16_384, 1_048_576),
    foreign: [{ name: 'OTEL_BSP_MAX_QUEUE_SIZE' }],
  },
  'tracing.disabled': {
    ...one('Whether nothing is traced, whatever else is said', 'false', ['true', 'false']),
    foreign: [
      { name: 'OTEL_SDK_DISABLED', read: text => (text.trim().toLowerCase() === 'true' ? 'true' : '') },
      { name: 'OTEL_TRACES_EXPORTER', read: text => ({ none: 'true', otlp: '' })[text.trim().toLowerCase()] },
    ],
  },
}
