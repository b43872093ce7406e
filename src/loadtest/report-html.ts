/** A load test's report as one HTML file: no script, nothing from elsewhere, readable on a phone and printed. Pure. */
import { bytesText, numberText } from '../platform/text-table.ts'
import { type Latencies, type LoadReport, percentText, shown, type TargetVerdict } from './report.ts'
import { type Chart, type ChartLine, chartSvg, escaped, latencyAxis, roundAxis } from './report-charts.ts'
import { errorName, latencyText, sampleText, verdictWord } from './report-text.ts'

/** Each chart is drawn for a wide window and for a narrow one: scaled down, its letters could not be read. */
const WIDE = { width: 880, height: 260 }
const NARROW = { width: 360, height: 230 }

export function reportHtml(report: LoadReport): string {
  const { model, version, url, startedAt } = report
  const name = model === undefined ? url : `${model}${version === undefined ? '' : `@${version}`}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Load test of ${escaped(name)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="kind">Load test</p>
<h1>${escaped(name)}</h1>
<p class="quiet">POST ${escaped(url)}<br>${new Date(startedAt).toISOString().slice(0, 19).replace('T', ' ')} UTC</p>
</header>
${verdictSection(report)}
${figuresSection(report)}
${curveSection(report)}
${timeSection(report)}
${rateSection(report)}
${errorSection(report)}
${triedSection(report)}
${settingsSection(report)}
</main>
</body>
</html>
`
}

function verdictSection({ targets, targetsFrom, met, interrupted, notes }: LoadReport): string {
  if (targets.length === 0 && notes.length === 0) return ''
  const word = interrupted ? 'Interrupted' : met ? 'All tested targets are met' : 'A target is missed'
  const items = targets.map(
    target =>
      `<li class="${wordClass(target)}"><b>${verdictWord(target)}</b><span>${escaped(target.name)}: ${escaped(target.sentence)}</span></li>`,
  )
  const told = notes.map(note => `<li class="note"><b>note</b><span>${escaped(note)}</span></li>`)
  return `<section class="verdict ${met ? 'good' : 'bad'}"><h2>${word}</h2><ul>${items.join('')}${told.join('')}</ul><p class="quiet">Targets: ${escaped(targetsFrom)}</p></section>`
}

function wordClass(target: TargetVerdict): string {
  return verdictWord(target).replace(' ', '-')
}

const FIGURES: readonly (readonly [string, keyof Latencies])[] = [
  ['min', 'min'],
  ['mean', 'mean'],
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['p99.9', 'p999'],
  ['max', 'max'],
]

function figuresSection(report: LoadReport): string {
  const { latencyMs, serviceMs, requests, answeredPerSecond, errorRate, server } = report
  const cards = [
    ['requests', numberText(requests)],
    ['answered', `${shown(answeredPerSecond)}/s`],
    ['errors', percentText(errorRate)],
    ...(latencyMs === undefined ? [] : [['p99 latency', latencyText(latencyMs.p99)]]),
    ...(server.cpuUs === undefined ? [] : [['processor time a request', `${shown(server.cpuUs)} µs`]]),
    ...(server.residentBytes === undefined ? [] : [['resident memory', bytesText(server.residentBytes)]]),
  ]
  const list = cards.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')
  if (latencyMs === undefined) return `<section><dl class="cards">${list}</dl></section>`
  const cell = (of: Latencies | undefined, key: keyof Latencies): string =>
    `<td>${of === undefined ? '–' : latencyText(of[key])}</td>`
  const rows = FIGURES.map(
    ([name, key]) => `<tr><th scope="row">${name}</th>${cell(latencyMs, key)}${cell(serviceMs, key)}</tr>`,
  )
  return `<section><dl class="cards">${list}</dl>
<table><thead><tr><th scope="col">latency</th><th scope="col">since it was due</th><th scope="col">since it was sent</th></tr></thead><tbody>${rows.join('')}</tbody></table>
<p class="quiet">A caller waits from when its request is due. What a generator measures that waits for answers before it sends again is in the right column: it leaves out the waiting.</p></section>`
}

/** Both drawings of a chart; the style shows one of them. */
function both(chart: (size: { width: number; height: number }) => Chart): string {
  return `<div class="wide">${chartSvg(chart(WIDE))}</div><div class="narrow">${chartSvg(chart(NARROW))}</div>`
}

