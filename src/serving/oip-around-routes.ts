/**
 * What Triton has around its models, as its clients ask for it: shared memory, settings of tracing and of the log. There is none of
 * it here, which is told to who asks. Who wants to set it is refused, for a `POST` of these paths is not there.
 */
import { Type } from 'typebox'
import type { AnyRoute, Route } from '../route.ts'

/** @param problem how problems are written. */
export function aroundRoutes(tag: string, problem: NonNullable<Route['problem']>): AnyRoute[] {
  const route = (
    path: string,
    summary: string,
    none: Readonly<Record<string, never>> | readonly never[],
  ): AnyRoute => ({
    method: 'GET',
    path,
    permission: 'model:read',
    summary,
    tag,
    answers: { 200: Array.isArray(none) ? Type.Array(Type.Unknown()) : Type.Object({}) },
    problem,
    handle: () => ({ body: none }),
  })
  return [
    route('/v2/trace/setting', 'Settings of tracing: none, tracing is configured at the start', {}),
    route('/v2/models/:name/trace/setting', 'Settings of tracing of a model: none', {}),
    route('/v2/logging', 'Settings of the log: none, it is configured at the start', {}),
    route('/v2/systemsharedmemory/status', 'Regions of shared memory: none, tensors come in the message', []),
    route('/v2/cudasharedmemory/status', 'Regions of shared memory of GPUs: none', []),
  ]
}
