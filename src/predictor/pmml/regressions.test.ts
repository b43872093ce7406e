import { describe, test } from 'node:test'
import { answer, answers, document, near, refused, schema } from './small-documents.suite.ts'

function regression(attributes: string, tables: string, target: 'y' | 'k' = 'y'): Uint8Array {
  return document(
    `<RegressionModel functionName="${target === 'y' ? 'regression' : 'classification'}" ${attributes}>${schema(target)}${tables}</RegressionModel>`,
  )
}

const numeric = (name: string, coefficient: number, more = ''): string =>
  `<NumericPredictor name="${name}" coefficient="${coefficient}" ${more}/>`
const table = (intercept: number, inside: string, label?: string): string =>
  `<RegressionTable intercept="${intercept}" ${label === undefined ? '' : `targetCategory="${label}"`}>${inside}</RegressionTable>`

// Values of the normal distribution function: SciPy.
const NORMAL_03 = 0.6179114221889527

describe('RegressionModel', () => {
  test('formats: pmml: RegressionModel: numeric and categorical predictors, terms', () => {
    const bytes = regression(
      '',
      table(
        1,
        `${numeric('x', 2)}${numeric('z', 3, 'exponent="2"')}<CategoricalPredictor name="c" value="a" coefficient="10"/><CategoricalPredictor name="c" value="b" coefficient="20"/>
      <PredictorTerm coefficient="0.5"><FieldRef field="x"/><FieldRef field="z"/></PredictorTerm>`,
      ),
    )
    near(answer(bytes, { x: 1, z: 2, c: 'a' }), 1 + 2 + 12 + 10 + 1)
    near(answer(bytes, { x: 1, z: 2, c: 'unseen' }), 16)
    near(answer(bytes, { x: 1, z: 2, c: null }), 16)
    near(answer(bytes, { x: null, z: 2, c: 'a' }), Number.NaN)
  })

  test('formats: pmml: RegressionModel: normalisation of a number', () => {
    const of = (method: string): number =>
      answer(regression(`normalizationMethod="${method}"`, table(0.1, numeric('x', 1))), { x: 0.2 })
    const wanted = {
      none: 0.3,
      softmax: 1 / (1 + Math.exp(-0.3)),
      logit: 1 / (1 + Math.exp(-0.3)),
      exp: Math.exp(0.3),
      probit: NORMAL_03,
      cloglog: 1 - Math.exp(-Math.exp(0.3)),
      loglog: Math.exp(-Math.exp(-0.3)),
      cauchit: 0.5 + Math.atan(0.3) / Math.PI,
    }
    for (const [method, value] of Object.entries(wanted)) near(of(method), value, 1e-10)
    refused(
      regression('normalizationMethod="simplemax"', table(0, numeric('x', 1))),
      /simplemax has no meaning in a regression/,
    )
  })

  test('formats: pmml: RegressionModel: normalisation of two classes', () => {
    const of = (method: string, second = table(0, '', 'no')): number =>
      answer(regression(`normalizationMethod="${method}"`, table(0.1, numeric('x', 1), 'yes') + second, 'k'), {
        x: 0.2,
      })
    const wanted = {
      none: 0.3,
      softmax: 1 / (1 + Math.exp(-0.3)),
      logit: 1 / (1 + Math.exp(-0.3)),
      probit: NORMAL_03,
      cloglog: 1 - Math.exp(-Math.exp(0.3)),
      loglog: Math.exp(-Math.exp(-0.3)),
      cauchit: 0.5 + Math.atan(0.3) / Math.PI,
    }
    for (const [method, value] of Object.entries(wanted)) near(of(method), value, 1e-10)
    near(of('softmax', table(0.7, '', 'no')), Math.exp(0.3) / (Math.exp(0.3) + Math.exp(0.7)))
    near(of('simplemax', table(0.7, '', 'no')), 0.3)
  })

  test('formats: pmml: RegressionModel: normalisation of several classes', () => {
    const fields = `<DataField name="x" optype="continuous" dataType="double"/><DataField name="k" optype="OPTYPE" dataType="string"><Value value="low"/><Value value="mid"/><Value value="high"/></DataField>`
    const of = (method: string, opType = 'categorical'): number[] =>
      answers(
        document(
          `<RegressionModel functionName="classification" normalizationMethod="${method}"><MiningSchema><MiningField name="k" usageType="target"/><MiningField name="x"/></MiningSchema>
        ${table(0.1, numeric('x', 1), 'low')}${table(0.2, numeric('x', 1), 'mid')}${table(0, '', 'high')}</RegressionModel>`,
          { fields: fields.replace('OPTYPE', opType) },
        ),
        { x: 0.3 },
      )
    const equal = (found: readonly number[], wanted: readonly number[]): void => {
      for (const [k, value] of wanted.entries()) near(found[k]!, value, 1e-10)
    }
    const sum = Math.exp(0.4) + Math.exp(0.5) + 1
    equal(of('softmax'), [Math.exp(0.4) / sum, Math.exp(0.5) / sum, 1 / sum])
    equal(of('simplemax'), [0.4 / 0.9, 0.5 / 0.9, 0])
    equal(of('none'), [0.4, 0.5, 0.1])
    const [low, mid] = [1 / (1 + Math.exp(-0.4)), 1 / (1 + Math.exp(-0.5))]
    equal(of('logit', 'ordinal'), [low, mid - low, 1 - mid])
    equal(
      of('logit'),
      [low, mid, 0.5].map(value => value / (low + mid + 0.5)),
    )
  })
})

function general(attributes: string, inside: string, target: 'y' | 'k' = 'y', parts = {}): Uint8Array {
  return document(
    `<GeneralRegressionModel functionName="${target === 'y' ? 'regression' : 'classification'}" ${attributes}>${schema(target)}${inside}</GeneralRegressionModel>`,
    parts,
  )
}