function curveSection({ curve, serviceCurve, targets }: LoadReport): string {
  if (curve.length < 3) return ''
  const limit = limitOf(targets)
  // The share that takes longer, by factors: each tick to the right is ten times rarer. The slowest of all is at the edge.
  const rarest = Math.min(...curve.filter(([share]) => share < 1).map(([share]) => 1 - share)) / 1.5
  const place = ([share, ms]: readonly [number, number]): readonly [number, number] => [
    1 / Math.max(rarest, 1 - share),
    ms,
  ]
  const lines: ChartLine[] = [
    { tone: 'main', points: curve.map(place) },
    { tone: 'second', points: serviceCurve.map(place).filter(([at]) => at <= 1 / rarest) },
  ]
  const x = {
    low: 1,
    high: 1 / rarest,
    isLog: true,
    ticks: [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]
      .filter(share => 1 - share >= rarest)
      .map(share => ({ at: 1 / (1 - share), text: `${Number((share * 100).toFixed(3))} %` })),
  }
  const y = latencyAxis(
    lines.flatMap(({ points }) => points.map(([, ms]) => ms)),
    latencyText,
  )
  return `<section><h2>How long the slowest took</h2>
<p class="key"><i class="main"></i> since it was due <i class="second"></i> since it was sent</p>
${both(size => ({ ...size, label: 'Latency by share of requests', lines, x, y, ...limit }))}</section>`
}

function limitOf(targets: readonly TargetVerdict[]): Pick<Chart, 'limit'> {
  const wanted = targets.find(({ name }) => name === 'p99 latency')?.wanted
  return wanted === undefined ? {} : { limit: { value: wanted, text: `99 % within ${latencyText(wanted)}` } }
}

function timeSection({ parts, seconds, targets, partSeconds }: LoadReport): string {
  if (parts.length < 2) return ''
  const of = (value: (part: (typeof parts)[number]) => number | undefined): (readonly [number, number])[] =>
    parts.map(part => [part.at + partSeconds / 2, value(part) ?? Number.NaN] as const)
  const lines: ChartLine[] = [
    { tone: 'main', points: of(part => part.p99) },
    { tone: 'second', points: of(part => part.p50) },
    { tone: 'third', points: of(part => part.max) },
  ]
  const x = roundAxis(seconds, value => `${value} s`)
  const y = latencyAxis(
    lines.flatMap(({ points }) => points.map(([, ms]) => ms)),
    latencyText,
  )
  return `<section><h2>Latency over time</h2>
<p class="key"><i class="main"></i> p99 <i class="second"></i> p50 <i class="third"></i> the slowest</p>
${both(size => ({ ...size, label: 'Latency over time', lines, x, y, ...limitOf(targets) }))}</section>`
}

function rateSection({ parts, seconds, partSeconds }: LoadReport): string {
  if (parts.length < 2) return ''
  const lengthOf = (at: number): number => Math.min(partSeconds, seconds - at)
  const of = (value: (part: (typeof parts)[number]) => number): (readonly [number, number])[] =>
    parts.map(part => [part.at + partSeconds / 2, value(part) / lengthOf(part.at)] as const)
  const lines: ChartLine[] = [
    { tone: 'main', points: of(part => part.answered) },
    { tone: 'second', points: of(part => part.due) },
  ]
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)))
  const y = roundAxis(most * 1.1, value => `${numberText(value)}/s`)
  const x = roundAxis(seconds, value => `${value} s`)
  return `<section><h2>Requests</h2>
<p class="key"><i class="main"></i> answered <i class="second"></i> due</p>
${both(size => ({ ...size, label: 'Requests a second over time', lines, x, y }))}</section>`
}

function errorSection({ errors, errorSamples }: LoadReport): string {
  const rows = Object.entries(errors).map(([kind, count]) => {
    const sample = errorSamples[kind]
    return `<tr><th scope="row">${escaped(errorName(kind))}</th><td>${numberText(count)}</td><td class="said">${sample === undefined ? '' : escaped(sampleText(sample))}</td></tr>`
  })
  if (rows.length === 0) return ''
  return `<section><h2>What was not answered</h2><table class="errors"><tbody>${rows.join('')}</tbody></table></section>`
}

function triedSection({ tried = [] }: LoadReport): string {
  if (tried.length === 0) return ''
  const rows = tried.map(({ rate, p99Ms, errorRate, isGood }) => {
    const p99 = p99Ms === undefined ? '–' : latencyText(p99Ms)
    return `<tr><th scope="row">${shown(rate)}/s</th><td>${p99}</td><td>${percentText(errorRate)}</td><td>${isGood ? 'kept' : 'not kept'}</td></tr>`
  })
  return `<section><h2>Rates that were tried</h2><table><thead><tr><th scope="col">rate</th><th scope="col">p99 latency</th><th scope="col">errors</th><th scope="col">targets</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`
}

