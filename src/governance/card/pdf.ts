/** A card as a PDF: A4, typeset, with plots. The same card gives the same bytes. */
import type { Card, DriftReading } from './card.ts'
import { lineagePlot } from './pdf-lineage.ts'
import { ACCENT, type Document, INK, openDocument, SOFT } from './pdf-page.ts'
import {
  calibrationPlot,
  confusionPlot,
  driftPlot,
  groupPlot,
  importancePlot,
  type Place,
  precisionRecallPlot,
  rocPlot,
  scatterPlot,
  sparkPlot,
} from './pdf-plots.ts'
import { formatOf, metricLabel, numberText, percentText } from './words.ts'

const LEFT = 56
const WIDTH = 595.28 - 2 * LEFT
const PLOT_HEIGHT = 190
const GUTTER = 18

export function pdfCard(card: Card): Promise<Buffer> {
  const name = `${card.model_name} ${card.version}`
  const page = openDocument({
    title: `Model card: ${name}`,
    subject: card.description ?? `What ${name} is, what it is for and how good it is`,
    author: card.owner ?? 'not stated',
    foot: `Model card of ${name}, artifact ${card.artifact.sha256.slice(0, 16)}…`,
    at: Date.parse(card.registered_at),
  })
  front(page, card)
  details(page, card)
  uses(page, card)
  factors(page, card)
  metrics(page, card)
  data(page, card)
  analyses(page, card)
  fairness(page, card)
  production(page, card)
  caveats(page, card)
  evidence(page, card)
  return page.bytes()
}

function front(page: Document, card: Card): void {
  const { pdf } = page
  pdf.rect(0, 0, pdf.page.width, 8).fill(ACCENT)
  pdf.font('regular').fontSize(10).fillColor(SOFT).text('MODEL CARD', LEFT, 56, { characterSpacing: 1.5 })
  pdf
    .font('bold')
    .fontSize(26)
    .fillColor(INK)
    .text(`${card.model_name} ${card.version}`, LEFT, pdf.y + 2, { width: WIDTH })
  if (card.description !== null) {
    pdf
      .font('italic')
      .fontSize(12)
      .fillColor(SOFT)
      .text(card.description, LEFT, pdf.y + 2, { width: WIDTH })
  }
  pdf.y += 14
  tiles(page, card)
  pdf.font('regular').fontSize(10).fillColor(INK)
}

/** What a reader wants first. */
function tiles(page: Document, card: Card): void {
  const { pdf } = page
  const main = ['auc_roc', 'accuracy', 'rmse', 'f1_score'].find(metric => card.metrics[metric] !== undefined)
  const shown = [
    ['Owner', card.owner ?? 'not stated'],
    [main === undefined ? 'Metrics' : metricLabel(main), main === undefined ? 'none' : numberText(card.metrics[main])],
    ['Demographic parity, difference', numberText(card.fairness.demographic_parity)],
    ['Validation', card.validation === null ? 'none' : card.validation.result.toLowerCase()],
  ] as const
  const width = (WIDTH - 3 * 8) / 4
  const top = pdf.y
  for (const [at, [label, value]] of shown.entries()) {
    const x = LEFT + at * (width + 8)
    pdf.roundedRect(x, top, width, 54, 4).fill('#f1f5f8')
    pdf
      .font('regular')
      .fontSize(7.5)
      .fillColor(SOFT)
      .text(label, x + 8, top + 8, { width: width - 16, height: 20 })
    pdf
      .font('bold')
      .fontSize(13)
      .fillColor(INK)
      .text(value, x + 8, top + 30, { width: width - 16, height: 16, ellipsis: true })
  }
  pdf.x = LEFT
  pdf.y = top + 62
}

function details(page: Document, card: Card): void {
  page.heading('Model details')
  const facts = Object.entries(card.facts).map(([fact, value]) => `${fact} ${value}`)
  page.pairs([
    ['Owner', card.owner ?? 'not stated'],
    ['Kind', `${card.task}, ${card.objective}`],
    ['Format', `${formatOf(card.format).name}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`],
    ['Registered', `${card.registered_at.replace('T', ' ').slice(0, 16)} UTC by ${card.registered_by}`],
    ['Aliases', card.aliases.length === 0 ? 'none' : card.aliases.join(', ')],
    ['Artifact', `SHA-256 ${card.artifact.sha256}, ${card.artifact.bytes} bytes`],
    ['Answers', card.outputs.join(', ')],
  ])
}

function uses(page: Document, { uses: { permitted, prohibited, purpose_required } }: Card): void {
  page.heading('Intended use')
  page.pairs([
    ['Permitted', permitted.length === 0 ? 'Whatever is not prohibited' : permitted.join(', ')],
    ['Prohibited', prohibited.length === 0 ? 'Nothing is stated' : prohibited.join(', ')],
    ['Purpose', purpose_required ? 'Callers must state one' : 'Callers need not state one'],
  ])
}

