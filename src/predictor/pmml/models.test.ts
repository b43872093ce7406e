import { describe, test } from 'node:test'
import { answer, answers, document, near, refused, schema } from './small-documents.suite.ts'

function tree(attributes: string, nodes: string, target: 'y' | 'k' = 'y'): Uint8Array {
  const name = target === 'y' ? 'regression' : 'classification'
  return document(`<TreeModel functionName="${name}" ${attributes}>${schema(target)}${nodes}</TreeModel>`)
}

const test1 = (field: string, operator: string, value: string | number): string =>
  `<SimplePredicate field="${field}" operator="${operator}" value="${value}"/>`
const share = (no: number, yes: number): string =>
  `<ScoreDistribution value="no" recordCount="${no}"/><ScoreDistribution value="yes" recordCount="${yes}"/>`

describe('TreeModel', () => {
  test('formats: pmml: TreeModel: predicates', () => {
    const set =
      '<SimpleSetPredicate field="c" booleanOperator="isIn"><Array type="string" n="2">a "b"</Array></SimpleSetPredicate>'
    const not =
      '<SimpleSetPredicate field="c" booleanOperator="isNotIn"><Array type="string">a b</Array></SimpleSetPredicate>'
    const bytes = tree(
      '',
      `<Node id="0"><True/>
      <Node id="1" score="1"><CompoundPredicate booleanOperator="and">${test1('x', 'greaterThan', 0)}${test1('x', 'lessOrEqual', 1)}${set}</CompoundPredicate></Node>
      <Node id="2" score="2"><CompoundPredicate booleanOperator="or">${test1('x', 'lessThan', -5)}${test1('x', 'greaterOrEqual', 5)}</CompoundPredicate></Node>
      <Node id="3" score="3"><CompoundPredicate booleanOperator="xor">${test1('x', 'equal', 3)}${test1('z', 'notEqual', 0)}</CompoundPredicate></Node>
      <Node id="4" score="4">${not}</Node><Node id="5" score="5"><False/></Node>
      <Node id="6" score="6">${test1('z', 'isNotMissing', '')}</Node></Node>`,
    )
    near(answer(bytes, { x: 1, z: 0, c: 'b' }), 1)
    near(answer(bytes, { x: 5, z: 0, c: 'b' }), 2)
    near(answer(bytes, { x: 3, z: 0, c: 'c' }), 3)
    near(answer(bytes, { x: 3, z: 1, c: 'c' }), 4)
    near(answer(bytes, { x: 2, z: 0, c: 'c' }), 4)
    near(answer(bytes, { x: 2, z: 0, c: 'a' }), 6)
    near(answer(bytes, { x: 2, z: 0, c: 'unseen' }), 4)
  })

  const nodes = `<Node id="r" score="9" recordCount="10" defaultChild="b"><True/><Node id="a" score="1" recordCount="4">${test1('x', 'lessThan', 0)}</Node>
    <Node id="b" recordCount="6" score="8" defaultChild="d">${test1('x', 'greaterOrEqual', 0)}<Node id="d" score="2" recordCount="2">${test1('z', 'lessThan', 0)}</Node><Node id="e" score="3" recordCount="4">${test1('z', 'greaterOrEqual', 0)}</Node></Node></Node>`

  test('formats: pmml: TreeModel: missing values (none, nullPrediction, lastPrediction, defaultChild)', () => {
    const of = (strategy: string, x: number | null, z: number | null): number =>
      answer(tree(`missingValueStrategy="${strategy}"`, nodes), { x, z })
    for (const strategy of ['none', 'nullPrediction', 'lastPrediction', 'defaultChild']) {
      near(of(strategy, -1, null), 1)
      near(of(strategy, 1, -1), 2)
      near(of(strategy, 0, 0), 3)
    }
    near(of('nullPrediction', null, 1), Number.NaN)
    near(of('nullPrediction', 1, null), Number.NaN)
    near(of('lastPrediction', null, 1), 9)
    near(of('lastPrediction', 1, null), 8)
    near(of('defaultChild', null, 1), 3)
    near(of('defaultChild', null, null), 2)
    near(of('none', null, 1), Number.NaN)
    near(
      answer(tree('missingValueStrategy="none" noTrueChildStrategy="returnLastPrediction"', nodes), { x: 1, z: null }),
      8,
    )
    refused(
      tree('missingValueStrategy="defaultChild"', nodes.replace('defaultChild="b"', 'defaultChild="q"')),
      /its default child "q" is none of its children/,
    )
  })

  test('formats: pmml: TreeModel: missing values (weightedConfidence, aggregateNodes)', () => {
    for (const strategy of ['weightedConfidence', 'aggregateNodes']) {
      const bytes = tree(`missingValueStrategy="${strategy}"`, nodes)
      near(answer(bytes, { x: -1, z: null }), 1)
      near(answer(bytes, { x: 1, z: null }), (2 * 2 + 3 * 4) / 6)
      near(answer(bytes, { x: null, z: 1 }), strategy === 'aggregateNodes' ? (1 * 4 + 3 * 4) / 8 : 0.4 * 1 + 0.6 * 3)
    }
  })

  test('formats: pmml: TreeModel: surrogate predicates', () => {
    const surrogate = (inner: string): string =>
      `<CompoundPredicate booleanOperator="surrogate">${inner}</CompoundPredicate>`
    const bytes = tree(
      '',
      `<Node><True/><Node score="1">${surrogate(`${test1('x', 'lessThan', 0) + test1('z', 'lessThan', 0)}<True/>`)}</Node>
      <Node score="2">${surrogate(`${test1('x', 'greaterOrEqual', 0) + test1('z', 'greaterOrEqual', 0)}<False/>`)}</Node></Node>`,
    )
    near(answer(bytes, { x: -1, z: 1 }), 1)
    near(answer(bytes, { x: null, z: 1 }), 2)
    near(answer(bytes, { x: null, z: null }), 1)
  })

  test('formats: pmml: TreeModel: no true child', () => {
    const one = `<Node score="4"><True/><Node score="1">${test1('x', 'lessThan', 0)}</Node></Node>`
    near(answer(tree('', one), { x: 1 }), Number.NaN)
    near(answer(tree('noTrueChildStrategy="returnLastPrediction"', one), { x: 1 }), 4)
    near(answer(tree('noTrueChildStrategy="returnLastPrediction"', one), { x: -1 }), 1)
  })

  test('formats: pmml: TreeModel: shares of classes, from counts or probabilities', () => {
    const bytes = tree(
      '',
      `<Node><True/><Node score="no">${test1('x', 'lessThan', 0)}${share(3, 1)}</Node>
      <Node score="yes">${test1('x', 'lessThan', 1)}<ScoreDistribution value="no" recordCount="7" probability="0.2"/><ScoreDistribution value="yes" recordCount="1" probability="0.8"/></Node><Node score="yes"><True/></Node></Node>`,
      'k',
    )
    near(answer(bytes, { x: -1 }), 0.25)
    near(answer(bytes, { x: 0.5 }), 0.8)
    near(answer(bytes, { x: 1 }), 1)
  })

  test('formats: pmml: models inside nodes, weights that depend on the row', () => {
    refused(
      tree('', '<Node><True/><Regression functionName="regression"/></Node>'),
      /write it as a segment of a MiningModel/,
    )
    refused(
      mining('sum', [`<True/>${leaf(1)}<VariableWeight field="x"/>`]),
      /a weight that depends on the row is not supported/,
    )
  })
})

