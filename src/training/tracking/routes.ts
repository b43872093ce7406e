/** MLflow's tracking and registry protocol over HTTP, and its proxied artifacts: `MLFLOW_TRACKING_URI` names this server. */
import { Type } from 'typebox'
import type { AnyRoute, Method, Route, RouteRequest } from '../../route.ts'
import {
  deleteArtifact,
  getArtifact,
  listArtifacts,
  listModelArtifacts,
  listRunArtifacts,
  putArtifact,
} from './artifacts.ts'
import * as experiments from './experiments.ts'
import type { Message } from './fields.ts'
import type { Writes, Writing } from './group-commit.ts'
import * as plans from './log-plans.ts'
import * as models from './logged-models.ts'
import { metricCurves } from './metric-curves.ts'
import type { Plan } from './planned.ts'
import { trackingProblem } from './protocol-problem.ts'
import { recordChange } from './record-changes.ts'
import * as registered from './registered.ts'
import * as data from './run-data.ts'
import * as runs from './runs.ts'
import { searchRuns } from './search-runs.ts'
import { tellHooks } from './tell-hooks.ts'
import type { Tracking } from './tracking.ts'
import * as versions from './versions.ts'

type Read = (tracking: Tracking, from: Message) => Promise<Message>
type Change = (tracking: Tracking, tx: Writing, from: Message) => Promise<Message>
type Planned = (tracking: Tracking, from: Message) => Plan
export type Row<Handle> = readonly [method: Method, path: string, summary: string, permission: string, handle: Handle]

const TAG = 'MLflow tracking protocol'
const RUN_READ = 'run:read'
const RUN_WRITE = 'run:write'
const MODEL_READ = 'model:read'
const MODEL_WRITE = 'model:register'
const MODEL_MOVE = 'model:alias'

const READS: readonly Row<Read>[] = [
  ['GET', 'experiments/get', 'An experiment', RUN_READ, experiments.getExperiment],
  ['GET', 'experiments/get-by-name', 'An experiment by its name', RUN_READ, experiments.getExperimentByName],
  ['POST', 'experiments/search', 'Search experiments', RUN_READ, experiments.searchExperiments],
  ['GET', 'experiments/search', 'Search experiments', RUN_READ, experiments.searchExperiments],
  ['GET', 'runs/get', 'A run with its latest metrics', RUN_READ, runs.getRun],
  ['POST', 'runs/search', 'Search runs', RUN_READ, searchRuns],
  ['GET', 'metrics/get-history', 'All points of a metric', RUN_READ, data.getMetricHistory],
  [
    'GET',
    'metrics/get-history-bulk-interval',
    'Points of a metric of several runs, for charts',
    RUN_READ,
    metricCurves,
  ],
  ['GET', 'artifacts/list', 'Files of a run', RUN_READ, listRunArtifacts],
  ['POST', 'logged-models/search', 'Search logged models', RUN_READ, models.searchModels],
  ['GET', 'logged-models/:model_id', 'A logged model', RUN_READ, models.getModel],
  ['GET', 'logged-models/:model_id/artifacts/directories', 'Files of a logged model', RUN_READ, listModelArtifacts],
  ['GET', 'registered-models/get', 'A registered model', MODEL_READ, registered.getRegistered],
  ['GET', 'registered-models/search', 'Search registered models', MODEL_READ, registered.searchRegistered],
  ['GET', 'registered-models/alias', 'The version behind an alias', MODEL_READ, registered.getByAlias],
  ['POST', 'registered-models/get-latest-versions', 'Latest versions', MODEL_READ, versions.getLatestVersions],
  ['GET', 'registered-models/get-latest-versions', 'Latest versions', MODEL_READ, versions.getLatestVersions],
  ['GET', 'model-versions/get', 'A version', MODEL_READ, versions.getVersion],
  ['GET', 'model-versions/search', 'Search versions', MODEL_READ, versions.searchVersions],
  ['GET', 'model-versions/get-download-uri', 'Where the files of a version are', MODEL_READ, versions.downloadUri],
]

