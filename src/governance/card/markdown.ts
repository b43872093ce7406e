/**
 * A card as Markdown, with the YAML that Hugging Face reads at its head (https://huggingface.co/docs/hub/model-cards), in the order of Mitchell
 * et al. 2019, table 1.
 */
import { stringify } from 'yaml'
import type { Card } from './card.ts'
import { formatOf, metricLabel, numberText, percentText } from './words.ts'

export function markdownCard(card: Card): string {
  return `---\n${frontMatter(card)}---\n\n${bodyOf(card)}`
}

/** Everything, for programs. */
export function yamlCard(card: Card): string {
  return stringify(card, { lineWidth: 0 })
}

function frontMatter(card: Card): string {
  const metrics = Object.entries(card.metrics).map(([type, value]) => ({ type, name: metricLabel(type), value }))
  const dataset = { name: `${card.model_name} evaluation data`, type: 'tabular' }
  return stringify(
    {
      library_name: formatOf(card.format).library,
      pipeline_tag: taskOf(card),
      tags: ['tabular', card.task, 'bellwether'],
      model_name: card.model_name,
      version: card.version,
      ...(card.owner === null ? {} : { owner: card.owner }),
      fairness: {
        demographic_parity: card.fairness.demographic_parity,
        equal_opportunity: card.fairness.equal_opportunity,
      },
      limitations: card.limitations,
      ...(metrics.length === 0
        ? {}
        : {
            'model-index': [
              {
                name: card.model_name,
                results: [{ task: { type: taskOf(card) }, dataset, metrics }],
              },
            ],
          }),
    },
    { lineWidth: 0 },
  )
}

function taskOf({ task }: Card): string {
  return task === 'regression' ? 'tabular-regression' : 'tabular-classification'
}

function bodyOf(card: Card): string {
  const title = `# ${text(card.model_name)} ${text(card.version)}`
  const lead = card.description === null ? [] : [text(card.description)]
  const sections = [
    ['Model details', details(card)],
    ['Intended use', uses(card)],
    ['Factors', factors(card)],
    ['Metrics', metricsOf(card)],
    ['Evaluation data', dataOf(card.evaluation_data, 'evaluation')],
    ['Training data', dataOf(card.training_data, 'training')],
    ['Quantitative analyses', analyses(card)],
    ['Production', production(card)],
    ['Ethical considerations', ethics(card)],
    ['Caveats and recommendations', caveats(card)],
    ['Evidence', evidence(card)],
  ].map(([name, content]) => `## ${name}\n\n${content}`)
  return `${[title, ...lead, ...sections].join('\n\n')}\n`
}

function details(card: Card): string {
  const facts = Object.entries(card.facts).map(([name, value]) => `${name} ${value}`)
  return list([
    `Owner: ${text(card.owner ?? 'not stated')}`,
    `Kind: ${card.task}, ${text(card.objective)}, ${formatOf(card.format).name}${facts.length === 0 ? '' : ` (${text(facts.join(', '))})`}`,
    `Registered: ${card.registered_at.slice(0, 10)} by ${text(card.registered_by)}`,
    `Aliases: ${card.aliases.length === 0 ? 'none' : text(card.aliases.join(', '))}`,
    `Artifact: SHA-256 \`${card.artifact.sha256}\`, ${card.artifact.bytes} bytes`,
  ])
}

function uses({ uses: { permitted, prohibited, purpose_required } }: Card): string {
  return list([
    `Permitted: ${permitted.length === 0 ? 'whatever is not prohibited' : text(permitted.join(', '))}`,
    `Prohibited: ${prohibited.length === 0 ? 'nothing is stated' : text(prohibited.join(', '))}`,
    `A caller ${purpose_required ? 'must' : 'need not'} state a purpose`,
  ])
}

function factors({ inputs }: Card): string {
  const rows = inputs.map(({ name, type, unit, description, protected: isProtected, sensitive }) => [
    text(name),
    type,
    text(unit ?? ''),
    [isProtected ? 'protected' : '', sensitive ? 'sensitive' : ''].filter(Boolean).join(', '),
    text(description ?? ''),
  ])
  return table(['Feature', 'Type', 'Unit', 'Marked', 'What it is'], rows)
}

function metricsOf({ metrics, measured_metrics, measured }: Card): string {
  const names = Object.keys({ ...metrics, ...measured?.metrics })
  if (names.length === 0) return 'None were stated, and there is no evaluation data to measure them on.'
  const rows = names.map(name => {
    const interval = measured?.metrics[name]
    return [
      metricLabel(name),
      numberText(interval?.value ?? metrics[name]),
      interval === undefined ? '' : `${numberText(interval.low)} to ${numberText(interval.high)}`,
      measured_metrics.includes(name) ? 'measured' : 'stated',
    ]
  })
  const origin = 'Measured on the evaluation data, or as the trainer stated them.'
  return `${origin}\n\n${table(['Metric', 'Value', '95 % interval', 'Origin'], rows)}`
}

