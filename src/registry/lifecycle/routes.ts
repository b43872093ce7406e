import { Type } from 'typebox'
import type { Database } from '../../platform/database.ts'
import type { AnyRoute } from '../../route.ts'
import { type Registry, versionIn } from '../registry.ts'
import { type Approval, type ApprovalParts, approvalState, decide } from './approvals.ts'
import { compareRoutes } from './compare-routes.ts'
import { type StandingRouteParts, standingRoutes } from './standing-routes.ts'

export interface LifecycleRouteParts extends ApprovalParts, StandingRouteParts {
  readonly db: Database
  readonly registry: Pick<Registry, 'catalogue' | 'profile' | 'refresh'>
}

const COMMENT_MAX = 4_000

const Decision = Type.Enum(['approved', 'rejected'])
const State = Type.Object({
  needed: Type.Integer({ description: 'People who must approve before it may be champion' }),
  approved: Type.Integer(),
  rejected: Type.Integer(),
  approvals: Type.Array(
    Type.Object({
      id: Type.String({ description: 'Of the signed statement' }),
      decision: Decision,
      comment: Type.String(),
      by: Type.String(),
      at: Type.Integer({ description: 'Milliseconds since the epoch' }),
      counts: Type.Boolean({ description: 'The last word of its author, who did not register the version' }),
    }),
    { description: 'The oldest first' },
  ),
})
const params = Type.Object({
  name: Type.String({ description: 'Name of the model' }),
  version: Type.String({ description: 'Semantic version or alias' }),
})

export function lifecycleRoutes(parts: LifecycleRouteParts): AnyRoute[] {
  const { catalogue } = parts.registry
  const described = { path: '/models/:name/versions/:version/approvals', tag: 'Models', params } as const
  return [
    ...compareRoutes(parts.registry),
    ...standingRoutes(parts),
    {
      ...described,
      method: 'GET',
      permission: 'model:read',
      summary: 'Who approved of a version, and how many must',
      answers: { 200: State },
      problems: [404],
      handle: async ({ params: { name, version } }) => ({
        body: await approvalState(parts, versionIn(catalogue, name!, version!)),
      }),
    },
    {
      ...described,
      method: 'POST',
      permission: 'model:approve',
      summary: 'Approve of a version, or reject it',
      description: 'Signed and kept as evidence. Who registered the version may not; the last word of each counts.',
      body: Type.Object(
        { decision: Decision, comment: Type.String({ minLength: 1, maxLength: COMMENT_MAX, pattern: '\\S' }) },
        { additionalProperties: false },
      ),
      answers: { 201: State },
      problems: [404, 422],
      handle: async ({ params: { name, version }, body, actor }) => {
        await decide(parts, { model: name!, reference: version! }, body as Approval, actor)
        await parts.recorded()
        return { status: 201, body: await approvalState(parts, versionIn(catalogue, name!, version!)) }
      },
    },
  ]
}
