/** One column: what the model was trained on, what came, and what the statistics say to it. */
import type { VNode } from 'preact'
import { histogramPair } from '../../../ui/charts/histogram-pair.ts'
import { shownBins } from '../../../ui/charts/shown-bins.ts'
import { count, dateTime, decimals, plain, span } from '../../../ui/format.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import type { FeatureBody, Reading } from '../api-watch.ts'
import { useLive } from '../live.ts'
import { featurePath, modelPath, place, withQuery } from '../router.ts'
import { isTerm, Term } from '../terms.tsx'
import { PairLegend } from './output-panel.tsx'
import { statisticWord } from './words.ts'

const HEIGHT = 280
const EVERY_MS = 10_000
const SEVERITY: Readonly<Record<Reading['verdict'], number>> = {
  drift: 4,
  warning: 3,
  ok: 2,
  'too few': 1,
  'not watched': 0,
}

export function FeaturePage({ model, feature }: { model: string; feature: string }): VNode {
  const { version, from, to } = place.value.query
  const asked = Object.entries({ version, from, to }).filter(([, value]) => value !== undefined)
  const query = new URLSearchParams(asked as [string, string][]).toString()
  const { body, problem, isStale } = useLive<FeatureBody>(`${featurePath(model, feature)}?${query}`, EVERY_MS)
  const ofVersion = version === undefined ? '' : `?version=${encodeURIComponent(version)}`
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/">Overview</a> / <a href={modelPath(model) + ofVersion}>{model}</a> / drift
          </p>
          <h1 tabIndex={-1}>{feature}</h1>
          <p>{body === undefined ? 'Compared with the training data' : whatOf(body)}</p>
        </div>
        {from === undefined ? null : (
          <a class="button" href={withQuery({ from: undefined, to: undefined })}>
            Show the latest predictions
          </a>
        )}
      </div>
      {body === undefined ? (
        <section class="panel">
          {problem === undefined ? (
            <Loading lines={7} />
          ) : problem.status === 404 ? (
            <Empty title="There is nothing to compare">{problem.message}</Empty>
          ) : (
            <Failed title="Cannot compare" detail={problem.message} />
          )}
        </section>
      ) : (
        <div class={`grid-page${isStale ? ' stale' : ''}`}>
          <Compared body={body} />
          <Readings readings={body.readings} />
        </div>
      )}
    </>
  )
}

function whatOf({ window, kind, referenceRows }: FeatureBody): string {
  const what = kind === 'output' ? 'An output' : 'A feature'
  if (window === undefined) return `${what}; nothing was predicted yet`
  const when = window.to - window.from < 60_000 ? dateTime(window.to) : span(window.from, window.to)
  return `${what} in ${count(window.rows)} predictions, ${when}, against ${count(referenceRows)} rows of training data`
}

function Compared({ body }: { body: FeatureBody }): VNode {
  const worst = worstOf(body.readings)
  const bars = shownBins(body.bins)
  const label = `Distribution of ${body.feature}, what is served against the reference. ${worst?.sentence ?? ''}`
  return (
    <section class="panel">
      {worst === undefined ? null : (
        <p class={`banner ${toneOf(worst.verdict)} sentence`} role="status">
          {worst.sentence}
        </p>
      )}
      <div class="panel-head">
        <h2>Distribution</h2>
        <span class="panel-note">
          <PairLegend />
        </span>
      </div>
      {body.bins.length === 0 ? (
        <Empty title="The reference has no values of it" />
      ) : (
        <Measured height={HEIGHT} draw={width => histogramPair(bars, { width, height: HEIGHT, label })} />
      )}
    </section>
  )
}

/** The worst that decides. */
function worstOf(readings: readonly Reading[]): Reading | undefined {
  const deciding = readings.filter(({ decides }) => decides !== false)
  const of = deciding.length > 0 ? deciding : readings
  return of.toSorted((a, b) => SEVERITY[b.verdict] - SEVERITY[a.verdict])[0]
}

function toneOf(verdict: Reading['verdict']): string {
  if (verdict === 'drift') return 'alarm'
  return verdict === 'warning' ? 'warning' : ''
}

function Readings({ readings }: { readings: readonly Reading[] }): VNode | null {
  const measured = readings.filter(({ statistic }) => statistic !== undefined)
  if (measured.length === 0) return null
  return (
    <section class="panel flush" aria-label="Readings">
      <div class="panel-head panel-head-flush">
        <h2>Readings</h2>
        <span class="panel-note">Those in bold decide; the others are told</span>
      </div>
      <div class="table-box">
        <table class="table dense">
          <thead>
            <tr>
              <th scope="col">Statistic</th>
              <th scope="col">Verdict</th>
              <th scope="col" class="number">
                Value
              </th>
              <th scope="col" class="number">
                Threshold
              </th>
              <th scope="col" class="number">
                <Term name="pValue">p-value</Term>
              </th>
              <th scope="col" class="number">
                Predictions
              </th>
            </tr>
          </thead>
          <tbody>
            {measured.map(reading => (
              <ReadingLine key={reading.statistic} reading={reading} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function ReadingLine({ reading }: { reading: Reading }): VNode {
  const { statistic = '', value, threshold, pValue, rows, verdict, decides, sentence } = reading
  const word = statisticWord(statistic)
  return (
    <tr>
      <th scope="row" class={decides === true ? 'deciding' : ''}>
        {isTerm(statistic) ? <Term name={statistic}>{word}</Term> : word}
      </th>
      <td>
        <button
          type="button"
          class={`badge ${verdict === 'drift' ? 'alarm' : verdict}`}
          data-tip={sentence}
          aria-describedby="tip"
        >
          {verdict}
        </button>
      </td>
      <td class="number">{decimals(value, value !== undefined && value >= 10 ? 1 : 4)}</td>
      <td class="number quiet">{plain(threshold)}</td>
      <td class="number">{pValue === undefined ? '–' : pText(pValue)}</td>
      <td class="number">{count(rows)}</td>
    </tr>
  )
}

function pText(value: number): string {
  return value < 1e-12 ? '< 1e−12' : plain(value)
}