const own = '<MiningSchema><MiningField name="x"/><MiningField name="c"/></MiningSchema>'

function leaf(score: number | string, attributes = ''): string {
  return `<TreeModel functionName="regression" ${attributes}>${own}<Node score="${score}"><True/></Node></TreeModel>`
}

function split(low: number, high: number): string {
  return `<TreeModel functionName="regression" missingValueStrategy="nullPrediction">${own}<Node><True/><Node score="${low}">${test1('x', 'lessOrEqual', 0)}</Node><Node score="${high}">${test1('x', 'greaterThan', 0)}</Node></Node></TreeModel>`
}

function classes(no: number, yes: number): string {
  return `<TreeModel functionName="classification">${own}<Node><True/>${share(no, yes)}</Node></TreeModel>`
}

function mining(
  method: string,
  segments: readonly string[],
  weights: readonly number[] = [],
  target: 'y' | 'k' = 'y',
  more = '',
): Uint8Array {
  const inner = segments
    .map((segment, index) => `<Segment id="${index}" weight="${weights[index] ?? 1}">${segment}</Segment>`)
    .join('')
  const name = target === 'y' ? 'regression' : 'classification'
  return document(
    `<MiningModel functionName="${name}">${schema(target)}<Segmentation multipleModelMethod="${method}" ${more}>${inner}</Segmentation></MiningModel>`,
  )
}

