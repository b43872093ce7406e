import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { Answer, AnyRoute } from '../../route.ts'
import type { Card } from './card.ts'
import { type CardParts, openCards } from './cards.ts'

const FORMATS = ['json', 'yaml', 'md', 'pdf'] as const
export type CardFormat = (typeof FORMATS)[number]

export function cardRoutes(parts: CardParts): AnyRoute[] {
  const cards = openCards(parts)
  return [
    {
      method: 'GET',
      path: '/models/:name/versions/:version/card',
      permission: 'model:read',
      summary: 'The model card: JSON, YAML, Markdown, or a PDF',
      description:
        'Made of what was registered and measured, what was signed, and what production knows now (docs/model-card.md).',
      tag: 'Models',
      params: Type.Object({
        name: Type.String({ description: 'Name of the model' }),
        version: Type.String({ description: 'Semantic version or alias' }),
      }),
      query: Type.Object({ format: Type.Optional(Type.Enum([...FORMATS], { default: 'json' })) }),
      answers: {
        200: Type.Object({ model_name: Type.String(), version: Type.String() }, { additionalProperties: true }),
      },
      problems: [404],
      async handle({ params, query }) {
        const card = await cards.card(params['name']!, params['version']!)
        return written(card, (query['format'] as CardFormat | undefined) ?? 'json')
      },
    },
  ]
}

/** Writers are loaded when they are first wanted. */
async function written(card: Card, format: CardFormat): Promise<Answer> {
  const named = (extension: string) => ({
    'content-disposition': `inline; filename="${card.model_name}-${card.version}.${extension}"`,
  })
  switch (format) {
    case 'json':
      return { body: card }
    case 'yaml': {
      const { yamlCard } = await import('./markdown.ts')
      return { text: yamlCard(card), type: 'application/yaml; charset=utf-8', headers: named('yaml') }
    }
    case 'md': {
      const { markdownCard } = await import('./markdown.ts')
      return { text: markdownCard(card), type: 'text/markdown; charset=utf-8', headers: named('md') }
    }
    case 'pdf': {
      const { pdfCard } = await import('./pdf.ts')
      const pdf = Readable.from([await pdfCard(card)])
      return { stream: pdf, type: 'application/pdf', headers: named('pdf') }
    }
  }
}