function dataOf(data: Card['evaluation_data'], what: string): string {
  if (data === null) return `No ${what} data was registered.`
  return list([`Rows: ${data.rows}`, `Columns: ${text(data.columns.join(', '))}`, `SHA-256: \`${data.sha256}\``])
}

function analyses({ measured, unmeasured }: Card): string {
  if (measured === null) return `${unmeasured ?? 'Nothing was measured'}.`
  const parts: string[] = []
  if (measured.importance !== undefined) {
    const rows = measured.importance.slice(0, 15).map(({ feature, value }) => [text(feature), numberText(value)])
    parts.push(
      `### What moves the answers\n\nMean size of the contributions to the margin (${measured.importanceMethod}).\n\n${table(['Feature', 'Mean size'], rows)}`,
    )
  }
  for (const { column, groups, demographicParity, equalOpportunity } of measured.fairness) {
    const rows = groups.map(group => [
      text(group.name),
      String(group.rows),
      percentText(group.selectionRate),
      percentText(group.truePositiveRate),
      percentText(group.falsePositiveRate),
      percentText(group.accuracy),
    ])
    const apart = `Demographic parity: ${numberText(demographicParity?.difference)} apart. Equal opportunity: ${numberText(equalOpportunity?.difference)} apart.`
    parts.push(
      `### By ${text(column)}\n\n${table(['Group', 'Rows', 'Called positive', 'Found of positives', 'False alarms', 'Accuracy'], rows)}\n\n${apart}`,
    )
  }
  return parts.length === 0 ? 'Nothing beyond the metrics above.' : parts.join('\n\n')
}

function production({ as_of, production: { service, drift, quality } }: Card): string {
  const lines: string[] = [`As of ${as_of.replace('T', ' ').slice(0, 16)} UTC`]
  if (service !== undefined) lines.push(`Predictions lately: ${service.predictions}`)
  if (service?.p99Ms !== undefined) lines.push(`Latency, 99 %: ${numberText(service.p99Ms)} ms`)
  if (drift !== undefined)
    lines.push(`Drift: ${drift.state}${drift.sentence === undefined ? '' : `. ${text(drift.sentence)}`}`)
  if (quality?.metric !== undefined && quality.value !== undefined) {
    lines.push(
      `Live ${metricLabel(quality.metric)}: ${numberText(quality.value)} (${numberText(quality.low)} to ${numberText(quality.high)})`,
    )
  }
  if (lines.length === 1) lines.push('It has not answered yet')
  return list(lines)
}

function ethics({ inputs, fairness, uses: { prohibited } }: Card): string {
  const protectedOnes = inputs.filter(({ protected: is }) => is).map(({ name }) => name)
  return list([
    `Protected features: ${protectedOnes.length === 0 ? 'none is marked' : text(protectedOnes.join(', '))}`,
    `Largest difference of the rate of positive calls between groups (demographic parity): ${numberText(fairness.demographic_parity)}`,
    `Largest difference of the rate of positives found (equal opportunity): ${numberText(fairness.equal_opportunity)}`,
    ...(prohibited.length === 0 ? [] : [`Not to be used for: ${text(prohibited.join(', '))}`]),
  ])
}

function caveats({ limitations, validation }: Card): string {
  const told = limitations.map(text)
  if (validation !== null) {
    const failed = validation.failed.length === 0 ? '' : `: ${text(validation.failed.join(', '))}`
    told.push(`Validation of ${validation.at.slice(0, 10)}: ${validation.result.toLowerCase()}${failed}`)
  }
  return told.length === 0 ? 'No limitations are stated.' : list(told)
}

function evidence({ evidence: all }: Card): string {
  if (all.length === 0) return 'Nothing was signed.'
  const rows = all.map(({ about, key, on, believed }) => [
    text(about),
    `\`${key}\``,
    on.slice(0, 10),
    believed ? 'yes' : 'NO',
  ])
  return table(['About', 'Key', 'On', 'Believed'], rows)
}

function list(lines: readonly string[]): string {
  return lines.map(line => `- ${line}`).join('\n')
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** What people wrote, so that it stands in Markdown as they wrote it. */
function text(written: string): string {
  return written.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>#|]/g, mark => `\\${mark}`)
}
