import { Type } from 'typebox'
import type { AnyRoute, Route, RouteRequest } from '../../route.ts'
import type { AskRequest } from './ask.ts'
import { type GivenStudy, STUDY_NAME } from './definition.ts'
import type { ReportRequest } from './report.ts'
import {
  AddTrial,
  Ask,
  Heartbeat,
  NewStudy,
  Report,
  ReportedTrial,
  StudySchema,
  Tell,
  TRIAL_STATES,
  TrialSchema,
} from './schemas.ts'
import type { Studies } from './studies.ts'
import type { TrialState } from './tables.ts'
import type { NewTrial, TellRequest } from './tell.ts'

export interface StudyRouteParts {
  readonly studies: Studies
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

const name = Type.String({ pattern: STUDY_NAME })
const Name = Type.Object({ name })
const NameAndNumber = Type.Object({ name, number: Type.String({ pattern: '^[0-9]{1,9}$' }) })
const tag = 'Studies'
const read = { tag, permission: 'study:read' } as const
const write = { tag, permission: 'study:write' } as const

export function studyRoutes({ studies, recorded }: StudyRouteParts): AnyRoute[] {
  return [
    ...creation(studies, recorded),
    ...readingOfStudies(studies),
    ...readingOfTrials(studies),
    ...trying(studies),
    ...lifeSigns(studies),
  ]
}

function nameOf({ params }: RouteRequest): string {
  return params['name']!
}

function numberOf({ params }: RouteRequest): number {
  return Number(params['number'])
}

function creation(studies: Studies, recorded: () => Promise<void>): Route[] {
  return [
    {
      ...write,
      method: 'POST',
      path: '/studies',
      summary: 'Create a study',
      description: 'The same study again is answered with the one that is there.',
      body: NewStudy,
      answers: { 200: StudySchema, 201: StudySchema },
      problems: [409, 422],
      handle: async ({ body, actor }) => {
        const { study, created } = await studies.create(body as GivenStudy, actor)
        await recorded()
        return { status: created ? 201 : 200, body: study }
      },
    },
    {
      ...write,
      method: 'DELETE',
      path: '/studies/:name',
      summary: 'Delete a study with all its trials',
      params: Name,
      answers: { 200: Type.Object({ deleted: Type.String() }) },
      problems: [404, 422],
      handle: async request => {
        await studies.delete(nameOf(request), request.actor)
        await recorded()
        return { body: { deleted: nameOf(request) } }
      },
    },
  ]
}

function readingOfStudies(studies: Studies): Route[] {
  return [
    {
      ...read,
      method: 'GET',
      path: '/studies',
      summary: 'All studies, by name',
      query: Type.Object({
        after: Type.Optional(
          Type.String({ pattern: `^$|${STUDY_NAME}`, description: 'Only those whose name comes after this' }),
        ),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
      }),
      answers: { 200: Type.Object({ studies: Type.Array(StudySchema) }) },
      handle: async ({ query }) => {
        const { after = '', limit = 100 } = query as { after?: string; limit?: number }
        return { body: { studies: await studies.list(after, limit) } }
      },
    },
    {
      ...read,
      method: 'GET',
      path: '/studies/:name',
      summary: 'A study',
      params: Name,
      answers: { 200: StudySchema },
      problems: [404, 422],
      handle: async request => ({ body: await studies.find(nameOf(request)) }),
    },
    {
      ...read,
      method: 'GET',
      path: '/studies/:name/best',
      summary: 'The best trial; of several objectives, all that no other is better than',
      params: Name,
      query: Type.Object({
        reference: Type.Optional(
          Type.String({
            description: 'A value for each objective, with commas: also answers the hypervolume up to it',
          }),
        ),
      }),
      answers: {
        200: Type.Object({ trials: Type.Array(TrialSchema), hypervolume: Type.Optional(Type.Number()) }),
      },
      problems: [404, 422],
      handle: async request => ({
        body: await studies.best(nameOf(request), request.query['reference'] as string | undefined),
      }),
    },
  ]
}

function readingOfTrials(studies: Studies): Route[] {
  return [
    {
      ...read,
      method: 'GET',
      path: '/studies/:name/trials',
      summary: 'Trials of a study, by number',
      params: Name,
      query: Type.Object({
        state: Type.Optional(Type.Enum([...TRIAL_STATES])),
        after: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 999_999_999, description: 'Only those after this number' }),
        ),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 })),
      }),
      answers: { 200: Type.Object({ trials: Type.Array(TrialSchema) }) },
      problems: [404, 422],
      handle: async request => {
        const { state, after, limit = 1_000 } = request.query as { state?: TrialState; after?: number; limit?: number }
        return { body: { trials: await studies.trials(nameOf(request), { state, after, limit }) } }
      },
    },
    {
      ...read,
      method: 'GET',
      path: '/studies/:name/trials/:number',
      summary: 'A trial with what it reported',
      params: NameAndNumber,
      answers: { 200: ReportedTrial },
      problems: [404, 422],
      handle: async request => ({ body: await studies.trial(nameOf(request), numberOf(request)) }),
    },
  ]
}

function trying(studies: Studies): Route[] {
  return [
    {
      ...write,
      method: 'POST',
      path: '/studies/:name/ask',
      summary: 'Ask for trials to try',
      description:
        'First those whose worker was not heard of in time, then those that were added by hand, then new ones. No trials, and `done`, when there are to be no more.',
      params: Name,
      body: Ask,
      answers: { 200: Type.Object({ trials: Type.Array(TrialSchema), done: Type.Boolean() }) },
      problems: [404, 422],
      handle: async request => {
        const { count = 1, ...rest } = request.body as Partial<AskRequest>
        return { body: await studies.ask(nameOf(request), { count, ...rest }) }
      },
    },
    {
      ...write,
      method: 'POST',
      path: '/studies/:name/trials',
      summary: 'Add a trial: to be tried, or with values one that was tried elsewhere',
      params: Name,
      body: AddTrial,
      answers: { 201: TrialSchema },
      problems: [404, 409, 422],
      handle: async request => ({ status: 201, body: await studies.add(nameOf(request), request.body as NewTrial) }),
    },
    {
      ...write,
      method: 'POST',
      path: '/studies/:name/trials/:number/tell',
      summary: 'Tell what came of a trial',
      description: 'Telling the same again changes nothing; telling something else of a trial that is over is refused.',
      params: NameAndNumber,
      body: Tell,
      answers: { 200: TrialSchema },
      problems: [404, 409, 422],
      handle: async request => ({
        body: await studies.tell(nameOf(request), numberOf(request), request.body as TellRequest),
      }),
    },
  ]
}

function lifeSigns(studies: Studies): Route[] {
  const Life = Type.Object({ prune: Type.Boolean(), leaseUntil: Type.Integer() })
  return [
    {
      ...write,
      method: 'POST',
      path: '/studies/:name/trials/:number/report',
      summary: 'Report how far a trial is, and hear whether it is worth going on',
      params: NameAndNumber,
      body: Report,
      answers: { 200: Life },
      problems: [404, 409, 422],
      handle: async request => ({
        body: await studies.report(nameOf(request), numberOf(request), request.body as ReportRequest),
      }),
    },
    {
      ...write,
      method: 'POST',
      path: '/studies/:name/trials/:number/heartbeat',
      summary: 'Say that a trial is still being tried',
      params: NameAndNumber,
      body: Heartbeat,
      answers: { 200: Life },
      problems: [404, 409, 422],
      handle: async request => ({
        body: await studies.report(nameOf(request), numberOf(request), request.body as ReportRequest),
      }),
    },
  ]
}