const always = (model: string): string => `<True/>${model}`

describe('MiningModel', () => {
  test('formats: pmml: MiningModel: sum, average and their weighted kinds', () => {
    const parts = [split(1, 3), split(10, 30)].map(always)
    for (const [method, low, high] of [
      ['sum', 11, 33],
      ['average', 5.5, 16.5],
      ['weightedAverage', 7.75, 23.25],
      ['x-weightedSum', 31, 93],
      ['weightedSum', 31, 93],
    ] as const) {
      near(answer(mining(method, parts, [1, 3]), { x: 0 }), low)
      near(answer(mining(method, parts, [1, 3]), { x: 1 }), high)
      near(answer(mining(method, parts, [1, 3]), { x: null }), Number.NaN)
    }
    near(answer(mining('average', [classes(1, 3), classes(1, 1)].map(always), [], 'k'), { x: 0 }), 0.625)
    near(answer(mining('weightedAverage', [classes(1, 3), classes(1, 1)].map(always), [3, 1], 'k'), { x: 0 }), 0.6875)
  })

  test('formats: pmml: MiningModel: majorityVote and weightedMajorityVote', () => {
    const parts = [classes(1, 3), classes(3, 1), classes(5, 1)].map(always)
    near(answer(mining('majorityVote', parts, [], 'k'), { x: 0 }), 1 / 3)
    near(answer(mining('weightedMajorityVote', parts, [4, 1, 1], 'k'), { x: 0 }), 2 / 3)
  })

  test('formats: pmml: MiningModel: max, median and weightedMedian', () => {
    const parts = [classes(1, 3), classes(9, 1), classes(1, 1)].map(always)
    near(answer(mining('max', parts, [], 'k'), { x: 0 }), 0.1)
    near(answer(mining('median', parts, [], 'k'), { x: 0 }), 0.5)
    near(
      answer(
        mining(
          'median',
          [1, 7, 3].map(score => always(leaf(score))),
        ),
        {},
      ),
      3,
    )
    near(
      answer(
        mining(
          'median',
          [1, 7, 3, 4].map(score => always(leaf(score))),
        ),
        {},
      ),
      3.5,
    )
    near(
      answer(
        mining(
          'weightedMedian',
          [1, 7, 3].map(score => always(leaf(score))),
          [1, 5, 1],
        ),
        {},
      ),
      7,
    )
    refused(mining('max', [always(leaf(1))]), /max has no meaning in a regression/)
  })

  test('formats: pmml: MiningModel: selectFirst, and segments with predicates', () => {
    const parts = [test1('x', 'lessThan', 0) + leaf(1), test1('x', 'lessThan', 5) + leaf(2)]
    near(answer(mining('selectFirst', parts), { x: -1 }), 1)
    near(answer(mining('selectFirst', parts), { x: 1 }), 2)
    near(answer(mining('selectFirst', parts), { x: 6 }), Number.NaN)
    near(answer(mining('sum', [always(leaf(10)), ...parts]), { x: -1 }), 13)
  })

  test('formats: pmml: MiningModel: missing predictions', () => {
    const parts = [always(split(1, 3)), always(leaf(10))]
    near(answer(mining('average', parts), { x: null }), Number.NaN)
    near(answer(mining('average', parts, [], 'y', 'missingPredictionTreatment="skipSegment"'), { x: null }), 10)
    near(
      answer(mining('average', parts, [], 'y', 'missingPredictionTreatment="skipSegment" missingThreshold="0.4"'), {
        x: null,
      }),
      Number.NaN,
    )
  })

  test('formats: pmml: MiningModel: modelChain, with the outputs of its models', () => {
    const first = `<TreeModel functionName="regression">${own}<Output><OutputField name="score" dataType="double" feature="predictedValue"/>
      <OutputField name="twice" dataType="double" optype="continuous" feature="transformedValue"><Apply function="*"><FieldRef field="score"/><Constant dataType="double">2</Constant></Apply></OutputField></Output>
      <Node><True/><Node score="1">${test1('x', 'lessThan', 0)}</Node><Node score="-1"><True/></Node></Node></TreeModel>`
    const regression = (
      field: string,
    ): string => `<RegressionModel functionName="classification" normalizationMethod="logit"><MiningSchema><MiningField name="k" usageType="target"/><MiningField name="${field}"/></MiningSchema>
      <RegressionTable intercept="0.5" targetCategory="yes"><NumericPredictor name="${field}" coefficient="1"/></RegressionTable><RegressionTable intercept="0" targetCategory="no"/></RegressionModel>`
    const of = (field: string, x: number): number =>
      answer(mining('modelChain', [first, regression(field)].map(always), [], 'k'), { x })
    near(of('score', -1), 1 / (1 + Math.exp(-1.5)))
    near(of('score', 1), 1 / (1 + Math.exp(0.5)))
    near(of('twice', -1), 1 / (1 + Math.exp(-2.5)))
    const second = classes(1, 3).replace(
      '</MiningSchema>',
      '</MiningSchema><Output><OutputField name="p" dataType="double" feature="probability" value="yes"/></Output>',
    )
    near(answer(mining('modelChain', [second, regression('p')].map(always), [], 'k'), {}), 1 / (1 + Math.exp(-1.25)))
  })

  test('formats: pmml: selectAll, multiModelChain', () => {
    for (const method of ['selectAll', 'multiModelChain'])
      refused(mining(method, [always(leaf(1))]), new RegExp(`"${method}" is not supported; supported are sum, average`))
  })

  test('formats: pmml: arithmetic in float32 (x-mathContext)', () => {
    const bytes = mining(
      'sum',
      [0.1, 0.2, 0.3].map(score => always(leaf(score, 'x-mathContext="float"'))),
    )
    const f = Math.fround
    const float = new TextEncoder().encode(
      new TextDecoder().decode(bytes).replace('<MiningModel ', '<MiningModel x-mathContext="float" '),
    )
    near(answer(float, {}), f(f(f(0.1) + f(0.2)) + f(0.3)), 0)
  })
})

