import type { ArtifactFormat } from '../../predictor/predictor.ts'

/** How the artifact of a version is named where it is a file: the registry knows it by its digest alone. */
export function artifactName(format: ArtifactFormat): string {
  return NAMES[format] ?? 'model'
}

const NAMES: Readonly<Partial<Record<ArtifactFormat, string>>> = {
  'xgboost-json': 'model.json',
  'xgboost-ubj': 'model.ubj',
  'lightgbm-text': 'model.txt',
  'lightgbm-json': 'model.json',
  onnx: 'model.onnx',
  pmml: 'model.pmml',
}
