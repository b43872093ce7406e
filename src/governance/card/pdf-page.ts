/** The page of a PDF card: fonts, headings with bookmarks, paragraphs, lists, tables that go on on the next page, and the foot of each page. */
import { createRequire } from 'node:module'
import PDFDocument from 'pdfkit'

export type Pdf = PDFKit.PDFDocument

export interface Document {
  readonly pdf: Pdf
  heading(text: string): void
  subheading(text: string): void
  paragraph(text: string): void
  list(lines: readonly string[]): void
  pairs(rows: readonly (readonly [string, string])[]): void
  table(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): void
  /** Room for so much, on this page or the next. */
  room(height: number): void
  /** A gap. */
  gap(height?: number): void
  bytes(): Promise<Buffer>
}

export interface TableColumn {
  readonly name: string
  /** Share of the width. */
  readonly share: number
  readonly align?: 'left' | 'right'
}

export interface Meta {
  readonly title: string
  readonly subject: string
  readonly author: string
  /** At the foot of each page. */
  readonly foot: string
  /** Milliseconds since the epoch: the same for the same card, so that its bytes are. */
  readonly at: number
}

export const INK = '#1b2733'
export const SOFT = '#5b6b7a'
export const LINE = '#c9d2da'
export const ACCENT = '#1f6f8b'
export const SHADE = '#f1f5f8'

const MARGIN = 56
const BOTTOM = 64
const BODY = 10
const SMALL = 8.5
const ROW_PAD = 3.5

const FACES = {
  regular: '@expo-google-fonts/source-sans-3/400Regular/SourceSans3_400Regular.ttf',
  bold: '@expo-google-fonts/source-sans-3/600SemiBold/SourceSans3_600SemiBold.ttf',
  italic: '@expo-google-fonts/source-sans-3/400Regular_Italic/SourceSans3_400Regular_Italic.ttf',
}

/** A4. Fonts are embedded, what they do not draw is left out. */
export function openDocument(meta: Meta): Document {
  const pdf = new PDFDocument({
    size: 'A4',
    margins: { top: MARGIN, bottom: BOTTOM, left: MARGIN, right: MARGIN },
    bufferPages: true,
    lang: 'en',
    displayTitle: true,
    info: {
      Title: meta.title,
      Subject: meta.subject,
      Author: meta.author,
      Creator: 'Bellwether',
      Producer: 'Bellwether',
      CreationDate: new Date(meta.at),
      ModDate: new Date(meta.at),
    },
  })
  const require = createRequire(import.meta.url)
  for (const [name, face] of Object.entries(FACES)) {
    pdf.registerFont(name, require.resolve(face))
  }
  const chunks: Buffer[] = []
  pdf.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise<Buffer>((resolve, reject) => {
    pdf.on('end', () => resolve(Buffer.concat(chunks))).on('error', reject)
  })
  return new Pages(pdf, meta, ended)
}

class Pages implements Document {
  readonly pdf: Pdf
  readonly #meta: Meta
  readonly #ended: Promise<Buffer>

  constructor(pdf: Pdf, meta: Meta, ended: Promise<Buffer>) {
    this.pdf = pdf
    this.#meta = meta
    this.#ended = ended
    pdf.font('regular').fontSize(BODY).fillColor(INK)
  }

