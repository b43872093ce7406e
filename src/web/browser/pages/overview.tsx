import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { sparkline } from '../../../ui/charts/sparkline.ts'
import { count, decimals, milliseconds, percent, perSecond, plain, plural, shortCount } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import { StateMark, stateWord } from '../../../ui/parts/state-mark.tsx'
import type { OverviewModel } from '../../overview.ts'
import { useLive } from '../live.ts'
import { featurePath, modelPath } from '../router.ts'
import { Term } from '../terms.tsx'
import { metricWord, statisticWord } from './words.ts'

interface OverviewBody {
  readonly at: number
  readonly models: readonly OverviewModel[]
}

const EVERY_MS = 2_000
/** Models from which on one wants to look for one. */
const FILTER_FROM = 9

/** Every model on one screen; those that need somebody first. */
export function OverviewPage(): VNode {
  const { body, problem } = useLive<OverviewBody>('/overview', EVERY_MS)
  const [filter, setFilter] = useState('')
  const models = body?.models ?? []
  const shown = models.filter(({ name }) => name.includes(filter.trim()))
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>Overview</h1>
          <p>{body === undefined ? 'Every model at one look' : summary(models)}</p>
          <p class="hidden-label" role="status">
            {body === undefined ? '' : needs(models)}
          </p>
        </div>
        {models.length < FILTER_FROM ? null : (
          <input
            class="field"
            type="search"
            aria-label="Show models whose name contains"
            placeholder="Filter models"
            value={filter}
            onInput={event => setFilter(event.currentTarget.value)}
          />
        )}
      </div>
      <section class="panel flush" aria-label="Models">
        {body === undefined ? (
          problem === undefined ? (
            <Loading lines={6} />
          ) : (
            <Failed title="Cannot show the models" detail={problem.message} />
          )
        ) : models.length === 0 ? (
          <NoModels />
        ) : shown.length === 0 ? (
          <Empty title={`No model's name contains “${filter.trim()}”`} />
        ) : (
          <ModelTable models={shown} />
        )}
      </section>
    </>
  )
}

function summary(models: readonly OverviewModel[]): string {
  const rate = models.reduce((sum, { traffic }) => sum + traffic.perSecond, 0)
  const parts = [plural(models.length, 'model'), needs(models), `${perSecond(rate)} predictions`]
  return parts.filter(part => part !== '').join(' · ')
}

/** What is read aloud when it changes; numbers that change all the time are not. */
function needs(models: readonly OverviewModel[]): string {
  const of = (state: OverviewModel['state']): number => models.filter(model => model.state === state).length
  const [alarms, warnings] = [of('alarm'), of('warning')]
  if (alarms + warnings === 0) return of('ok') > 0 ? 'nothing needs you' : ''
  const parts = [alarms === 0 ? '' : plural(alarms, 'alarm'), warnings === 0 ? '' : plural(warnings, 'warning')]
  return parts.filter(part => part !== '').join(' · ')
}

function NoModels(): VNode {
  return (
    <Empty title="No model is registered yet">
      Bring one that you trained, with the data it was trained on:
      <br />
      <pre>bellwether register model.json --name churn --version 1.0.0 --reference train.csv</pre>
    </Empty>
  )
}

function ModelTable({ models }: { models: readonly OverviewModel[] }): VNode {
  return (
    <div class="table-box">
      <table class="table models">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col" class="number">
              Traffic
            </th>
            <th scope="col" class="number">
              <Term name="p99">p99</Term>
            </th>
            <th scope="col" class="number">
              <Term name="errors">Errors</Term>
            </th>
            <th scope="col">
              <Term name="drift">Drift</Term>
            </th>
            <th scope="col" class="number">
              <Term name="quality">Live quality</Term>
            </th>
          </tr>
        </thead>
        <tbody>
          {models.map(model => (
            <ModelLine key={model.name} model={model} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function ModelLine({ model }: { model: OverviewModel }): VNode {
  const { name, version, versions, state, reasons, traffic, latency, errorRate } = model
  return (
    <tr class="leads">
      <td class="wide">
        <div class="model-name">
          <StateMark state={state} />
          <div>
            <a class="name" href={modelPath(name)}>
              {name}
            </a>{' '}
            <span class="quiet small">
              {version ?? 'no version answers'}
              {versions > 1 ? ` · ${plural(versions, 'version')}` : ''}
            </span>
            {reasons.length === 0 ? (
              <span class="under">{stateWord(state)}</span>
            ) : (
              reasons.map(reason => (
                <p key={reason} class={`reason short ${state}`} data-tip={reason}>
                  {reason}
                </p>
              ))
            )}
          </div>
        </div>
      </td>
      <td class="number" data-label="Traffic">
        <div class="cell-line end">
          {traffic.series.length > 1
            ? sparkline(traffic.series, {
                label: `Predictions by five minutes, ${count(traffic.predictions)} in the last hour`,
              })
            : null}
          <div>
            {perSecond(traffic.perSecond)}
            <span class="under">{shortCount(traffic.predictions)} last hour</span>
          </div>
        </div>
      </td>
      <td class="number" data-label="p99">
        {milliseconds(latency.p99Ms)}
        <span class="under">{latency.p50Ms === undefined ? '' : `p50 ${milliseconds(latency.p50Ms)}`}</span>
      </td>
      <td class="number" data-label="Errors">
        {percent(errorRate, 2)}
      </td>
      <DriftCell model={model} />
      <QualityCell model={model} />
    </tr>
  )
}

function DriftCell({ model: { name, drift } }: { model: OverviewModel }): VNode {
  if (drift.feature === undefined || drift.value === undefined) {
    return (
      <td data-label="Drift" class="quiet">
        –
      </td>
    )
  }
  const statistic = drift.statistic ?? ''
  return (
    <td data-label="Drift">
      <a
        href={featurePath(name, drift.feature)}
        {...(drift.sentence === undefined ? {} : { 'data-tip': drift.sentence })}
      >
        {drift.state === 'ok' ? drift.feature : <span class={`reason ${drift.state}`}>{drift.feature}</span>}
      </a>
      <span class="under">
        {statisticWord(statistic)} {plain(drift.value)}
      </span>
    </td>
  )
}

function QualityCell({ model: { quality } }: { model: OverviewModel }): VNode {
  if (quality.value === undefined) {
    return (
      <td class="number quiet" data-label="Live quality">
        –<span class="under">no outcomes</span>
      </td>
    )
  }
  const { value, low, high, maturity, metric = '', series } = quality
  const range = low === undefined || high === undefined ? '' : `${decimals(low, 2)}–${decimals(high, 2)}`
  return (
    <td class="number" data-label="Live quality">
      <div class="cell-line end">
        {series.length > 1
          ? sparkline(series, { label: `${metricWord(metric)} over time`, range: around(series) })
          : null}
        <div>
          <span class="quiet small">{metricWord(metric)}</span> {decimals(value, 3)}
          <span class="under">
            {range}
            {maturity === undefined ? '' : ` · ${percent(maturity, 0)} known`}
          </span>
        </div>
      </div>
    </td>
  )
}

/** The range of a line that tells changes of a number that never comes near 0. */
function around(series: readonly number[]): readonly [number, number] {
  const known = series.filter(Number.isFinite)
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const room = Math.max((high - low) * 0.15, 0.01)
  return [low - room, high + room]
}
