/** A pipeline that is nothing but a forest becomes one: then the faster kernels and the explanations of forests are for it. */
import type { Forest } from '../forest.ts'
import type { Link } from '../link.ts'
import type { Pipeline, PipelineStep } from '../pipeline.ts'

type ForestStep = Extract<PipelineStep, { readonly op: 'forest' }>

/** Without the steps that the answer does not need; the forest that answers the same, if there is one. */
export function simplified(pipeline: Pipeline): Forest | Pipeline {
  const { outputs } = pipeline
  const steps = usedSteps(pipeline.steps, outputs)
  const forest = asForest(pipeline, steps)
  return forest ?? { ...pipeline, steps }
}

function asForest(pipeline: Pipeline, steps: readonly PipelineStep[]): Forest | undefined {
  const { outputs, intake, features, constants } = pipeline
  const [first, ...rest] = steps
  if (
    first?.op !== 'forest' ||
    !isPlain(first, features.length) ||
    intake.some(({ read }) => read !== first.forest.precision)
  ) {
    return undefined
  }
  const ending = endingOf(
    rest,
    first.to,
    outputs,
    new Map(Array.from(constants.registers, (at, index) => [at, constants.values[index]!])),
  )
  if (ending === undefined) return undefined
  const { kind: _k, registers: _r, intake: _i, constants: _c, steps: _s, outputs: _o, ...head } = pipeline
  const { trees, depth, leaves } = first.forest.facts
  const facts = { ...head.facts, trees: trees!, depth: depth!, leaves: leaves! }
  return { ...first.forest, ...head, facts, base: ending.base, link: ending.link }
}

function isPlain({ from }: ForestStep, features: number): boolean {
  return from.length === features && from.every((register, index) => register === index)
}

/** What the outputs need, and nothing else. */
export function usedSteps(steps: readonly PipelineStep[], outputs: Int32Array): PipelineStep[] {
  const needed = new Set<number>(outputs)
  return steps
    .toReversed()
    .filter(step => {
      if (!step.to.some(register => needed.has(register))) return false
      for (const list of readsOf(step)) for (const register of list) needed.add(register)
      return true
    })
    .toReversed()
}

function readsOf(step: PipelineStep): readonly Int32Array[] {
  if (step.op === 'binary') return [step.left, step.right]
  if (step.op === 'select') return [step.when, step.yes, step.no]
  return [step.from]
}

/**
 * What a forest may do after its leaves. A base value is added before the leaves there and after them here, so that it is taken
 * over only before a sigmoid, which makes the difference (some 1e−7 of the margin) smaller still.
 */
function endingOf(
  steps: readonly PipelineStep[],
  margins: Int32Array,
  outputs: Int32Array,
  constants: ReadonlyMap<number, number>,
): { base: Float64Array; link: Link } | undefined {
  let at = margins
  let base = new Float64Array(margins.length)
  let link: Link = 'identity'
  for (const step of steps) {
    if (step.op === 'binary' && step.name === 'add' && same(step.left, at) && link === 'identity') {
      base = Float64Array.from(step.right, register => constants.get(register) ?? Number.NaN)
      if (!base.every(Number.isFinite)) return undefined
    } else if (step.op === 'unary' && step.name === 'sigmoid' && same(step.from, at)) link = 'sigmoid'
    else return undefined
    at = step.to
  }
  if (!same(at, outputs) || (link === 'identity' && base.some(value => value !== 0))) return undefined
  return { base, link }
}

function same(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}
