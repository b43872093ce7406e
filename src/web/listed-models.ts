import type { Serving } from '../serving/predict.ts'
import type { ListedModel } from './overview.ts'

/** Every model with the version that answers for it. */
export function listedModels({ catalogue, releases }: Pick<Serving, 'catalogue' | 'releases'>): ListedModel[] {
  return catalogue.names().map(name => {
    const version = releases.choose(name, undefined)?.version
    return { name, version, versions: catalogue.versions(name).length }
  })
}