const CHANGES: readonly Row<Change>[] = [
  ['POST', 'experiments/create', 'Create an experiment', RUN_WRITE, experiments.createExperiment],
  ['POST', 'experiments/update', 'Rename an experiment', RUN_WRITE, experiments.updateExperiment],
  ['POST', 'experiments/delete', 'Delete an experiment', RUN_WRITE, experiments.stageExperiment('deleted')],
  ['POST', 'experiments/restore', 'Restore an experiment', RUN_WRITE, experiments.stageExperiment('active')],
  ['POST', 'experiments/set-experiment-tag', 'Tag an experiment', RUN_WRITE, experiments.setExperimentTag],
  ['POST', 'experiments/delete-experiment-tag', 'Untag an experiment', RUN_WRITE, experiments.deleteExperimentTag],
  ['POST', 'runs/update', 'Rename or end a run', RUN_WRITE, runs.updateRun],
  ['POST', 'runs/delete', 'Delete a run', RUN_WRITE, runs.stageRun('deleted')],
  ['POST', 'runs/restore', 'Restore a run', RUN_WRITE, runs.stageRun('active')],
  ['POST', 'runs/log-inputs', 'Log data sets and models that went in', RUN_WRITE, data.logInputs],
  ['POST', 'runs/outputs', 'Log models that came out', RUN_WRITE, data.logOutputs],
  ['POST', 'runs/delete-tag', 'Untag a run', RUN_WRITE, runs.deleteRunTag],
  ['POST', 'logged-models', 'Begin to log a model', RUN_WRITE, models.createModel],
  ['PATCH', 'logged-models/:model_id', 'Say that a model is logged', RUN_WRITE, models.finishModel],
  ['DELETE', 'logged-models/:model_id', 'Delete a logged model', RUN_WRITE, models.deleteModel],
  ['PATCH', 'logged-models/:model_id/tags', 'Tag a logged model', RUN_WRITE, models.tagModel],
  ['DELETE', 'logged-models/:model_id/tags/:tag_key', 'Untag a logged model', RUN_WRITE, models.untagModel],
  ['POST', 'logged-models/:model_id/params', 'Log parameters of a model', RUN_WRITE, models.logModelParams],
  ['POST', 'registered-models/create', 'Register a model', MODEL_WRITE, registered.createRegistered],
  ['PATCH', 'registered-models/update', 'Describe a model', MODEL_WRITE, registered.updateRegistered],
  ['POST', 'registered-models/rename', 'Rename a model', MODEL_WRITE, registered.renameRegistered],
  ['DELETE', 'registered-models/delete', 'Delete a model', MODEL_WRITE, registered.deleteRegistered],
  ['POST', 'registered-models/set-tag', 'Tag a model', MODEL_WRITE, registered.tagRegistered],
  ['DELETE', 'registered-models/delete-tag', 'Untag a model', MODEL_WRITE, registered.untagRegistered],
  ['POST', 'registered-models/alias', 'Set an alias', MODEL_MOVE, registered.setAlias],
  ['DELETE', 'registered-models/alias', 'Delete an alias', MODEL_MOVE, registered.deleteAlias],
  ['POST', 'model-versions/create', 'Register a version', MODEL_WRITE, versions.createVersion],
  ['PATCH', 'model-versions/update', 'Describe a version', MODEL_WRITE, versions.updateVersion],
  ['POST', 'model-versions/transition-stage', 'Move a version to a stage', MODEL_MOVE, versions.moveVersion],
  ['DELETE', 'model-versions/delete', 'Delete a version', MODEL_WRITE, versions.deleteVersion],
  ['POST', 'model-versions/set-tag', 'Tag a version', MODEL_WRITE, versions.tagVersion],
  ['DELETE', 'model-versions/delete-tag', 'Untag a version', MODEL_WRITE, versions.untagVersion],
]

/** What comes in great numbers: done together with whatever else comes at the time. */
const PLANNED: readonly Row<Planned>[] = [
  ['POST', 'runs/create', 'Begin a run', RUN_WRITE, plans.createRun],
  ['POST', 'runs/log-metric', 'Log a point of a metric', RUN_WRITE, plans.logMetric],
  ['POST', 'runs/log-parameter', 'Log a parameter', RUN_WRITE, plans.logParam],
  ['POST', 'runs/log-batch', 'Log metrics, parameters and tags', RUN_WRITE, plans.logBatch],
  ['POST', 'runs/set-tag', 'Tag a run', RUN_WRITE, plans.setRunTag],
]

const Any = Type.Object({}, { additionalProperties: true })
const described = {
  describedElsewhere: true,
  tag: TAG,
  answers: { 200: Any },
  problems: [400, 404, 408, 413, 415],
  problem: trackingProblem,
} as const

interface RouteParts extends Tracking, Pick<Writes<Plan>, 'put'> {
  /** Resolves when the changes made so far stand in the ledger. */
  readonly recorded: () => Promise<void>
}