  get #width(): number {
    return this.pdf.page.width - 2 * MARGIN
  }

  room(height: number): void {
    if (this.pdf.y + height > this.pdf.page.height - BOTTOM) this.pdf.addPage()
  }

  gap(height = 8): void {
    this.pdf.y += height
  }

  heading(text: string): void {
    this.room(80)
    if (this.pdf.y > MARGIN + 1) this.gap(16)
    this.pdf.outline.addItem(text)
    this.pdf.font('bold').fontSize(14).fillColor(ACCENT).text(text, MARGIN, this.pdf.y)
    const y = this.pdf.y + 2
    this.pdf
      .moveTo(MARGIN, y)
      .lineTo(MARGIN + this.#width, y)
      .lineWidth(0.6)
      .strokeColor(LINE)
      .stroke()
    this.pdf.y = y + 7
    this.#plain()
  }

  subheading(text: string): void {
    this.room(60)
    this.gap(6)
    this.pdf.font('bold').fontSize(11).fillColor(INK).text(text, MARGIN, this.pdf.y)
    this.gap(3)
    this.#plain()
  }

  paragraph(text: string): void {
    this.pdf.text(text, MARGIN, this.pdf.y, { width: this.#width, lineGap: 1.5 })
    this.gap(5)
  }

  list(lines: readonly string[]): void {
    for (const line of lines) {
      const height = this.pdf.heightOfString(line, { width: this.#width - 14, lineGap: 1.5 })
      this.room(height)
      const { y } = this.pdf
      this.pdf.circle(MARGIN + 4, y + 6.2, 1.4).fill(ACCENT)
      this.pdf.fillColor(INK).text(line, MARGIN + 14, y, { width: this.#width - 14, lineGap: 1.5 })
      this.gap(2)
    }
    this.gap(4)
  }

  pairs(rows: readonly (readonly [string, string])[]): void {
    const left = 120
    for (const [name, value] of rows) {
      const height = this.pdf.heightOfString(value, { width: this.#width - left, lineGap: 1 })
      this.room(height + 3)
      const { y } = this.pdf
      this.pdf.fillColor(SOFT).text(name, MARGIN, y, { width: left - 10 })
      this.pdf.fillColor(INK).text(value, MARGIN + left, y, { width: this.#width - left, lineGap: 1 })
      this.pdf.y = y + height + 4
    }
    this.gap(4)
  }

  table(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): void {
    const sum = columns.reduce((all, { share }) => all + share, 0)
    const widths = columns.map(({ share }) => (share / sum) * this.#width)
    this.pdf.fontSize(SMALL)
    this.#head(columns, widths)
    for (const [at, row] of rows.entries()) {
      const height = this.#rowHeight(row, widths)
      if (this.pdf.y + height > this.pdf.page.height - BOTTOM) {
        this.pdf.addPage()
        this.pdf.fontSize(SMALL)
        this.#head(columns, widths)
      }
      if (at % 2 === 1) this.pdf.rect(MARGIN, this.pdf.y, this.#width, height).fill(SHADE)
      this.#cells(row, columns, widths, height)
    }
    const { y } = this.pdf
    this.pdf
      .moveTo(MARGIN, y)
      .lineTo(MARGIN + this.#width, y)
      .lineWidth(0.5)
      .strokeColor(LINE)
      .stroke()
    this.gap(8)
    this.#plain()
  }

  #head(columns: readonly TableColumn[], widths: readonly number[]): void {
    this.pdf.font('bold')
    const names = columns.map(({ name }) => name)
    const height = this.#rowHeight(names, widths)
    this.room(height * 3)
    this.#cells(names, columns, widths, height)
    const { y } = this.pdf
    this.pdf
      .moveTo(MARGIN, y)
      .lineTo(MARGIN + this.#width, y)
      .lineWidth(0.8)
      .strokeColor(ACCENT)
      .stroke()
    this.pdf.font('regular')
  }

  #rowHeight(row: readonly string[], widths: readonly number[]): number {
    const heights = row.map((cell, at) => this.pdf.heightOfString(cell === '' ? ' ' : cell, { width: widths[at]! - 8 }))
    return Math.max(...heights) + 2 * ROW_PAD
  }

  #cells(row: readonly string[], columns: readonly TableColumn[], widths: readonly number[], height: number): void {
    const { y } = this.pdf
    let x = MARGIN
    for (const [at, cell] of row.entries()) {
      const { align = 'left' } = columns[at]!
      this.pdf.fillColor(INK).text(cell, x + 4, y + ROW_PAD, { width: widths[at]! - 8, align })
      x += widths[at]!
    }
    this.pdf.y = y + height
  }

  #plain(): void {
    this.pdf.font('regular').fontSize(BODY).fillColor(INK)
  }

  bytes(): Promise<Buffer> {
    const { start, count } = this.pdf.bufferedPageRange()
    for (let page = start; page < start + count; page++) {
      this.pdf.switchToPage(page)
      // Below the margin, where text would begin a new page.
      this.pdf.page.margins.bottom = 0
      const y = this.pdf.page.height - 40
      this.pdf.font('regular').fontSize(8).fillColor(SOFT)
      this.pdf.text(this.#meta.foot, MARGIN, y, { width: this.#width - 80, lineBreak: false })
      this.pdf.text(`${page - start + 1} of ${count}`, MARGIN, y, {
        width: this.#width,
        align: 'right',
        lineBreak: false,
      })
    }
    this.pdf.end()
    return this.#ended
  }
}
