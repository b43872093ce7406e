/** The worker thread of one validation. */
import { type Fed, serveFed } from '../../platform/fed-worker.ts'
import { QUIET, systemSurroundings } from '../../platform/surroundings.ts'
import { isExternal, type Model, predictorOf } from '../../predictor/model.ts'
import { isAwaited } from '../../predictor/predictor.ts'
import { allBytes } from '../../registry/examine.ts'
import { loadVerified } from '../../registry/load-verified.ts'
import type { ModelVersion } from '../../registry/version.ts'
import { openRuntimes, type Runtimes } from '../../runtimes/runtimes.ts'
import { type GateFiles, type GateInput, runGate } from './gate.ts'
import { type Contender, classesOf } from './prepare.ts'
import type { Report } from './report.ts'

export interface GateTask {
  readonly candidate: ModelVersion
  readonly champion?: ModelVersion
  readonly now: number
}

/** A file of the task is read once: what is read twice has a role for each time. */
export type GateRole =
  | 'candidate artifact'
  | 'candidate evaluation'
  | 'candidate reference'
  | 'champion artifact'
  | 'champion evaluation'
  | 'champion reference'

await serveFed<GateTask, Report>(async ({ candidate, champion, now }, files) => {
  const runtimes = openRuntimes(systemSurroundings(QUIET))
  const open: Contender[] = []
  try {
    open.push(await contender(candidate, 'candidate', files, runtimes))
    if (champion !== undefined) open.push(await contender(champion, 'champion', files, runtimes))
    return await runGate(inputOf(open, now), filesOf(candidate, champion, files))
  } finally {
    for (const { predictor } of open) if (isAwaited(predictor)) await predictor.close()
    runtimes.close()
  }
})

function inputOf(open: readonly Contender[], now: number): GateInput {
  const [candidate, champion] = open as [Contender, Contender?]
  return { candidate, now, ...(champion === undefined ? {} : { champion }) }
}

async function contender(
  version: ModelVersion,
  who: 'candidate' | 'champion',
  files: Fed,
  runtimes: Runtimes,
): Promise<Contender> {
  const bytes = await allBytes(files(`${who} artifact` satisfies GateRole))
  const model: Model = version.external ?? loadVerified(bytes, version.artifact.sha256)
  const served = { name: `${version.model}@${version.version}`, artifact: async () => bytes }
  const predictor = isExternal(model) ? await runtimes.open(model, served) : predictorOf(model)
  const classes = classesOf(version, predictor, predictor.outputCount)
  return { version, predictor, ...(classes === undefined ? {} : { classes }) }
}

function filesOf(candidate: ModelVersion, champion: ModelVersion | undefined, files: Fed): GateFiles {
  const roles: GateRole[] = ['candidate evaluation', 'champion evaluation']
  return {
    evaluation: () => files(roles.shift()!),
    ...(candidate.reference === undefined ? {} : { reference: () => files('candidate reference' satisfies GateRole) }),
    ...(champion?.reference === undefined
      ? {}
      : { championReference: () => files('champion reference' satisfies GateRole) }),
  }
}