function factors(page: Document, { inputs }: Card): void {
  page.heading('Factors')
  page.paragraph(
    'What the model is told. Protected features are those by which people must not be treated differently without cause.',
  )
  page.table(
    [
      { name: 'Feature', share: 3 },
      { name: 'Type', share: 1.4 },
      { name: 'Unit', share: 1.4 },
      { name: 'Marked', share: 1.6 },
      { name: 'What it is', share: 4 },
    ],
    inputs.map(({ name, type, unit, description, protected: isProtected, sensitive }) => [
      name,
      type,
      unit ?? '',
      [isProtected ? 'protected' : '', sensitive ? 'sensitive' : ''].filter(Boolean).join(', '),
      description ?? '',
    ]),
  )
}

function metrics(page: Document, { metrics: stated, measured_metrics, measured }: Card): void {
  page.heading('Metrics')
  const names = Object.keys({ ...stated, ...measured?.metrics })
  if (names.length === 0) {
    page.paragraph('None were stated, and there is no evaluation data to measure them on.')
    return
  }
  const threshold =
    measured?.threshold === undefined
      ? ''
      : ` Decisions are called from a score of ${numberText(measured.threshold)} on.`
  page.paragraph(`Measured on the evaluation data, with 95 % intervals, or as the trainer stated them.${threshold}`)
  page.table(
    [
      { name: 'Metric', share: 5 },
      { name: 'Value', share: 2, align: 'right' },
      { name: '95 % interval', share: 3, align: 'right' },
      { name: 'Origin', share: 2, align: 'right' },
    ],
    names.map(name => {
      const interval = measured?.metrics[name]
      const range = interval === undefined ? '' : `${numberText(interval.low)} to ${numberText(interval.high)}`
      const origin = measured_metrics.includes(name) ? 'measured' : 'stated'
      return [metricLabel(name), numberText(interval?.value ?? stated[name]), range, origin]
    }),
  )
}

function data(page: Document, card: Card): void {
  for (const [title, part] of [
    ['Evaluation data', card.evaluation_data],
    ['Training data', card.training_data],
  ] as const) {
    page.heading(title)
    if (part === null) page.paragraph('None was registered.')
    else
      page.pairs([
        ['Rows', String(part.rows)],
        ['Columns', part.columns.join(', ')],
        ['SHA-256', part.sha256],
      ])
  }
  page.heading('Lineage')
  page.room(130)
  const { pdf } = page
  pdf.y += 4 + lineagePlot(pdf, { x: LEFT, y: pdf.y + 4, width: WIDTH, height: 0 }, card)
}

function analyses(page: Document, { measured, unmeasured }: Card): void {
  page.heading('Quantitative analyses')
  if (measured === null) {
    page.paragraph(`${unmeasured ?? 'Nothing was measured'}.`)
    return
  }
  page.paragraph(`On ${measured.rows} rows of evaluation data.`)
  const plots: ((place: Place) => void)[] = []
  const { pdf } = page
  if (measured.roc !== undefined) plots.push(place => rocPlot(pdf, place, measured))
  if (measured.precisionRecall !== undefined) plots.push(place => precisionRecallPlot(pdf, place, measured))
  if (measured.calibration !== undefined) plots.push(place => calibrationPlot(pdf, place, measured))
  if (measured.confusion !== undefined) plots.push(place => confusionPlot(pdf, place, measured))
  if (measured.scatter !== undefined) plots.push(place => scatterPlot(pdf, place, measured))
  inPairs(page, plots)
  if (measured.importance === undefined) return
  page.subheading('What moves the answers')
  page.paragraph(`Mean size of each feature's contributions to the margin (${measured.importanceMethod}).`)
  page.room(measured.importance.length * 15)
  pdf.y += 6 + importancePlot(pdf, { x: LEFT, y: pdf.y, width: WIDTH, height: 0 }, measured)
}

function inPairs(page: Document, plots: readonly ((place: Place) => void)[]): void {
  const { pdf } = page
  const width = (WIDTH - GUTTER) / 2
  for (let at = 0; at < plots.length; at += 2) {
    page.room(PLOT_HEIGHT + 8)
    const { y } = pdf
    plots[at]!({ x: LEFT, y, width, height: PLOT_HEIGHT })
    plots[at + 1]?.({ x: LEFT + width + GUTTER, y, width, height: PLOT_HEIGHT })
    pdf.x = LEFT
    pdf.y = y + PLOT_HEIGHT + 6
  }
  pdf.font('regular').fontSize(10).fillColor(INK)
}