test('formats: pmml: Scorecard', () => {
  const card = (attributes: string): Uint8Array =>
    document(`<Scorecard functionName="regression" initialScore="10" ${attributes}>${schema()}<Characteristics>
    <Characteristic name="one" reasonCode="R1" baselineScore="5"><Attribute partialScore="3">${test1('x', 'lessThan', 0)}</Attribute><Attribute partialScore="7">${test1('x', 'greaterOrEqual', 0)}</Attribute></Characteristic>
    <Characteristic name="two" baselineScore="1"><Attribute reasonCode="R2"><SimplePredicate field="c" operator="equal" value="a"/><ComplexPartialScore><Apply function="*"><FieldRef field="z"/><Constant dataType="double">2</Constant></Apply></ComplexPartialScore></Attribute><Attribute partialScore="0.5"><True/></Attribute></Characteristic>
    </Characteristics></Scorecard>`)
  near(answer(card('useReasonCodes="false"'), { x: -1, z: 4, c: 'a' }), 21)
  near(answer(card('useReasonCodes="true" reasonCodeAlgorithm="pointsBelow"'), { x: 1, z: 4, c: 'b' }), 17.5)
  near(answer(card(''), { x: null, z: 4, c: 'b' }), Number.NaN)
})

test('formats: pmml: NeuralNetwork', () => {
  const inputs = `<NeuralInputs><NeuralInput id="i0"><DerivedField optype="continuous" dataType="double"><FieldRef field="x"/></DerivedField></NeuralInput>
    <NeuralInput id="i1"><DerivedField optype="continuous" dataType="double"><NormDiscrete field="c" value="a"/></DerivedField></NeuralInput></NeuralInputs>`
  const neuron = (id: string, bias: number, w0: number, w1: number, from = 'i'): string =>
    `<Neuron id="${id}" bias="${bias}"><Con from="${from}0" weight="${w0}"/><Con from="${from}1" weight="${w1}"/></Neuron>`
  const output =
    '<NeuralOutputs><NeuralOutput outputNeuron="o"><DerivedField optype="continuous" dataType="double"><NormContinuous field="y"><LinearNorm orig="10" norm="0"/><LinearNorm orig="20" norm="1"/></NormContinuous></DerivedField></NeuralOutput></NeuralOutputs>'
  const of = (name: string, attributes = ''): number =>
    answer(
      document(`<NeuralNetwork functionName="regression" activationFunction="${name}" ${attributes}>${schema()}${inputs}<NeuralLayer>${neuron('h0', 0.1, 0.5, -1)}${neuron('h1', -0.2, 1, 2)}</NeuralLayer>
      <NeuralLayer activationFunction="identity">${neuron('o', 0.3, 2, -1, 'h')}</NeuralLayer>${output}</NeuralNetwork>`),
      { x: 0.8, c: 'a' },
    )
  const [a, b] = [0.1 + 0.4 - 1, -0.2 + 0.8 + 2]
  const through = (f: (x: number) => number): number => 10 + 10 * (0.3 + 2 * f(a) - f(b))
  const activations: readonly (readonly [string, (x: number) => number])[] = [
    ['identity', x => x],
    ['logistic', x => 1 / (1 + Math.exp(-x))],
    ['tanh', Math.tanh],
    ['exponential', Math.exp],
    ['reciprocal', x => 1 / x],
    ['square', x => x * x],
    ['Gauss', x => Math.exp(-x * x)],
    ['sine', Math.sin],
    ['cosine', Math.cos],
    ['Elliott', x => x / (1 + Math.abs(x))],
    ['arctan', x => (2 * Math.atan(x)) / Math.PI],
    ['rectifier', x => Math.max(x, 0)],
  ]
  for (const [name, f] of activations) near(of(name), through(f))
  near(
    of('threshold', 'threshold="1"'),
    through(x => (x > 1 ? 1 : 0)),
  )
  near(
    of('rectifier', 'leakage="0.1"'),
    through(x => (x > 0 ? x : 0.1 * x)),
  )
  const radial = (w0: number, w1: number): number =>
    Math.exp(-((0.8 - w0) ** 2 + (1 - w1) ** 2) / (2 * 4) + 2 * Math.log(1.5))
  near(of('radialBasis', 'width="2" altitude="1.5"'), 10 + 10 * (0.3 + 2 * radial(0.5, -1) - radial(1, 2)))
})

