/** Plots of a PDF card, drawn as vectors. */
import type { DriftReading } from './card.ts'
import type { Curve, Measured, MeasuredGroups } from './measured.ts'
import { ACCENT, INK, LINE, type Pdf, SHADE, SOFT } from './pdf-page.ts'
import { numberText } from './words.ts'

export interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

interface Axes {
  readonly title: string
  readonly x: string
  readonly y: string
  /** Default: 0 to 1. */
  readonly rangeX?: readonly [number, number]
  readonly rangeY?: readonly [number, number]
}

const TICKS = 5
const SECOND = '#c2703d'

interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly px: (x: number) => number
  readonly py: (y: number) => number
}

function frame(pdf: Pdf, place: Place, { title, x, y, rangeX = [0, 1], rangeY = [0, 1] }: Axes): Frame {
  const left = place.x + 34
  const top = place.y + 18
  const width = place.width - 42
  const height = place.height - 50
  const px = (value: number): number => left + ((value - rangeX[0]) / (rangeX[1] - rangeX[0])) * width
  const py = (value: number): number => top + height - ((value - rangeY[0]) / (rangeY[1] - rangeY[0])) * height
  pdf.font('bold').fontSize(9).fillColor(INK).text(title, place.x, place.y, { width: place.width, lineBreak: false })
  pdf.font('regular').fontSize(7).fillColor(SOFT)
  for (let tick = 0; tick <= TICKS; tick++) {
    const [atX, atY] = [rangeX, rangeY].map(([low, high]) => low + ((high - low) * tick) / TICKS) as [number, number]
    pdf
      .moveTo(left, py(atY))
      .lineTo(left + width, py(atY))
      .lineWidth(0.4)
      .strokeColor(LINE)
      .stroke()
    pdf.text(numberText(atY), place.x, py(atY) - 4, { width: 30, align: 'right', lineBreak: false })
    pdf.text(numberText(atX), px(atX) - 15, top + height + 4, { width: 30, align: 'center', lineBreak: false })
  }
  pdf
    .moveTo(left, top)
    .lineTo(left, top + height)
    .lineTo(left + width, top + height)
    .lineWidth(0.7)
    .strokeColor(SOFT)
    .stroke()
  pdf.text(x, left, top + height + 15, { width, align: 'center', lineBreak: false })
  pdf.save().rotate(-90, { origin: [place.x + 4, top + height / 2] })
  pdf
    .text(y, place.x + 4 - height / 2, top + height / 2 - 8, { width: height, align: 'center', lineBreak: false })
    .restore()
  return { left, top, width, height, px, py }
}

function line(pdf: Pdf, { px, py }: Frame, curve: Curve, color: string, dashed = false): void {
  if (curve.length < 2) return
  for (const [at, [x, y]] of curve.entries()) at === 0 ? pdf.moveTo(px(x), py(y)) : pdf.lineTo(px(x), py(y))
  if (dashed) pdf.dash(3, { space: 2 })
  pdf
    .lineWidth(dashed ? 0.8 : 1.4)
    .strokeColor(color)
    .stroke()
  if (dashed) pdf.undash()
}

export function rocPlot(pdf: Pdf, place: Place, { roc = [], metrics }: Measured): void {
  const found = frame(pdf, place, {
    title: `ROC curve, area ${numberText(metrics['auc_roc']?.value)}`,
    x: 'False positive rate',
    y: 'True positive rate',
  })
  line(
    pdf,
    found,
    [
      [0, 0],
      [1, 1],
    ],
    SOFT,
    true,
  )
  line(pdf, found, roc, ACCENT)
}

export function precisionRecallPlot(
  pdf: Pdf,
  place: Place,
  { precisionRecall = [], prevalence, metrics }: Measured,
): void {
  const found = frame(pdf, place, {
    title: `Precision and recall, average precision ${numberText(metrics['average_precision']?.value)}`,
    x: 'Recall',
    y: 'Precision',
  })
  if (prevalence !== undefined)
    line(
      pdf,
      found,
      [
        [0, prevalence],
        [1, prevalence],
      ],
      SOFT,
      true,
    )
  line(pdf, found, precisionRecall, ACCENT)
}

