/** One model: its versions, how it answers, whether the world is still the one it was trained on, how right it is. */
import type { VNode } from 'preact'
import { sparkline } from '../../../ui/charts/sparkline.ts'
import { count, date, milliseconds, percent, perSecond } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import { StateMark, type StateName, stateWord } from '../../../ui/parts/state-mark.tsx'
import type { ModelBody, ServiceBody, VersionBody } from '../api-watch.ts'
import { useLive } from '../live.ts'
import { modelPath, place, withQuery } from '../router.ts'
import { Term } from '../terms.tsx'
import { looked, RangeChoice } from '../time-range.tsx'
import { DriftPanel } from './drift-panel.tsx'
import { OutputPanel } from './output-panel.tsx'
import { ProofPanels } from './proof-panels.tsx'
import { CalibrationPanel, QualityPanel, useQuality } from './quality-panels.tsx'
import { ServicePanels } from './service-panels.tsx'
import { ValidationPanel } from './validation-panel.tsx'

const MODEL_EVERY_MS = 15_000
const SERVICE_EVERY_MS = 3_000

export function ModelPage({ model }: { model: string }): VNode {
  const { body, problem } = useLive<ModelBody>(modelPath(model), MODEL_EVERY_MS)
  if (body === undefined) {
    return (
      <>
        <div class="page-head">
          <h1 tabIndex={-1}>{model}</h1>
        </div>
        <section class="panel">
          {problem === undefined ? (
            <Loading lines={7} />
          ) : problem.status === 404 ? (
            <Empty title={`There is no model called ${model}`}>
              It may have another name. <a href="/">See all models</a>
            </Empty>
          ) : (
            <Failed title="Cannot show the model" detail={problem.message} />
          )}
        </section>
      </>
    )
  }
  const asked = place.value.query['version']
  const version = asked ?? body.aliases['champion'] ?? body.versions.at(-1)!
  return <VersionOfModel key={version} body={body} version={version} />
}

/** Nothing is asked before it is known how old the version is: that decides how far back one looks. */
function VersionOfModel({ body, version }: { body: ModelBody; version: string }): VNode {
  const { body: described, problem } = useLive<VersionBody>(
    `${modelPath(body.name)}/versions/${encodeURIComponent(version)}`,
    0,
  )
  if (described !== undefined) return <VersionView body={body} described={described} />
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>
          {body.name} <span class="quiet">{version}</span>
        </h1>
        <VersionChoice body={body} version={version} />
      </div>
      <section class="panel">
        {problem === undefined ? (
          <Loading lines={7} />
        ) : (
          <Empty title="There is no such version">{problem.message}</Empty>
        )}
      </section>
    </>
  )
}

function VersionView({ body, described }: { body: ModelBody; described: VersionBody }): VNode {
  const { name: model } = body
  const { version } = described
  const range = looked(described.registeredAt)
  const at = `?version=${encodeURIComponent(version)}`
  const service = useLive<ServiceBody>(
    `${modelPath(model)}/service${at}&since=${range.since}&until=${range.until}&step=${range.stepMs}`,
    SERVICE_EVERY_MS,
  )
  const quality = useQuality({ model, version, range })
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumb">
            <a href="/">Overview</a> / models
          </p>
          <h1 tabIndex={-1}>
            {model} <span class="quiet">{version}</span>
          </h1>
          <p>{describe(described)}</p>
        </div>
        <div class="toolbar">
          <VersionChoice body={body} version={version} />
          <RangeChoice chosen={range.name} />
        </div>
      </div>
      <Now service={service.body} />
      <div class="grid-page">
        <ServicePanels live={service} range={range} />
        <DriftPanel model={model} version={version} range={range} />
        <QualityPanel live={quality} range={range} />
        <OutputPanel model={model} version={version} range={range} hasReference={described.profile !== undefined} />
        <CalibrationPanel live={quality} />
        <AboutPanel version={described} />
        <ValidationPanel model={model} version={version} />
        <ProofPanels model={model} version={version} />
      </div>
    </>
  )
}

function describe({ description, task, format, owner, registeredAt, registeredBy }: VersionBody): string {
  const parts = [`${task.replaceAll('-', ' ')}, ${format}`]
  if (owner !== undefined) parts.push(owner)
  parts.push(`registered ${date(registeredAt)} by ${registeredBy}`)
  return description === undefined ? parts.join(' · ') : `${description} · ${parts.join(' · ')}`
}

/** Versions from which on a list is shorter than a row of names. */
const VERSIONS_IN_ROW = 4