test('formats: pmml: NeuralNetwork: classes, softmax', () => {
  const result = (neuron: string, label: string): string =>
    `<NeuralOutput outputNeuron="${neuron}"><DerivedField optype="categorical" dataType="string"><NormDiscrete field="k" value="${label}"/></DerivedField></NeuralOutput>`
  const bytes =
    document(`<NeuralNetwork functionName="classification" activationFunction="identity" normalizationMethod="softmax">${schema('k')}
    <NeuralInputs><NeuralInput id="0"><DerivedField optype="continuous" dataType="double"><FieldRef field="x"/></DerivedField></NeuralInput></NeuralInputs>
    <NeuralLayer><Neuron id="1" bias="0"><Con from="0" weight="1"/></Neuron><Neuron id="2" bias="1"><Con from="0" weight="-1"/></Neuron></NeuralLayer>
    <NeuralOutputs>${result('1', 'yes')}${result('2', 'no')}</NeuralOutputs></NeuralNetwork>`)
  near(answers(bytes, { x: 0.3 })[0]!, Math.exp(0.3) / (Math.exp(0.3) + Math.exp(0.7)))
  near(answer(bytes, { x: null }), Number.NaN)
})

test('formats: pmml: support vector machines, nearest neighbours, naive Bayes, clusters, rules, time series', () => {
  for (const name of ['SupportVectorMachineModel', 'NearestNeighborModel', 'NaiveBayesModel', 'GaussianProcessModel']) {
    refused(
      document(`<${name} functionName="classification"/>`),
      new RegExp(`${name} is not supported; export the model as ONNX instead`),
    )
  }
  for (const name of [
    'ClusteringModel',
    'AssociationModel',
    'TimeSeriesModel',
    'RuleSetModel',
    'AnomalyDetectionModel',
    'BayesianNetworkModel',
    'SequenceModel',
    'TextModel',
    'BaselineModel',
  ]) {
    refused(document(`<${name} functionName="regression"/>`), new RegExp(`${name} is not supported; `))
  }
})
