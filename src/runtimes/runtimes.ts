/** Whoever computes the models that we do not compute ourselves: asked through predictors whose answers are awaited. */
import { Problem } from '../errors.ts'
import type { Surroundings } from '../platform/surroundings.ts'
import type { ExternalModel, PythonSettings } from '../predictor/external.ts'
import type { AwaitedPredictor } from '../predictor/predictor.ts'
import { countsText } from './counts-text.ts'
import { openOnnx } from './onnxruntime.ts'
import { packagingOf } from './packaging.ts'
import { describePython, openPython } from './python.ts'
import { describeRemote, openRemote } from './remote.ts'
import type { DeclaredRemote } from './remote-keys.ts'
import type { Described, Host, Runtime, RuntimeCounts, Served } from './runtime.ts'
import { removeAbandoned } from './worker-folders.ts'

export type { Described, Served } from './runtime.ts'

export interface Runtimes {
  /** Loads a Python artifact, which runs its code where `settings.trust` says that it may. Rejects with `invalid`. */
  describePython(bytes: Uint8Array, settings: PythonSettings, served: Served): Promise<Described>
  /** Asks the other server what the model is. Rejects with `invalid` where it is not as declared. */
  describeRemote(declared: DeclaredRemote): Promise<Described>
  /** Starts what computes the model. Rejects with a `Problem` where it cannot. */
  open(model: ExternalModel, served: Served): Promise<AwaitedPredictor>
  /** Calls off what is about to start. What is open is closed by whoever opened it. */
  close(): void
  /** What those that are open count, in the Prometheus text format. */
  render(): string
}

export function openRuntimes(surroundings: Surroundings): Runtimes {
  removeAbandoned()
  const closing = new AbortController()
  const host: Host = { ...surroundings, closing: closing.signal }
  const open = new Set<{
    readonly kind: ExternalModel['kind']
    readonly name: string
    readonly counts: () => RuntimeCounts
  }>()
  return {
    async describePython(bytes, settings, served) {
      const packaging = packagingOf(bytes)
      if (packaging !== undefined) return await describePython(packaging, settings, served, host)
      const wanted = 'a pickle, joblib, cloudpickle or skops file was wanted, or an MLflow model as tar or zip'
      throw new Problem('invalid', `Cannot load the artifact with Python: ${wanted}`)
    },
    describeRemote: declared => describeRemote(declared, surroundings),
    async open(model, served) {
      const { predictor, counts } = await runtimeOf(model, served, host)
      const counted = { kind: model.kind, name: served.name, counts }
      open.add(counted)
      return {
        ...predictor,
        close() {
          open.delete(counted)
          return predictor.close()
        },
      }
    },
    close: () => closing.abort(),
    render: () => countsText([...open].map(({ counts, ...rest }) => ({ ...rest, counts: counts() }))),
  }
}

async function runtimeOf(model: ExternalModel, served: Served, host: Host): Promise<Runtime> {
  try {
    return await opened(model, served, host)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'invalid') throw error
    // It was right when it was registered: so it is the server's fault now, not that of whoever asks.
    throw new Problem('misconfigured', error.message, { cause: error })
  }
}

async function opened(model: ExternalModel, served: Served, host: Host): Promise<Runtime> {
  switch (model.kind) {
    case 'python':
      return await openPython(model, served, host)
    case 'remote':
      return openRemote(model, host)
    case 'onnx-graph':
      return await openOnnx(model, served, host.timer)
  }
}