const LISTS = `<ParameterList><Parameter name="p0"/><Parameter name="p1"/><Parameter name="p2"/></ParameterList>
  <FactorList><Predictor name="c"/></FactorList><CovariateList><Predictor name="x"/></CovariateList>
  <PPMatrix><PPCell value="2" predictorName="x" parameterName="p1"/><PPCell value="a" predictorName="c" parameterName="p2"/><PPCell value="1" predictorName="x" parameterName="p2"/></PPMatrix>`
const cells = (betas: readonly number[], label = ''): string =>
  betas
    .map(
      (beta, k) => `<PCell parameterName="p${k}" beta="${beta}" ${label === '' ? '' : `targetCategory="${label}"`}/>`,
    )
    .join('')

describe('GeneralRegressionModel', () => {
  test('formats: pmml: GeneralRegressionModel: factors and covariates', () => {
    for (const modelType of ['regression', 'generalLinear']) {
      const bytes = general(`modelType="${modelType}"`, `${LISTS}<ParamMatrix>${cells([1, 0.5, 3])}</ParamMatrix>`)
      near(answer(bytes, { x: 2, c: 'a' }), 1 + 0.5 * 4 + 3 * 2)
      near(answer(bytes, { x: 2, c: 'b' }), 3)
      near(answer(bytes, { x: 2, c: null }), Number.NaN)
    }
  })

  test('formats: pmml: GeneralRegressionModel: contrast matrices', () => {
    const lists = LISTS.replace(
      '<FactorList><Predictor name="c"/>',
      '<FactorList><Predictor name="c"><Categories><Category value="a"/><Category value="b"/></Categories><Matrix nbRows="2" nbCols="2"><Array type="real">1 0.5</Array><Array type="real">-1 0.25</Array></Matrix></Predictor>',
    )
    const bytes = general('modelType="generalLinear"', `${lists}<ParamMatrix>${cells([0, 0, 3])}</ParamMatrix>`)
    near(answer(bytes, { x: 2, c: 'a' }), 6)
    near(answer(bytes, { x: 2, c: 'b' }), -6)
  })

  test('formats: pmml: GeneralRegressionModel: generalized linear, its links, offset and trials', () => {
    const of = (attributes: string, z = 0): number =>
      answer(
        general(
          `modelType="generalizedLinear" ${attributes}`,
          `${LISTS}<ParamMatrix>${cells([0.1, 0, 0])}</ParamMatrix>`,
        ),
        { x: 1, c: 'b', z },
      )
    const link = (name: string, more = ''): number => of(`linkFunction="${name}" offsetValue="0.2" ${more}`)
    const wanted = {
      identity: 0.3,
      log: Math.exp(0.3),
      logc: 1 - Math.exp(0.3),
      logit: 1 / (1 + Math.exp(-0.3)),
      probit: NORMAL_03,
      cloglog: 1 - Math.exp(-Math.exp(0.3)),
      loglog: Math.exp(-Math.exp(-0.3)),
    }
    for (const [name, value] of Object.entries(wanted)) near(link(name), value, 1e-10)
    near(link('negbin', 'distParameter="-2"'), 1 / (-2 * (Math.exp(-0.3) - 1)))
    near(link('power', 'linkParameter="0.5"'), 0.09)
    near(link('oddspower', 'linkParameter="2"'), 1 / (1 + 1.6 ** -0.5))
    near(of('linkFunction="log" offsetVariable="z" trialsValue="7"', 0.4), 7 * Math.exp(0.5))
  })

  test('formats: pmml: GeneralRegressionModel: two classes and several', () => {
    const of = (attributes: string, matrix: string): number =>
      answer(general(attributes, `${LISTS}<ParamMatrix>${matrix}</ParamMatrix>`, 'k'), { x: 1, c: 'a' })
    const yes = 1 / (1 + Math.exp(-0.6))
    near(of('modelType="multinomialLogistic" targetReferenceCategory="no"', cells([0.1, 0.2, 0.3], 'yes')), yes)
    near(
      of('modelType="generalizedLinear" linkFunction="logit" targetReferenceCategory="no"', cells([0.1, 0.2, 0.3])),
      yes,
    )
    near(of('modelType="multinomialLogistic" targetReferenceCategory="yes"', cells([0.1, 0.2, 0.3], 'no')), 1 - yes)
  })

  test('formats: pmml: GeneralRegressionModel: ordinal', () => {
    const fields = `<DataField name="x" optype="continuous" dataType="double"/><DataField name="z" optype="continuous" dataType="double"/><DataField name="c" optype="categorical" dataType="string"><Value value="a"/></DataField>
      <DataField name="k" optype="ordinal" dataType="string"><Value value="low"/><Value value="mid"/><Value value="high"/></DataField>`
    const matrix =
      '<PCell parameterName="p0" beta="-1" targetCategory="low"/><PCell parameterName="p0" beta="1" targetCategory="mid"/><PCell parameterName="p1" beta="0.5"/>'
    const found = answers(
      general(
        'modelType="ordinalMultinomial" cumulativeLink="logit"',
        `${LISTS}<ParamMatrix>${matrix}</ParamMatrix>`,
        'k',
        { fields },
      ),
      { x: 1, c: 'a' },
    )
    const [low, mid] = [1 / (1 + Math.exp(0.5)), 1 / (1 + Math.exp(-1.5))]
    for (const [k, value] of [low, mid - low, 1 - mid].entries()) near(found[k]!, value)
  })

  test('formats: pmml: GeneralRegressionModel: Cox regression', () => {
    refused(
      general('modelType="CoxRegression"', LISTS),
      /CoxRegression is not supported; save the linear predictor as a RegressionModel/,
    )
  })
})
