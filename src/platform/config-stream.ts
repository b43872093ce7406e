/** Keys of the configuration of the stream: which topics are read and written, and where. */
import { Type } from 'typebox'
import type { ConfigKey } from './config-keys.ts'

export interface StreamConfig {
  /** `host:port`, separated by commas. Empty: there is no stream. */
  readonly brokers: string
  readonly input: string
  readonly output: string
  readonly deadLetters: string
  readonly group: string
  readonly model?: string
  readonly batchMax: number
  /** Names this member for good, or nothing. */
  readonly instanceId: string
  readonly sessionMs: number
  /** `json` or `avro`. */
  readonly answers: string
  /** `true` or `false`. */
  readonly tls: string
  /** Paths of PEM files. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly user: string
  readonly password: string
  readonly mechanism: string
  /** Address of the schema registry, or nothing. */
  readonly registry: string
  readonly registryUser: string
  readonly registryPassword: string
}

type Described = Omit<ConfigKey, 'env'>

/** https://github.com/apache/kafka: `Topic.LEGAL_CHARS`, at most 249 of them. */
const topic = (doc: string, flag: string): Described => ({
  schema: Type.String({ pattern: '^[a-zA-Z0-9._-]{0,249}$' }),
  wanted: 'the name of a topic: at most 249 letters, digits and the characters . _ -',
  default: '',
  flag,
  doc,
})

const pem = (doc: string): Described => ({ schema: Type.String({ minLength: 1 }), wanted: 'the path of a file', doc })

type StreamKey = `stream.${keyof StreamConfig}`

export const STREAM_KEYS: Readonly<Record<StreamKey, Described>> = {
  'stream.brokers': {
    schema: Type.String({ pattern: '^($|[^\\s,:]+:[0-9]+(,[^\\s,:]+:[0-9]+)*$)' }),
    wanted: 'host:port, separated by commas, or nothing',
    default: '',
    flag: 'brokers',
    doc: 'Kafka brokers whose stream is answered; without them there is no stream',
  },
  'stream.input': topic('Topic whose messages are answered', 'input-topic'),
  'stream.output': topic('Topic that takes the answers', 'output-topic'),
  'stream.deadLetters': topic(
    'Topic that takes the messages that could not be answered; without it, the input topic with .dead-letters',
    'dead-letters',
  ),
  'stream.group': {
    schema: Type.String({ pattern: '^[\\w.-]{1,200}$' }),
    wanted: '1 to 200 letters, digits and the characters . _ -',
    default: 'bellwether',
    flag: 'group',
    doc: 'Consumer group of the stream; another one begins at the start of the topic',
  },
  'stream.model': {
    schema: Type.String({ minLength: 1 }),
    wanted: 'the name of a model',
    flag: 'stream-model',
    doc: 'Model that answers the stream; without it, the one that POST /predict asks',
  },
  'stream.batchMax': {
    schema: Type.Integer({ minimum: 1, maximum: 10_000 }),
    wanted: 'a whole number from 1 to 10000',
    default: 500,
    doc: 'Most messages of one transaction',
  },
  'stream.instanceId': {
    schema: Type.String({ pattern: '^$|^(?!\\.{1,2}$)[a-zA-Z0-9._-]{1,249}$' }),
    wanted: 'at most 249 letters, digits and the characters . _ -, or nothing',
    default: '',
    doc: 'Name of this member of the group, which no other has: it keeps its partitions while it is started again',
  },
  'stream.sessionMs': {
    schema: Type.Integer({ minimum: 1_000, maximum: 1_800_000 }),
    wanted: 'a whole number from 1000 to 1800000',
    default: 6_000,
    doc: 'After so long without a sign of life others get the partitions of a member, milliseconds',
  },
  'stream.answers': {
    schema: Type.Union([Type.Literal('json'), Type.Literal('avro')]),
    wanted: 'json or avro',
    default: 'json',
    doc: 'Encoding of the answers; avro wants a schema registry',
  },
  'stream.tls': {
    schema: Type.Union([Type.Literal('true'), Type.Literal('false')]),
    wanted: 'true or false',
    default: 'false',
    doc: 'Whether the brokers are spoken to over TLS',
  },
  'stream.ca': pem('Certificates in PEM that the brokers prove theirs by, in place of the usual ones'),
  'stream.cert': pem('Certificate in PEM that is shown to the brokers (mTLS)'),
  'stream.key': pem('Private key of that certificate, in PEM'),
  'stream.mechanism': {
    schema: Type.Union(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].map(name => Type.Literal(name))),
    wanted: 'PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
    default: 'SCRAM-SHA-512',
    doc: 'SASL mechanism, where the brokers want a user',
  },
  'stream.user': {
    schema: Type.String(),
    wanted: 'a name or nothing',
    default: '',
    doc: 'User of the brokers; without it, no SASL',
  },
  'stream.password': {
    schema: Type.String(),
    wanted: 'a password or nothing',
    default: '',
    doc: 'Password of the user of the brokers',
    secret: 'whole',
  },
  'stream.registry': {
    schema: Type.String({ pattern: '^($|https?://[^\\s@]+$)' }),
    wanted: 'an address that begins with http:// or https:// and holds no user, or nothing',
    default: '',
    doc: 'Address of the schema registry, where messages are in Avro',
  },
  'stream.registryUser': {
    schema: Type.String(),
    wanted: 'a name or nothing',
    default: '',
    doc: 'User of the schema registry; without it, it is asked as nobody',
  },
  'stream.registryPassword': {
    schema: Type.String(),
    wanted: 'a password or nothing',
    default: '',
    doc: 'Password of the user of the schema registry',
    secret: 'whole',
  },
}