function fairness(page: Document, { fairness: { groups, demographic_parity, equal_opportunity } }: Card): void {
  page.heading('Ethical considerations')
  if (groups.length === 0) {
    page.paragraph(
      'Groups of people were not compared: no feature is marked as protected, or there is no evaluation data to compare them on.',
    )
    return
  }
  page.paragraph(
    `Largest difference between groups in how often they are called positive (demographic parity): ${numberText(demographic_parity)}. ` +
      `In how often those who were positive are found (equal opportunity): ${numberText(equal_opportunity)}.`,
  )
  for (const each of groups) {
    const height = 14 + each.groups.length * 26
    page.room(height + 60)
    page.subheading(`By ${each.column}${each.isProtected ? ', a protected feature' : ', which the model is not told'}`)
    page.pdf.y += 4 + groupPlot(page.pdf, { x: LEFT, y: page.pdf.y, width: WIDTH, height }, each)
    page.pdf.x = LEFT
    page.pdf.font('regular').fontSize(10).fillColor(INK)
    const { demographicParity: parity, equalOpportunity: opportunity, equalizedOdds: odds } = each
    page.paragraph(
      `Demographic parity: difference ${numberText(parity?.difference)}, ratio ${numberText(parity?.ratio)}. ` +
        `Equal opportunity: ${numberText(opportunity?.difference)}. Equalized odds: ${numberText(odds?.difference)}. ` +
        `Accuracy from ${percentText(Math.min(...each.groups.map(group => group.accuracy)))} to ${percentText(Math.max(...each.groups.map(group => group.accuracy)))}.`,
    )
  }
}

function production(page: Document, { as_of, production: { service, drift, quality } }: Card): void {
  page.heading('Production')
  const rows: [string, string][] = [['As of', `${as_of.replace('T', ' ').slice(0, 16)} UTC`]]
  if (service !== undefined && service.predictions > 0) {
    rows.push(['Predictions lately', String(service.predictions)])
    if (service.p99Ms !== undefined) rows.push(['Latency, 99 %', `${numberText(service.p99Ms)} ms`])
    if (service.errorRate !== undefined) rows.push(['Errors of ours', percentText(service.errorRate)])
  }
  rows.push(['Drift', driftText(drift)])
  if (quality?.metric !== undefined && quality.value !== undefined) {
    rows.push([
      `Live ${metricLabel(quality.metric)}`,
      `${numberText(quality.value)} (${numberText(quality.low)} to ${numberText(quality.high)})`,
    ])
    if (quality.maturity !== undefined) rows.push(['Outcomes known', percentText(quality.maturity)])
  } else rows.push(['Live quality', 'no outcomes are known yet'])
  page.pairs(rows)
  driftPart(page, drift?.readings ?? [])
  if ((quality?.series.length ?? 0) > 1) {
    page.room(PLOT_HEIGHT)
    const { y } = page.pdf
    sparkPlot(
      page.pdf,
      { x: LEFT, y, width: WIDTH, height: 150 },
      `Live ${metricLabel(quality!.metric ?? 'quality')}`,
      quality!.series,
    )
    page.pdf.x = LEFT
    page.pdf.y = y + 156
    page.pdf.font('regular').fontSize(10).fillColor(INK)
  }
}

function driftText(drift: Card['production']['drift']): string {
  if (drift === undefined || drift.state === 'idle') return 'not known: it has not answered enough yet'
  return drift.sentence ?? drift.state
}

const READINGS_MAX = 30

function driftPart(page: Document, readings: readonly DriftReading[]): void {
  if (readings.length === 0) return
  const shown = [...readings].sort((a, b) => share(b) - share(a)).slice(0, READINGS_MAX)
  page.room(shown.length * 15 + 60)
  page.subheading('Drift of the last predictions')
  page.paragraph(
    'Each statistic beside the size from which it is large. Drift is what is large and not made by chance alone.',
  )
  page.pdf.y += 4 + driftPlot(page.pdf, { x: LEFT, y: page.pdf.y, width: WIDTH, height: 0 }, shown)
  page.pdf.x = LEFT
  page.pdf.font('regular').fontSize(10).fillColor(INK)
}

function share({ value, threshold }: DriftReading): number {
  return threshold === undefined || threshold === 0 ? 0 : value / threshold
}

function caveats(page: Document, { limitations, validation }: Card): void {
  page.heading('Caveats and recommendations')
  if (limitations.length === 0) page.paragraph('No limitations are stated.')
  else page.list(limitations)
  if (validation === null) page.paragraph('It was not validated by a gate.')
  else {
    const failed = validation.failed.length === 0 ? '' : ` It failed: ${validation.failed.join(', ')}.`
    page.paragraph(`Validated on ${validation.at.slice(0, 10)}: ${validation.result.toLowerCase()}.${failed}`)
  }
}

function evidence(page: Document, { evidence: all }: Card): void {
  page.heading('Evidence')
  if (all.length === 0) {
    page.paragraph('Nothing was signed of this version.')
    return
  }
  page.paragraph(
    'Signed statements about this version (in-toto, OpenSSF Model Signing), and whether their signature is believed.',
  )
  page.table(
    [
      { name: 'About', share: 3 },
      { name: 'Key', share: 3 },
      { name: 'On', share: 3 },
      { name: 'Believed', share: 1.5 },
    ],
    all.map(({ about, key, on, believed }) => [about, key, on.replace('T', ' ').slice(0, 16), believed ? 'yes' : 'NO']),
  )
}
