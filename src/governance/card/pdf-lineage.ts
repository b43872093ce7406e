import type { Card } from './card.ts'
import { ACCENT, INK, LINE, type Pdf, SHADE, SOFT } from './pdf-page.ts'
import type { Place } from './pdf-plots.ts'

const BOX_HEIGHT = 44

/** From the data to the version and what points at it. Returns the height it took. */
export function lineagePlot(pdf: Pdf, { x, y, width }: Place, card: Card): number {
  const sources = [
    ['Training data', card.training_data],
    ['Evaluation data', card.evaluation_data],
  ].flatMap(([name, data]) =>
    data === null || typeof data === 'string'
      ? []
      : [
          {
            name: name as string,
            says: `${(data as NonNullable<Card['training_data']>).rows} rows`,
            digest: (data as NonNullable<Card['training_data']>).sha256,
          },
        ],
  )
  const column = width / 3
  const boxWidth = column - 26
  const rows = Math.max(1, sources.length)
  const height = rows * (BOX_HEIGHT + 10)
  const middle = y + height / 2 - 5
  for (const [at, source] of sources.entries()) {
    const top = y + at * (BOX_HEIGHT + 10)
    box(pdf, x, top, boxWidth, [source.name, source.says, `SHA-256 ${source.digest.slice(0, 16)}…`])
    arrow(pdf, x + boxWidth, top + BOX_HEIGHT / 2, x + column, middle)
  }
  const artifact = `SHA-256 ${card.artifact.sha256.slice(0, 16)}…`
  box(pdf, x + column, middle - BOX_HEIGHT / 2, boxWidth, [
    `${card.model_name}@${card.version}`,
    card.registered_at.slice(0, 10),
    artifact,
  ])
  const points = card.aliases.length === 0 ? ['no alias points here'] : card.aliases.slice(0, 3)
  box(pdf, x + 2 * column, middle - BOX_HEIGHT / 2, boxWidth, ['Aliases', ...points.slice(0, 2)])
  arrow(pdf, x + 2 * column, middle, x + column + boxWidth, middle)
  return height
}

function box(pdf: Pdf, x: number, y: number, width: number, lines: readonly string[]): void {
  pdf.roundedRect(x, y, width, BOX_HEIGHT, 4).lineWidth(0.7).fillAndStroke(SHADE, LINE)
  for (const [at, text] of lines.entries()) {
    pdf
      .font(at === 0 ? 'bold' : 'regular')
      .fontSize(at === 0 ? 9 : 7.5)
      .fillColor(at === 0 ? INK : SOFT)
    pdf.text(text, x + 8, y + 6 + at * 12, { width: width - 16, lineBreak: false, ellipsis: true })
  }
}

function arrow(pdf: Pdf, fromX: number, fromY: number, toX: number, toY: number): void {
  const way = Math.sign(toX - fromX)
  pdf
    .moveTo(fromX, fromY)
    .lineTo(toX - 4 * way, toY)
    .lineWidth(0.9)
    .strokeColor(ACCENT)
    .stroke()
  pdf.polygon([toX, toY], [toX - 6 * way, toY - 3], [toX - 6 * way, toY + 3]).fill(ACCENT)
}
