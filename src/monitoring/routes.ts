import { Type } from 'typebox'
import type { Metrics } from '../platform/metrics.ts'
import type { AnyRoute } from '../route.ts'
import { type ReadinessCheck, readiness } from './readiness.ts'

export interface MonitoringParts {
  readonly metrics: Metrics
  readonly checks: readonly ReadinessCheck[]
}

const Ready = Type.Object({
  ready: Type.Boolean(),
  checks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.Optional(Type.String()) })),
})

export function monitoringRoutes({ metrics, checks }: MonitoringParts): AnyRoute[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      permission: 'public',
      summary: 'Whether the server is alive',
      tag: 'Monitoring',
      answers: { 200: Type.Object({ status: Type.Literal('ok') }) },
      handle: () => ({ body: { status: 'ok' } }),
    },
    {
      method: 'GET',
      path: '/readyz',
      permission: 'public',
      summary: 'Whether the server can answer, and if not, why',
      tag: 'Monitoring',
      answers: { 200: Ready, 503: Ready },
      handle: async () => {
        const state = await readiness(checks)
        return { status: state.ready ? 200 : 503, body: state }
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      permission: 'metrics:read',
      summary: 'Metrics for Prometheus',
      description: 'Text format 0.0.4, or OpenMetrics 1.0 where `Accept` asks for it.',
      tag: 'Monitoring',
      answers: { 200: 'text' },
      handle: async ({ headers }) => {
        const { text, type } = await metrics.expose(headers['accept'])
        return { text, type }
      },
    },
  ]
}
