/** Whoever computes the models that we do not compute ourselves: asked through predictors whose answers are awaited. */
import { Problem } from '../errors.ts'
import type { Surroundings } from '../platform/surroundings.ts'
import type { ExternalModel, PythonSettings } from '../predictor/external.ts'
import type { AwaitedPredictor } from '../predictor/predictor.ts'
import { countsText } from './counts-text.ts'
import { packagingOf } from './packaging.ts'
import { describePython, openPython } from './python.ts'
import { describeRemote, openRemote } from './remote.ts'
import type { DeclaredRemote } from './remote-keys.ts'
import type { Described, Runtime, RuntimeCounts, Served } from './runtime.ts'

export type { Described, Served } from './runtime.ts'

export interface Runtimes {
  /** Loads a Python artifact, which runs its code where `settings.trust` says that it may. Rejects with `invalid`. */
  describePython(bytes: Uint8Array, settings: PythonSettings, served: Served): Promise<Described>
  /** Asks the other server what the model is. Rejects with `invalid` where it is not as declared. */
  describeRemote(declared: DeclaredRemote): Promise<Described>
  /** Starts what computes the model. Rejects with a `Problem` where it cannot. */
  open(model: ExternalModel, served: Served): Promise<AwaitedPredictor>
  /** What those that are open count, in the Prometheus text format. */
  render(): string
}

export function openRuntimes(surroundings: Surroundings): Runtimes {
  const opened = new Set<{
    readonly kind: ExternalModel['kind']
    readonly name: string
    readonly counts: () => RuntimeCounts
  }>()
  return {
    async describePython(bytes, settings, served) {
      const packaging = packagingOf(bytes)
      if (packaging !== undefined) return await describePython(packaging, settings, served, surroundings)
      const wanted = 'a pickle, joblib, cloudpickle or skops file was wanted, or an MLflow model as tar or zip'
      throw new Problem('invalid', `Cannot load the artifact with Python: ${wanted}`)
    },
    describeRemote: declared => describeRemote(declared, surroundings),
    async open(model, served) {
      const { predictor, counts } = await runtimeOf(model, served, surroundings)
      const counted = { kind: model.kind, name: served.name, counts }
      opened.add(counted)
      return {
        ...predictor,
        close() {
          opened.delete(counted)
          return predictor.close()
        },
      }
    },
    render: () => countsText([...opened].map(({ counts, ...rest }) => ({ ...rest, counts: counts() }))),
  }
}

async function runtimeOf(model: ExternalModel, served: Served, surroundings: Surroundings): Promise<Runtime> {
  switch (model.kind) {
    case 'python':
      return await openPython(model, served, surroundings)
    case 'remote':
      return openRemote(model, surroundings)
    default:
      throw new Problem('invalid', `Cannot run a model of the kind ${model.kind}`)
  }
}