export function trackingRoutes(tracking: RouteParts): AnyRoute[] {
  const begun = beginning(tracking)
  const reads = READS.map(row =>
    apiRoute(row, async request => {
      await begun()
      return await row[4](tracking, fieldsOf(request))
    }),
  )
  const changes = CHANGES.map(row =>
    apiRoute(row, async request => {
      await begun()
      const from = fieldsOf(request)
      const what = `${row[0]} ${row[1]}`
      const { answer, isRecorded } = await tracking.write(async tx => {
        const answer = await row[4](tracking, tx, from)
        await tellHooks(tracking, tx, what, from, answer)
        return { answer, isRecorded: await recordChange(tracking, tx, what, { from, answer, actor: request.actor }) }
      })
      if (isRecorded) await tracking.recorded()
      return answer
    }),
  )
  const planned = PLANNED.map(row =>
    apiRoute(row, async request => {
      await begun()
      return await tracking.put(row[4](tracking, fieldsOf(request)))
    }),
  )
  return [...reads, ...changes, ...planned, ...serverRoutes(), ...artifactRoutes(tracking)]
}

/** What must be there before anything else; tried again where it failed. */
function beginning(tracking: Tracking): () => Promise<void> {
  let begun: Promise<void> | undefined
  return () => {
    begun ??= experiments.ensureDefault(tracking).catch((error: unknown) => {
      begun = undefined
      throw error
    })
    return begun
  }
}

/** A route of the protocol; `withoutEmpty` and the shape of problems are its. */
export function apiRoute(
  [method, path, summary, permission]: Row<unknown>,
  handle: (request: RouteRequest) => Promise<Message>,
): Route {
  return {
    ...described,
    method,
    path: `/api/2.0/mlflow/${path}`,
    permission,
    summary,
    ...(method === 'GET' ? {} : { body: Type.Union([Any, Type.Undefined()]) }),
    handle: async request => ({ body: withoutEmpty(await handle(request)) }),
  }
}

/** As Protocol Buffers' JSON has it, an empty list is not there. */
function withoutEmpty(message: Message): Message {
  const empty = Object.keys(message).some(key => Array.isArray(message[key]) && message[key].length === 0)
  if (!empty) return message
  return Object.fromEntries(Object.entries(message).filter(([, value]) => !Array.isArray(value) || value.length > 0))
}

/** The protocol has one message, whichever part of the request it comes in. */
export function fieldsOf({ params, query, body }: RouteRequest): Message {
  return { ...query, ...(body as Message | undefined), ...params }
}

/** What clients ask about the server before they use what only some servers do. */
function serverRoutes(): Route[] {
  const body = {
    store_type: 'SqlStore',
    workspaces_enabled: false,
    trace_archival_enabled: false,
    multipart_uploads_enabled: false,
    multipart_downloads_enabled: false,
  }
  return [
    {
      ...described,
      method: 'GET',
      path: '/api/3.0/mlflow/server-info',
      permission: RUN_READ,
      summary: 'What this server can do',
      handle: () => ({ body }),
    },
  ]
}

function artifactRoutes(tracking: RouteParts): Route[] {
  const path = '/api/2.0/mlflow-artifacts/artifacts'
  const nameOf = ({ params }: RouteRequest): string => params['*'] ?? ''
  return [
    {
      ...described,
      method: 'GET',
      path,
      permission: RUN_READ,
      summary: 'Files in a folder of artifacts',
      handle: async ({ query }) => ({ body: withoutEmpty(await listArtifacts(tracking, query)) }),
    },
    {
      ...described,
      method: 'GET',
      path: `${path}/*`,
      permission: RUN_READ,
      summary: 'An artifact',
      answers: { 200: 'binary' },
      handle: request => getArtifact(tracking, nameOf(request)),
    },
    {
      ...described,
      method: 'PUT',
      path: `${path}/*`,
      permission: RUN_WRITE,
      summary: 'Store an artifact while it comes',
      upload: true,
      handle: async request => {
        await putArtifact(tracking, nameOf(request), request.upload!)
        return { body: {} }
      },
    },
    {
      ...described,
      method: 'DELETE',
      path: `${path}/*`,
      permission: RUN_WRITE,
      summary: 'Delete an artifact, or a folder of them',
      handle: async request => {
        await deleteArtifact(tracking, nameOf(request), request.actor)
        await tracking.recorded()
        return { body: {} }
      },
    },
  ]
}
