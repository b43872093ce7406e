/** The models of a document as plain data, their fields resolved to slots. */
import type { Expression } from './expression.ts'
import type { DataType, Value } from './values.ts'

export type Predicate =
  | { readonly op: 'constant'; readonly value: boolean }
  | { readonly op: 'missing'; readonly slot: number; readonly wanted: boolean }
  | {
      readonly op: 'compare'
      readonly slot: number
      readonly operator: Operator
      readonly value: Value
      readonly order?: readonly Value[]
    }
  | { readonly op: 'set'; readonly slot: number; readonly values: readonly Value[]; readonly isIn: boolean }
  | { readonly op: Junction; readonly parts: readonly Predicate[] }

export type Operator = 'equal' | 'notEqual' | 'lessThan' | 'lessOrEqual' | 'greaterThan' | 'greaterOrEqual'
export type Junction = 'and' | 'or' | 'xor' | 'surrogate'

/** What is known of what a model predicts. */
export interface Target {
  readonly type: DataType
  readonly rescaleFactor: number
  readonly rescaleConstant: number
  readonly min: number
  readonly max: number
  readonly castInteger?: 'round' | 'ceiling' | 'floor'
  /** Of a regression whose value is missing. */
  readonly fallback?: number
  /** Of a classification that is missing. */
  readonly priors?: readonly Share[]
}

export interface Share {
  readonly label: string
  readonly value: number
}

/** A number that a model or one of its parts gives to the models after it. */
export type OutputField = {
  readonly slot: number
  readonly type: DataType
} & (
  | { readonly feature: 'predictedValue' | 'entityId' }
  | { readonly feature: 'probability'; readonly label?: string }
  | { readonly feature: 'transformedValue'; readonly expression: Expression; readonly from: DataType }
)

interface ModelParts {
  readonly isClassification: boolean
  /** Whether the document asks for arithmetic in float32 (`x-mathContext` of JPMML). */
  readonly float: boolean
  readonly target: Target
  /** Read by models that come after it, and only there. */
  readonly outputs: readonly OutputField[]
}

export type MissingValueStrategy =
  | 'none'
  | 'lastPrediction'
  | 'nullPrediction'
  | 'defaultChild'
  | 'weightedConfidence'
  | 'aggregateNodes'

export interface TreeNode {
  readonly id?: string
  readonly predicate: Predicate
  readonly score?: string
  readonly recordCount?: number
  /** Shares of the classes, which sum to 1. */
  readonly shares?: readonly Share[]
  readonly children: readonly TreeNode[]
  readonly defaultChild?: number
}

export interface TreeModel extends ModelParts {
  readonly kind: 'tree'
  readonly missingValues: MissingValueStrategy
  readonly lastWhenNone: boolean
  readonly root: TreeNode
}

export type Normalization =
  | 'none'
  | 'simplemax'
  | 'softmax'
  | 'logit'
  | 'probit'
  | 'cloglog'
  | 'exp'
  | 'loglog'
  | 'cauchit'

export interface RegressionTable {
  readonly label?: string
  readonly intercept: number
  readonly numeric: readonly { readonly slot: number; readonly exponent: number; readonly coefficient: number }[]
  readonly categorical: readonly { readonly slot: number; readonly value: Value; readonly coefficient: number }[]
  readonly terms: readonly { readonly slots: readonly number[]; readonly coefficient: number }[]
}

export interface RegressionModel extends ModelParts {
  readonly kind: 'regression'
  readonly normalization: Normalization
  readonly isOrdinal: boolean
  readonly tables: readonly RegressionTable[]
}

/** A product over predictors: powers of covariates, indicators or contrasts of factors. */
export interface Parameter {
  readonly beta: number
  readonly factors: readonly {
    readonly slot: number
    readonly values: readonly Value[]
    readonly contrasts: readonly number[]
  }[]
  readonly covariates: readonly { readonly slot: number; readonly exponent: number }[]
}

export type GeneralLink =
  | 'identity'
  | 'log'
  | 'logc'
  | 'logit'
  | 'probit'
  | 'cloglog'
  | 'loglog'
  | 'cauchit'
  | 'negbin'
  | 'oddspower'
  | 'power'

export interface GeneralRegressionModel extends ModelParts {
  readonly kind: 'general-regression'
  readonly modelType:
    | 'regression'
    | 'generalLinear'
    | 'generalizedLinear'
    | 'multinomialLogistic'
    | 'ordinalMultinomial'
  readonly link: GeneralLink
  readonly linkParameter: number
  readonly offset?: number
  readonly offsetSlot?: number
  readonly trials?: number
  readonly trialsSlot?: number
  /** One for a regression; else one for each label but the last. */
  readonly sums: readonly (readonly Parameter[])[]
  readonly labels: readonly string[]
}

export interface Scorecard extends ModelParts {
  readonly kind: 'scorecard'
  readonly initialScore: number
  readonly characteristics: readonly {
    readonly name: string
    readonly attributes: readonly {
      readonly predicate: Predicate
      readonly score: Expression
      readonly reasonCode?: string
    }[]
  }[]
}

export type Activation =
  | 'threshold'
  | 'logistic'
  | 'tanh'
  | 'identity'
  | 'exponential'
  | 'reciprocal'
  | 'square'
  | 'Gauss'
  | 'sine'
  | 'cosine'
  | 'Elliott'
  | 'arctan'
  | 'rectifier'
  | 'radialBasis'

export interface NeuralLayer {
  readonly activation: Activation
  readonly normalization: 'none' | 'simplemax' | 'softmax'
  readonly threshold: number
  readonly leakage: number
  readonly altitude: number
  /** Each neuron's index among all neurons and inputs is its place in this order. */
  readonly neurons: readonly {
    readonly bias: number
    readonly width: number
    readonly from: readonly number[]
    readonly weights: readonly number[]
  }[]
}

export interface NeuralNetwork extends ModelParts {
  readonly kind: 'neural-network'
  readonly inputs: readonly { readonly expression: Expression; readonly from: DataType; readonly type: DataType }[]
  readonly layers: readonly NeuralLayer[]
  /** `from` and `to` are the points of a NormContinuous, which is undone. */
  readonly results: readonly {
    readonly neuron: number
    readonly label?: string
    readonly from?: readonly number[]
    readonly to?: readonly number[]
  }[]
}

export type Combination =
  | 'sum'
  | 'average'
  | 'weightedAverage'
  | 'weightedSum'
  | 'majorityVote'
  | 'weightedMajorityVote'
  | 'max'
  | 'median'
  | 'weightedMedian'
  | 'selectFirst'
  | 'modelChain'

export interface Segment {
  readonly predicate: Predicate
  readonly weight: number
  readonly model: AnyModel
}

export interface MiningModel extends ModelParts {
  readonly kind: 'mining'
  readonly combination: Combination
  readonly missingPrediction: 'continue' | 'skipSegment' | 'returnMissing'
  readonly missingThreshold: number
  readonly segments: readonly Segment[]
  /** Of a classification, where the target names them. */
  readonly labels?: readonly string[]
}

export type AnyModel = TreeModel | RegressionModel | GeneralRegressionModel | Scorecard | NeuralNetwork | MiningModel