function settingsSection(report: LoadReport): string {
  const { rate, arrivals, seconds, warmUpSeconds, connections, timeoutSeconds, rows, rowsFrom } = report
  const { latenessMs, lagMs, threads } = report
  const settings: readonly (readonly [string, string])[] = [
    [
      'rate',
      `${shown(rate)} requests/s, arriving ${arrivals === 'poisson' ? 'at random (Poisson)' : 'equally spaced'}`,
    ],
    ['time', `${shown(seconds)} s, after ${shown(warmUpSeconds)} s of warm-up`],
    ['connections', `${numberText(connections)}${threads > 1 ? `, of ${threads} threads` : ''}`],
    ['given up after', `${shown(timeoutSeconds)} s from when it was due`],
    ['rows', `${numberText(rows)} different ones, ${rowsFrom}`],
    ...(latenessMs === undefined
      ? []
      : [
          [
            'generator',
            `sent late by ${latencyText(latenessMs.p99)} for 99 % of the requests, ${latencyText(latenessMs.max)} at most; answers lay unread for ${latencyText(lagMs?.p99 ?? 0)}, ${latencyText(lagMs?.max ?? 0)} at most`,
          ] as const,
        ]),
  ]
  const list = settings.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${escaped(value)}</td></tr>`)
  return `<section><h2>How it was measured</h2><table class="settings"><tbody>${list.join('')}</tbody></table></section>`
}

const STYLE = `
:root{color-scheme:light dark;--ground:#f6f6f3;--surface:#fff;--text:#1a1d1f;--quiet:#62686c;--faint:#9aa0a4;--line:#e3e4e0;--accent:#0f6d66;--good:#1d6b3c;--bad:#b3261e;--warning:#a3580a}
@media(prefers-color-scheme:dark){:root{--ground:#131516;--surface:#1b1e1f;--text:#e8eaea;--quiet:#a0a6a9;--faint:#6d7376;--line:#2c3032;--accent:#5cc4b8;--good:#7fd09b;--bad:#ff8a80;--warning:#e9a23b}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:960px;margin:0 auto;padding:32px 20px 64px}
h1{margin:0 0 4px;font-size:28px;line-height:1.2;overflow-wrap:anywhere}
h2{margin:0 0 8px;font-size:16px}
.kind{margin:0;color:var(--accent);font-weight:600}
.quiet{color:var(--quiet);font-size:13px;margin:6px 0 0;overflow-wrap:anywhere}
section{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:16px 20px;margin-top:16px}
.verdict.good{border-left:4px solid var(--good)}
.verdict.bad{border-left:4px solid var(--bad)}
ul{margin:0;padding:0;list-style:none}
li{display:grid;grid-template-columns:84px 1fr;margin:4px 0}
.met b{color:var(--good)}
.missed b{color:var(--bad)}
.not-tested b{color:var(--quiet)}
.note b{color:var(--warning)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:12px 20px;margin:0 0 14px}
dt{color:var(--quiet);font-size:13px}
dd{margin:0;font-size:22px;font-weight:600}
table{border-collapse:collapse;width:100%}
th,td{padding:5px 0;border-top:1px solid var(--line);text-align:right;font-weight:400}
th{text-align:left;color:var(--quiet);padding-right:12px}
thead th{border-top:0;padding-right:0;text-align:right;font-size:13px}
thead th:first-child{text-align:left}
.settings td,.said{text-align:left;overflow-wrap:anywhere}
.said{padding-left:16px;color:var(--quiet);font-size:13px}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--quiet);font:11px system-ui,sans-serif}
.grid line,.axis line{stroke:var(--line)}
.line{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}
.line.main{stroke:var(--accent)}
.line.second{stroke:var(--quiet);stroke-width:1.25}
.line.third{stroke:var(--warning);stroke-width:1}
.limit line{stroke:var(--bad);stroke-dasharray:4 4}
.limit text{fill:var(--bad)}
.key{margin:0 0 6px;color:var(--quiet);font-size:13px}
.key i{display:inline-block;width:18px;height:0;border-top:3px solid;vertical-align:middle;margin:0 4px 0 12px}
.key i:first-child{margin-left:0}
.key .main{border-color:var(--accent)}
.key .second{border-color:var(--quiet)}
.key .third{border-color:var(--warning)}
.narrow{display:none}
@media(max-width:640px){main{padding:20px 12px 40px}section{padding:14px}.wide{display:none}.narrow{display:block}h1{font-size:23px}}
@media print{body{background:#fff}section{break-inside:avoid}}
`
