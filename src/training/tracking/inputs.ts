/** What runs took in and brought out: data sets and models. */
import { sql } from 'kysely'
import { factsOf, portions } from './facts.ts'
import { type Message, messages, optionalText, optionalWhole, text } from './fields.ts'
import type { Writing } from './group-commit.ts'
import type { Reading } from './tracking.ts'

interface DatasetRow {
  readonly run: string
  readonly name: string
  readonly digest: string
  readonly source_type: string
  readonly source: string
  readonly schema: string | null
  readonly profile: string | null
  readonly tags: string
  readonly context: string | null
}

const CONTEXT = 'mlflow.data.context'
const DOCUMENT_CHARACTERS_MAX = 1_048_576

export async function putInputs(tx: Writing, run: string, from: Message): Promise<void> {
  for (const input of messages(from, 'datasets')) {
    const [dataset = {}] = messages(input, 'dataset')
    const tags = factsOf(input, 'tags', 'tag')
    const row: DatasetRow = {
      run,
      name: text(dataset, 'name', 500),
      digest: text(dataset, 'digest', 36),
      source_type: text(dataset, 'source_type', 36),
      source: text(dataset, 'source', DOCUMENT_CHARACTERS_MAX),
      schema: optionalText(dataset, 'schema', DOCUMENT_CHARACTERS_MAX) ?? null,
      profile: optionalText(dataset, 'profile', DOCUMENT_CHARACTERS_MAX) ?? null,
      tags: JSON.stringify(tags),
      context: tags.find(({ key }) => key === CONTEXT)?.value ?? null,
    }
    await tx
      .insertInto('mlflow_datasets')
      .values(row)
      .onConflict(on => on.doNothing())
      .execute()
  }
  await putModels(tx, run, 'input', messages(from, 'models'))
}

export async function putModels(
  tx: Writing,
  run: string,
  direction: 'input' | 'output',
  models: readonly Message[],
): Promise<void> {
  for (const model of models) {
    const row = { run, direction, model: text(model, 'model_id', 64), step: optionalWhole(model, 'step') ?? 0 }
    await tx
      .insertInto('mlflow_run_models')
      .values(row)
      .onConflict(on => on.doNothing())
      .execute()
  }
}

type ByRun = ReadonlyMap<string, readonly Message[]>

export async function datasetsOf(db: Reading, runs: readonly string[]): Promise<ByRun> {
  const found = new Map<string, Message[]>()
  for (const some of portions(runs)) {
    const { rows } = await sql<DatasetRow>`select * from mlflow_datasets where run in (${sql.join(some)})
      order by run, name, digest`.execute(db)
    for (const row of rows) {
      const { name, digest, source_type, source } = row
      const dataset = {
        ...{ name, digest, source_type, source },
        ...(row.schema === null ? {} : { schema: row.schema }),
        ...(row.profile === null ? {} : { profile: row.profile }),
      }
      add(found, row.run, { ...(row.tags === '[]' ? {} : { tags: JSON.parse(row.tags) as unknown }), dataset })
    }
  }
  return found
}

export async function modelsOf(db: Reading, runs: readonly string[]): Promise<{ inputs: ByRun; outputs: ByRun }> {
  const inputs = new Map<string, Message[]>()
  const outputs = new Map<string, Message[]>()
  for (const some of portions(runs)) {
    const { rows } = await sql<{ run: string; direction: string; model: string; step: number }>`
      select * from mlflow_run_models where run in (${sql.join(some)}) order by run, model`.execute(db)
    for (const { run, direction, model, step } of rows) {
      if (direction === 'input') add(inputs, run, { model_id: model })
      else add(outputs, run, { model_id: model, step })
    }
  }
  return { inputs, outputs }
}

function add(to: Map<string, Message[]>, run: string, message: Message): void {
  const before = to.get(run)
  if (before === undefined) to.set(run, [message])
  else before.push(message)
}
