/**
 * Four eyes: other people than the one who registered a version approve of it before it becomes champion. An approval is a
 * signed statement about the version, so there is no other list that could be changed.
 */
import { personsOf } from '../../access/persons.ts'
import { Problem } from '../../errors.ts'
import type { Database } from '../../platform/database.ts'
import type { Actor } from '../../route.ts'
import type { Evidence, Told } from '../evidence/evidence.ts'
import { APPROVAL, isObject } from '../evidence/statement.ts'
import { CHAMPION } from '../leading.ts'
import { type AliasMove, type Registry, versionIn } from '../registry.ts'
import type { AnyTransaction } from '../store.ts'
import type { ModelVersion } from '../version.ts'

/** How many people must approve of the versions of a model. */
export type ApprovalsOf = (model: string) => number

export type Decision = 'approved' | 'rejected'

/** What somebody thinks of a version, as it was signed. */
export interface Approval {
  readonly id: string
  readonly decision: Decision
  readonly comment: string
  readonly by: string
  readonly at: number
  /** It is the last word of its author, who did not register the version. */
  readonly counts: boolean
}

export interface ApprovalState {
  /** People who must approve. */
  readonly needed: number
  readonly approved: number
  readonly rejected: number
  /** The oldest first. */
  readonly approvals: readonly Approval[]
}

export interface ApprovalParts {
  readonly db: Database
  readonly registry: Pick<Registry, 'catalogue'>
  readonly evidence: Pick<Evidence, 'add' | 'list'>
  readonly approvalsOf: ApprovalsOf
}

const SETTING = /^(?:([^\s=,]+)=)?([0-9])$/

/** Reads the setting `versions.approvals`; throws `misconfigured`. */
export function parseApprovals(setting: string): ApprovalsOf {
  const byModel = new Map<string, number>()
  let others = 0
  for (const text of setting.split(/[\s,]+/).filter(each => each !== '')) {
    const [, model, count] = SETTING.exec(text) ?? []
    if (count === undefined) {
      throw new Problem(
        'misconfigured',
        `Cannot demand approvals (versions.approvals): found ${JSON.stringify(text)}, wanted a number from 0 to 9, or MODEL=NUMBER`,
      )
    }
    if (model === undefined) others = Number(count)
    else byModel.set(model, Number(count))
  }
  return model => byModel.get(model) ?? others
}

/**
 * Signs what somebody thinks of a version. Throws `forbidden` for who registered it, `not_found` where it is not there.
 */
export async function decide(
  { db, registry, evidence }: ApprovalParts,
  about: { readonly model: string; readonly reference: string },
  { decision, comment }: Pick<Approval, 'decision' | 'comment'>,
  actor: Actor,
): Promise<void> {
  const { model, version, registeredBy } = versionIn(registry.catalogue, about.model, about.reference)
  const personOf = await personsOf(db, [registeredBy, actor.id])
  if (personOf(registeredBy) === personOf(actor.id)) {
    const who = registeredBy === actor.id ? actor.id : `the owner of ${actor.id}`
    throw new Problem(
      'forbidden',
      `Cannot decide about ${model}@${version}: ${who} registered it, and somebody else must approve`,
    )
  }
  const predicate = { decision, comment, approver: { id: actor.id, roles: actor.roles } }
  await evidence.add({ model, version, predicateType: APPROVAL, predicate, actor })
}

export async function approvalState(
  parts: ApprovalParts,
  about: ModelVersion,
  within?: AnyTransaction,
): Promise<ApprovalState> {
  const { model, version, registeredBy } = about
  const said = (await parts.evidence.list(model, version, within)).flatMap(approvalOf)
  const personOf = await personsOf(within ?? parts.db, [registeredBy, ...said.map(({ by }) => by)])
  const last = new Map(said.map(({ by, id }) => [personOf(by), id]))
  const isLast = ({ by, id }: { readonly by: string; readonly id: string }): boolean =>
    personOf(by) !== personOf(registeredBy) && last.get(personOf(by)) === id
  const approvals = said.map(each => ({ ...each, counts: isLast(each) }))
  const count = (wanted: Decision): number =>
    approvals.filter(({ counts, decision }) => counts && decision === wanted).length
  return {
    needed: Math.max(parts.approvalsOf(model), about.approvals ?? 0),
    approved: count('approved'),
    rejected: count('rejected'),
    approvals,
  }
}

/**
 * Holds the alias `champion`: it goes to no version that too few approve of. Asked before anything is made ready for the move, and
 * again where it happens, for somebody may have rejected the version meanwhile. Returns how to let go.
 */
export function holdForApproval(parts: ApprovalParts & { readonly registry: Registry }): () => void {
  const letGo = [
    parts.registry.beforeMove(move => requireApproved(parts, move)),
    parts.registry.inMove((move, tx) => requireApproved(parts, move, tx)),
  ]
  return () => {
    for (const one of letGo) one()
  }
}

async function requireApproved(
  parts: ApprovalParts,
  { model, alias, to }: AliasMove,
  within?: AnyTransaction,
): Promise<void> {
  if (alias !== CHAMPION) return
  const version = versionIn(parts.registry.catalogue, model, to)
  if (Math.max(parts.approvalsOf(model), version.approvals ?? 0) === 0) return
  const { needed, approved, rejected, approvals } = await approvalState(parts, version, within)
  const refused = (why: string): Problem =>
    new Problem('conflict', `Cannot make ${model}@${to} the champion: ${why}; see: bellwether approvals ${model}@${to}`)
  if (rejected > 0) {
    const by = approvals.filter(({ counts, decision }) => counts && decision === 'rejected').map(each => each.by)
    throw refused(`${by.join(', ')} rejected it`)
  }
  if (approved < needed) throw refused(`${approved} of ${needed} approved of it`)
}

/** A statement that somebody else carried here again is not theirs. */
function approvalOf({ id, predicateType, isBelieved, predicate, by, at }: Told): Omit<Approval, 'counts'>[] {
  if (predicateType !== APPROVAL || !isBelieved || !isObject(predicate)) return []
  const { decision, comment, approver } = predicate
  if (!isObject(approver) || approver['id'] !== by) return []
  if (decision !== 'approved' && decision !== 'rejected') return []
  return [{ id, decision, comment: typeof comment === 'string' ? comment : '', by, at }]
}
