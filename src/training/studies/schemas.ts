/** What is sent and answered, for the doors to check and to document. */
import { type TSchema, Type } from 'typebox'
import { PARAMETERS_MAX } from './space.ts'

const Setting = Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()])
const Settings = Type.Record(Type.String(), Setting, { description: 'Value of each parameter that exists' })
const Time = Type.Integer({ description: 'Milliseconds since the epoch' })
const SentNumber = Type.Union([Type.Number(), Type.Enum(['NaN', 'Infinity', '-Infinity'])], {
  description: 'JSON has no NaN and no infinities: they are texts',
})
const Values = Type.Record(Type.String(), SentNumber, { description: 'Value of each objective' })
/** PostgreSQL keeps no U+0000 in a text. */
const NO_NUL = '^[^\\u0000]*$'
const closed = { additionalProperties: false }

const Parameter = Type.Object(
  {
    type: Type.Enum(['float', 'int', 'categorical']),
    low: Type.Optional(Type.Number({ description: 'The least value, which is one of them' })),
    high: Type.Optional(Type.Number({ description: 'The greatest value, which is one of them where steps reach it' })),
    step: Type.Optional(Type.Number({ description: 'Values are low, low + step, …; of an int 1 where not given' })),
    log: Type.Optional(Type.Boolean({ description: 'Search by the logarithm: for what spans orders of magnitude' })),
    choices: Type.Optional(Type.Array(Setting, { description: 'The values of a categorical parameter' })),
    when: Type.Optional(
      Type.Record(Type.String(), Type.Union([Setting, Type.Array(Setting)]), {
        description: 'Exists only where each of these other parameters exists and has this value, or one of these',
      }),
    ),
  },
  closed,
)

const samplers = ['random', 'sobol', 'tpe', 'cma-es', 'nsga2']
const Sampler = Type.Union([
  Type.Enum(samplers),
  Type.Object(
    {
      kind: Type.Enum(samplers),
      startup: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, description: 'Trials before it learns' })),
      candidates: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 1_000, description: 'Of tpe: points drawn for one' }),
      ),
      population: Type.Optional(Type.Integer({ minimum: 4, maximum: 1_000, description: 'Of cma-es and nsga2' })),
    },
    closed,
  ),
])

const pruners = ['median', 'asha', 'hyperband']
const Pruner = Type.Union([
  Type.Enum(pruners),
  Type.Object(
    {
      kind: Type.Enum(pruners),
      percentile: Type.Optional(
        Type.Number({ minimum: 0, maximum: 100, description: 'Of median: 50 where not given' }),
      ),
      startup: Type.Optional(Type.Integer({ minimum: 0, description: 'Complete trials before anything is pruned' })),
      warmup: Type.Optional(Type.Integer({ minimum: 0, description: 'Steps before a trial is judged' })),
      interval: Type.Optional(Type.Integer({ minimum: 1, description: 'Steps between judgements' })),
      min: Type.Optional(Type.Integer({ minimum: 1, description: 'First step at which trials are judged' })),
      max: Type.Optional(Type.Integer({ minimum: 1, description: 'Last step of a whole trial' })),
      factor: Type.Optional(Type.Number({ minimum: 2, maximum: 100, description: 'One of so many goes on' })),
    },
    closed,
  ),
])

export const NewStudy: TSchema = Type.Object(
  {
    name: Type.String({ description: 'Letters, digits and . _ -, 100 at most' }),
    description: Type.Optional(Type.String({ maxLength: 10_000 })),
    objectives: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 100 }), Type.Enum(['minimize', 'maximize']), {
        description: 'What is measured of a trial, by name; where not given, one that is called value and minimized',
      }),
    ),
    space: Type.Record(Type.String(), Parameter, { description: `Parameters by name, ${PARAMETERS_MAX} at most` }),
    sampler: Type.Optional(Sampler),
    pruner: Type.Optional(Pruner),
    seed: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1, description: 'The same seed, the same search' }),
    ),
    trials: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, description: 'How many there shall be' })),
    heartbeatMs: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 30 * 86_400_000,
        description: 'A trial not heard of for so long is given to another worker; an hour where not given',
      }),
    ),
    attempts: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'How often a trial is begun at most' }),
    ),
  },
  closed,
)

export const TRIAL_STATES = ['waiting', 'running', 'complete', 'pruned', 'failed'] as const

const trialMembers = {
  number: Type.Integer(),
  state: Type.Enum([...TRIAL_STATES]),
  params: Settings,
  values: Type.Optional(Values),
  attempt: Type.Integer({
    description: '1 at the first time; told back, it keeps a worker that was given up from telling',
  }),
  worker: Type.Optional(Type.String()),
  leaseUntil: Type.Optional(Time),
  lastStep: Type.Optional(Type.Integer()),
  lastValue: Type.Optional(SentNumber),
  error: Type.Optional(Type.String()),
  createdAt: Time,
  startedAt: Type.Optional(Time),
  finishedAt: Type.Optional(Time),
}

export const TrialSchema: TSchema = Type.Object(trialMembers)

export const ReportedTrial: TSchema = Type.Object({
  ...trialMembers,
  reports: Type.Array(Type.Object({ attempt: Type.Integer(), step: Type.Integer(), value: SentNumber })),
})

const counts = Object.fromEntries(TRIAL_STATES.map(state => [state, Type.Integer()]))

export const StudySchema: TSchema = Type.Object({
  name: Type.String(),
  study: Type.Unknown({ description: 'As it was created' }),
  seed: Type.Integer(),
  createdAt: Time,
  createdBy: Type.String({ description: 'Id of the actor' }),
  trials: Type.Object(counts, { description: 'How many are in each state' }),
})

const told = {
  value: Type.Optional(SentNumber),
  values: Type.Optional(Values),
}
const attempt = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    description: 'As asking answered it: refused where another worker has taken over',
  }),
)

export const Ask: TSchema = Type.Object(
  {
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 32, description: '1 where not given' })),
    worker: Type.Optional(
      Type.String({ maxLength: 200, pattern: NO_NUL, description: 'Who tries them; people read it' }),
    ),
  },
  closed,
)

export const Tell: TSchema = Type.Object(
  {
    ...told,
    state: Type.Optional(Type.Enum(['complete', 'pruned', 'failed'])),
    retry: Type.Optional(Type.Boolean({ description: 'Of one that failed: try it again, while the study allows' })),
    error: Type.Optional(Type.String({ maxLength: 2_000, pattern: NO_NUL, description: 'Why it failed' })),
    attempt,
  },
  closed,
)

export const AddTrial: TSchema = Type.Object({ params: Settings, ...told }, closed)

export const Report: TSchema = Type.Object(
  {
    step: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'How far it is: 0, 1, 2, …' }),
    value: SentNumber,
    attempt,
  },
  closed,
)

export const Heartbeat: TSchema = Type.Object({ attempt }, closed)
