/** Who may do what: the one list of permissions, and the roles that are made of them. */
import type { Actor } from '../route.ts'

export const PERMISSIONS = [
  'model:read',
  'model:register',
  'model:trust',
  'model:predict',
  'model:download',
  'model:alias',
  'model:validate',
  'model:attest',
  'model:approve',
  'prediction:read',
  'prediction:unseal',
  'prediction:review',
  'ledger:read',
  'audit:read',
  'audit:export',
  'outcome:write',
  'study:read',
  'study:write',
  'run:read',
  'run:write',
  'key:read',
  'key:manage',
  'webhook:manage',
  'metrics:read',
  'config:read',
] as const

/**
 * `<thing>:<verb>`. A route names the one it needs. Two are asked for by what a request says, not by its route:
 * `prediction:unseal` is to read what the ledger keeps sealed; `model:trust` is to register a model that runs code of its
 * own on the server or makes the server call another.
 */
export type Permission = (typeof PERMISSIONS)[number]

export type Role = 'viewer' | 'scientist' | 'operator' | 'approver' | 'auditor' | 'service' | 'admin'

/**
 * What each role may do stands here and nowhere else. Roles add up: an actor may do what any
 * of its roles may.
 */
export const ROLES: Readonly<Record<Role, readonly Permission[]>> = {
  /** Looks, changes nothing. */
  viewer: ['model:read', 'prediction:read', 'ledger:read', 'study:read', 'run:read', 'metrics:read'],
  /** Brings models and tries them; does not decide what customers meet. */
  scientist: [
    'model:read',
    'model:register',
    'model:validate',
    'model:predict',
    'model:download',
    'prediction:read',
    'prediction:review',
    'ledger:read',
    'outcome:write',
    'metrics:read',
    'study:read',
    'study:write',
    'run:read',
    'run:write',
  ],
  /** Keeps the service running and decides which version answers. */
  operator: [
    'model:read',
    'model:predict',
    'model:download',
    'model:alias',
    'model:validate',
    'model:attest',
    'prediction:read',
    'prediction:review',
    'ledger:read',
    'audit:read',
    'outcome:write',
    'key:read',
    'metrics:read',
    'config:read',
    'study:read',
    'run:read',
  ],
  /** Answers for what is released: may promote, may look at the evidence, brings nothing of its own. */
  approver: [
    'model:read',
    'model:alias',
    'model:validate',
    'model:attest',
    'model:approve',
    'prediction:read',
    'prediction:review',
    'ledger:read',
    'audit:read',
    'metrics:read',
    'study:read',
    'run:read',
  ],
  /** Reads everything, sealed fields included, and takes the evidence away; changes nothing. */
  auditor: [
    'model:read',
    'prediction:read',
    'prediction:unseal',
    'ledger:read',
    'audit:read',
    'audit:export',
    'key:read',
    'metrics:read',
    'config:read',
    'study:read',
    'run:read',
  ],
  /** A program that asks for predictions and tells what became of them, and sees nothing else. */
  service: ['model:predict', 'outcome:write'],
  admin: PERMISSIONS,
}

export const ROLE_NAMES: readonly Role[] = Object.keys(ROLES) as Role[]

export function isRole(text: string): text is Role {
  return Object.hasOwn(ROLES, text)
}

const PERMITTED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  ROLE_NAMES.map(role => [role, new Set<string>(ROLES[role])]),
)

/** Whether any role of the actor has the permission. Nobody, `admin` included, has one that is not in `PERMISSIONS`. */
export function permits(actor: Pick<Actor, 'roles'>, permission: string): boolean {
  return actor.roles.some(role => PERMITTED.get(role)?.has(permission) === true)
}