export function calibrationPlot(pdf: Pdf, place: Place, { calibration = [] }: Measured): void {
  const found = frame(pdf, place, {
    title: 'Calibration, by tenths of the rows',
    x: 'Mean score',
    y: 'Share that was positive',
  })
  line(
    pdf,
    found,
    [
      [0, 0],
      [1, 1],
    ],
    SOFT,
    true,
  )
  line(
    pdf,
    found,
    calibration.map(({ score, share }) => [score, share] as const),
    ACCENT,
  )
  for (const { score, share } of calibration) pdf.circle(found.px(score), found.py(share), 2.2).fill(ACCENT)
}

export function confusionPlot(pdf: Pdf, place: Place, { confusion = [], classes = [] }: Measured): void {
  pdf
    .font('bold')
    .fontSize(9)
    .fillColor(INK)
    .text('What was called, by what it was', place.x, place.y, { width: place.width, lineBreak: false })
  const size = confusion.length
  const [left, top] = [place.x + 60, place.y + 32]
  const [width, height] = [(place.width - 68) / size, (place.height - 50) / size]
  pdf.font('regular').fontSize(7).fillColor(SOFT)
  for (const [at, name] of classes.entries()) {
    pdf.text(name, left + at * width, top - 12, { width, align: 'center', lineBreak: false, ellipsis: true })
    pdf.text(name, place.x, top + (at + 0.5) * height - 4, {
      width: 54,
      align: 'right',
      lineBreak: false,
      ellipsis: true,
    })
  }
  for (const [was, row] of confusion.entries()) {
    const rows = row.reduce((sum, cell) => sum + cell, 0)
    for (const [called, cell] of row.entries()) {
      const share = rows === 0 ? 0 : cell / rows
      const [x, y] = [left + called * width, top + was * height]
      pdf
        .rect(x, y, width, height)
        .fillOpacity(0.08 + 0.82 * share)
        .fill(was === called ? ACCENT : SECOND)
        .fillOpacity(1)
      pdf.fontSize(size > 6 ? 6 : 9).fillColor(share > 0.55 ? '#ffffff' : INK)
      pdf.text(String(cell), x, y + height / 2 - 5, { width, align: 'center', lineBreak: false })
    }
  }
}

export function scatterPlot(pdf: Pdf, place: Place, { scatter = [] }: Measured): void {
  const all = scatter.flat()
  const range = [Math.min(...all), Math.max(...all)] as const
  const found = frame(pdf, place, {
    title: 'Answered against true, a sample',
    x: 'True',
    y: 'Answered',
    rangeX: range,
    rangeY: range,
  })
  line(
    pdf,
    found,
    [
      [range[0], range[0]],
      [range[1], range[1]],
    ],
    SOFT,
    true,
  )
  for (const [x, y] of scatter) pdf.circle(found.px(x), found.py(y), 1.1).fillOpacity(0.5).fill(ACCENT).fillOpacity(1)
}

const BARS_MAX = 12

export function importancePlot(pdf: Pdf, place: Place, { importance = [] }: Measured): number {
  const shown = importance.slice(0, BARS_MAX)
  const most = shown[0]?.value ?? 1
  const step = 15
  const left = place.x + 150
  for (const [at, { feature, value }] of shown.entries()) {
    const y = place.y + at * step
    pdf
      .font('regular')
      .fontSize(8)
      .fillColor(INK)
      .text(feature, place.x, y + 2, { width: 142, align: 'right', lineBreak: false, ellipsis: true })
    const width = most === 0 ? 0 : (value / most) * (place.width - 210)
    pdf.rect(left, y + 2, Math.max(width, 0.5), step - 5).fill(ACCENT)
    pdf.fillColor(SOFT).text(numberText(value), left + width + 6, y + 2, { width: 50, lineBreak: false })
  }
  return shown.length * step
}