function VersionChoice({ body, version }: { body: ModelBody; version: string }): VNode | null {
  const { versions, aliases } = body
  if (versions.length < 2) return null
  const aliasesOf = (one: string): string =>
    Object.entries(aliases)
      .filter(([, target]) => target === one)
      .map(([alias]) => alias)
      .join(', ')
  const shown = versions.toReversed().slice(0, VERSIONS_IN_ROW)
  if (!shown.includes(version)) shown.push(version)
  return (
    <nav class="choice" aria-label="Version">
      {shown.map(one => (
        <a
          key={one}
          href={withQuery({ version: one })}
          {...(one === version ? { 'aria-current': 'true' as const } : {})}
          {...(aliasesOf(one) === '' ? {} : { 'data-tip': aliasesOf(one) })}
        >
          {one}
          {aliasesOf(one) === '' ? null : <span class="alias">{aliasesOf(one)}</span>}
        </a>
      ))}
    </nav>
  )
}

/** Its place is kept while it loads, so that nothing below jumps. */
function Now({ service }: { service: ServiceBody | undefined }): VNode {
  if (service === undefined) {
    return (
      <section class="panel now">
        <Loading lines={1} />
      </section>
    )
  }
  const { state, sentence, recent } = service
  if (recent === undefined) {
    return (
      <p class="banner">
        <StateMark state={state} /> {sentence}
      </p>
    )
  }
  const { perSecond: rate, p50Ms, p95Ms, p99Ms, errorRate, predictions, series } = recent
  return (
    <section class="panel now" aria-label="The last hour">
      <dl class="facts">
        <div class="fact state">
          <dt>Service</dt>
          <dd>
            <StateMark state={state} /> {stateWord(state as StateName)}
            {state === 'ok' || state === 'idle' ? null : <span class={`reason ${state}`}>{sentence}</span>}
          </dd>
        </div>
        <Fact name="Predictions a second" value={perSecond(rate)} />
        <div class="fact">
          <dt>Last hour</dt>
          <dd class="cell-line">
            {count(predictions)} {sparkline(series, { label: 'Predictions by five minutes' })}
          </dd>
        </div>
        <Fact name={<Term name="p50">p50</Term>} value={milliseconds(p50Ms)} />
        <Fact name={<Term name="p95">p95</Term>} value={milliseconds(p95Ms)} />
        <Fact name={<Term name="p99">p99</Term>} value={milliseconds(p99Ms)} />
        <Fact name={<Term name="errors">Errors</Term>} value={percent(errorRate, 2)} />
      </dl>
    </section>
  )
}

function Fact({ name, value }: { name: VNode | string; value: string }): VNode {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function AboutPanel({ version }: { version: VersionBody }): VNode {
  const { model, limitations, reference, signature, statedMetrics, external, measuredMetrics = {} } = version
  const metrics = Object.entries({ ...statedMetrics, ...measuredMetrics })
  return (
    <section class="panel half">
      <div class="panel-head">
        <h2>About this version</h2>
        <a class="panel-note link" href={`/changes?model=${encodeURIComponent(model)}`}>
          Its changes
        </a>
      </div>
      <dl class="pairs">
        <dt>Features</dt>
        <dd>{signature.inputs.map(({ name }) => name).join(', ')}</dd>
        <dt>Answers</dt>
        <dd>{signature.outputs.map(({ name }) => name).join(', ')}</dd>
        <ComputedBy external={external} />
        {reference === undefined ? null : (
          <>
            <dt>
              <Term name="reference">Reference</Term>
            </dt>
            <dd>{count(reference.rows)} rows</dd>
          </>
        )}
        {metrics.length === 0 ? null : (
          <>
            <dt>At registration</dt>
            <dd>
              {metrics
                .map(([name, value]) => `${name.replaceAll('_', ' ')} ${Number(value.toPrecision(3))}`)
                .join(', ')}
            </dd>
          </>
        )}
        {limitations.length === 0 ? null : (
          <>
            <dt>Limitations</dt>
            <dd>{limitations.join('; ')}</dd>
          </>
        )}
        <dt>Explanations</dt>
        <dd>
          <a class="link" href={`${modelPath(model)}/explanations?version=${encodeURIComponent(version.version)}`}>
            What moves its answers
          </a>
        </dd>
        <dt>Predictions</dt>
        <dd>
          <a class="link" href={`/predictions?model=${encodeURIComponent(model)}`}>
            The newest ones
          </a>
        </dd>
      </dl>
    </section>
  )
}

/** Whom the server asks, and whether it runs code that came with the model: nothing where it computes the model itself. */
function ComputedBy({ external }: { external: VersionBody['external'] }): VNode | null {
  if (external === undefined) return null
  const { command, trust, url } = external.settings
  return (
    <>
      <dt>Computed by</dt>
      <dd>{url ?? `Python (${command})${trust === true ? ', which runs code of the artifact' : ''}`}</dd>
    </>
  )
}
