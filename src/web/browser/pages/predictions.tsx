import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ago, answerText, dateTime, milliseconds } from '../../../ui/format.ts'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import type { PredictionRecord } from '../api.ts'
import { AskProblem, ask } from '../ask.ts'
import { findSubject, wantedSubject } from '../found-subject.ts'
import { useLive } from '../live.ts'
import { now } from '../now.ts'
import { go, modelPath, place, predictionPath, withQuery } from '../router.ts'
import { Term } from '../terms.tsx'
import { mainOutputs } from './prediction.tsx'

const EVERY_MS = 3_000
const LIMIT = 50

/** The newest predictions, of a model or of a subject. */
export function PredictionsPage(): VNode {
  const { model, subject } = place.value.query
  const unknown = useSubject()
  const filters = [model === undefined ? '' : `&model=${encodeURIComponent(model)}`]
  if (subject !== undefined) filters.push(`&subject=${encodeURIComponent(subject)}`)
  const path = `/ledger/records?kind=prediction&limit=${LIMIT}${filters.join('')}`
  const { body, problem } = useLive<{ records: readonly PredictionRecord[] }>(path, EVERY_MS)
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>Predictions</h1>
          <p>
            The newest {LIMIT}, as they were served. Find one by its id, or a customer’s by the id you know them by.
          </p>
        </div>
        <div class="toolbar">
          {model === undefined ? null : <Only text={model} href={withQuery({ model: undefined })} />}
          {subject === undefined ? null : (
            <Only text={`subject ${subject.slice(0, 12)}…`} href={withQuery({ subject: undefined })} />
          )}
        </div>
      </div>
      {unknown === undefined ? null : (
        <div class="banner warning" role="status">
          {unknown}
        </div>
      )}
      <section class="panel flush" aria-label="Predictions">
        {body === undefined ? (
          problem === undefined ? (
            <Loading lines={6} />
          ) : (
            <Failed title="Cannot show the predictions" detail={problem.message} />
          )
        ) : body.records.length === 0 ? (
          <Empty title="There is none yet">Each answer of a model will stand here within a second.</Empty>
        ) : (
          <PredictionTable records={body.records} />
        )}
      </section>
    </>
  )
}

function Only({ text, href }: { text: string; href: string }): VNode {
  return (
    <a class="button" href={href}>
      Only {text} <span aria-hidden="true">×</span>
      <span class="hidden-label">show all</span>
    </a>
  )
}

/**
 * Looks for the subject that was asked for. Its id goes to the server in a header; what comes back is its pseudonym, which
 * may stand in an address. Returns what to say where nothing is found.
 */
function useSubject(): string | undefined {
  const [said, setSaid] = useState<string>()
  const wanted = wantedSubject.value
  useEffect(() => {
    if (wanted === undefined) return
    const find = async (): Promise<void> => {
      const headers = { 'bellwether-subject': wanted }
      const response = await ask('/ledger/records?kind=prediction&limit=1', { headers })
      const { records } = (await response.json()) as { records: readonly PredictionRecord[] }
      const subject = records[0]?.subject
      setSaid(subject === undefined ? `No prediction is known of the subject “${wanted}”` : undefined)
      findSubject(undefined)
      if (subject !== undefined) go(withQuery({ subject }))
    }
    find().catch((error: unknown) => {
      setSaid(
        error instanceof AskProblem ? error.message : 'This id cannot be sent: it has characters that no header takes',
      )
      findSubject(undefined)
    })
  }, [wanted])
  return said
}

function PredictionTable({ records }: { records: readonly PredictionRecord[] }): VNode {
  return (
    <div class="table-box">
      <table class="table dense">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Model</th>
            <th scope="col">Answer</th>
            <th scope="col">
              <Term name="pseudonym">Subject</Term>
            </th>
            <th scope="col" class="wide-only">
              Caller
            </th>
            <th scope="col" class="number">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {records.map(record => (
            <tr key={record.id} class="leads">
              <td class="nowrap">
                <a class="name" href={predictionPath(record.id)} data-tip={ago(record.at, now.value)}>
                  <span class="wide-only">{dateTime(record.at).slice(0, 11)}</span>
                  {dateTime(record.at).slice(11)}
                </a>
              </td>
              <td>
                <a href={modelPath(record.model)}>{record.model}</a> <span class="quiet small">{record.version}</span>
              </td>
              <td>
                {mainOutputs(record.outputs).shown.map(([name, value]) => (
                  <span key={name} class="output">
                    <span class="quiet">{name}</span> {answerText(value)}
                  </span>
                ))}
              </td>
              <td class="mono">
                {record.subject === undefined ? (
                  <span class="quiet">–</span>
                ) : (
                  <a href={withQuery({ subject: record.subject })}>{record.subject.slice(0, 10)}…</a>
                )}
              </td>
              <td class="wide-only">{record.actor}</td>
              <td class="number">{milliseconds(record.latencyMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