/** Rates of each group beside each other: called positive, and found of those who were. */
export function groupPlot(pdf: Pdf, place: Place, { groups }: MeasuredGroups): number {
  const step = 26
  const left = place.x + 130
  const width = place.width - 190
  pdf.font('regular').fontSize(7.5)
  pdf.rect(left, place.y + 1, 7, 7).fill(ACCENT)
  pdf.fillColor(SOFT).text('called positive', left + 11, place.y, { lineBreak: false })
  pdf.rect(left + 80, place.y + 1, 7, 7).fill(SECOND)
  pdf.fillColor(SOFT).text('found of those who were positive', left + 91, place.y, { lineBreak: false })
  for (const [at, { name, rows, selectionRate, truePositiveRate }] of groups.entries()) {
    const y = place.y + 14 + at * step
    pdf
      .fontSize(8)
      .fillColor(INK)
      .text(`${name} (${rows})`, place.x, y + 5, { width: 122, align: 'right', lineBreak: false, ellipsis: true })
    for (const [bar, rate] of [selectionRate, truePositiveRate].entries()) {
      const top = y + bar * 10
      pdf.rect(left, top, width, 8).fill(SHADE)
      if (rate === null) continue
      pdf.rect(left, top, Math.max(rate * width, 0.5), 8).fill(bar === 0 ? ACCENT : SECOND)
      pdf
        .fontSize(7)
        .fillColor(SOFT)
        .text(`${(rate * 100).toFixed(1)} %`, left + width + 6, top, { width: 40, lineBreak: false })
    }
  }
  return 14 + groups.length * step
}

/** A small course of a figure. */
export function sparkPlot(pdf: Pdf, place: Place, title: string, series: readonly number[]): void {
  const known = series.filter(Number.isFinite)
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const pad = high === low ? Math.max(Math.abs(high) * 0.05, 1e-6) : (high - low) * 0.1
  const range = [low - pad, high + pad] as const
  const found = frame(pdf, place, {
    title,
    x: 'Windows, oldest first',
    y: '',
    rangeX: [0, Math.max(1, series.length - 1)],
    rangeY: range,
  })
  line(
    pdf,
    found,
    series.map((value, at) => [at, value] as const),
    ACCENT,
  )
}

/** How far each feature is from its reference, and where that counts as drift. */
export function driftPlot(pdf: Pdf, place: Place, readings: readonly DriftReading[]): number {
  const step = 15
  const left = place.x + 190
  const width = place.width - 250
  const shares = readings.map(({ value, threshold = value }) => (threshold === 0 ? 0 : value / threshold))
  const most = Math.max(1.2, ...shares)
  pdf.font('regular').fontSize(8)
  for (const [at, { feature, statistic, value, isDrift }] of readings.entries()) {
    const y = place.y + at * step
    const words = `${feature}, ${statistic}`
    pdf.fillColor(INK).text(words, place.x, y + 2, { width: 182, align: 'right', lineBreak: false, ellipsis: true })
    pdf.rect(left, y + 2, Math.max((shares[at]! / most) * width, 0.5), step - 5).fill(isDrift ? SECOND : ACCENT)
    pdf.fillColor(SOFT).text(numberText(value), left + width + 8, y + 2, { width: 50, lineBreak: false })
  }
  const limit = left + width / most
  pdf
    .moveTo(limit, place.y)
    .lineTo(limit, place.y + readings.length * step)
    .dash(2, { space: 2 })
  pdf.lineWidth(0.8).strokeColor(SOFT).stroke().undash()
  pdf
    .fontSize(7)
    .fillColor(SOFT)
    .text('large from here on', limit - 40, place.y + readings.length * step + 2, {
      width: 80,
      align: 'center',
      lineBreak: false,
    })
  return readings.length * step + 16
}
