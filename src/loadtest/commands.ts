import type { Command, Option } from '../platform/command.ts'
import { ARRIVALS } from './schedule.ts'
import { MISSED, MODELS_USUAL, NOT_WELL } from './statuses.ts'

const OPTIONS: readonly Option[] = [
  {
    name: 'rate',
    short: 'r',
    type: 'number',
    value: 'R',
    summary: 'Requests a second. Default: what model.yaml says the service is made for',
  },
  {
    name: 'find',
    type: 'boolean',
    summary: 'Look for the highest rate that keeps the targets: each rate is tried for so long; begins at --rate',
  },
  { name: 'duration', short: 'd', type: 'string', value: 'TIME', default: '30s', summary: 'How long: 500ms, 30s, 5m' },
  {
    name: 'rows',
    type: 'string',
    value: 'FILE',
    completes: 'file',
    summary: 'Rows to send: .csv, .jsonl (each also .gz), .parquet or .json. Default: made like the training data',
  },
  {
    name: 'connections',
    short: 'c',
    type: 'number',
    value: 'N',
    default: 64,
    summary: 'Connections that are kept open; what is due while all are taken waits, and the wait counts',
  },
  {
    name: 'threads',
    type: 'number',
    value: 'N',
    summary: 'Of the generator. Default: one for each 15,000 requests/s, as far as cores go round, less one',
  },
  { name: 'warm-up', type: 'string', value: 'TIME', summary: 'Load before measuring. Default: 5 s, or a fifth of it' },
  { name: 'timeout', type: 'string', value: 'TIME', default: '10s', summary: 'From when a request was due' },
  {
    name: 'arrivals',
    type: 'string',
    value: 'KIND',
    default: 'poisson',
    completes: ARRIVALS,
    summary: 'poisson: at random, as from independent callers; even: equally spaced',
  },
  { name: 'p99', type: 'number', value: 'MS', summary: '99 % within so many milliseconds, whatever model.yaml wants' },
  { name: 'error-rate', type: 'number', value: 'SHARE', summary: 'Share that may fail, whatever model.yaml wants' },
  { name: 'purpose', type: 'string', value: 'TEXT', summary: 'What the predictions are for' },
  { name: 'header', type: 'string', value: "'NAME: VALUE'", repeatable: true, summary: 'Sent with each request' },
  { name: 'html', type: 'string', value: 'FILE', completes: 'file', summary: 'Also write the report as one HTML file' },
]

const bench: Command = {
  path: 'bench',
  summary: 'Measure latency under load, and compare it with what model.yaml wants',
  description: `Sends requests by a schedule that does not wait for answers, and takes each latency from when the request was due: where the server falls behind, the waiting counts, as it would for callers. Targets are those of \`service\` in model.yaml; the exit status is ${MISSED} where one is missed.

Every prediction is made and recorded like any other, and is part of what is counted for drift: load-test a copy, or a server of its own. Only ever test servers that are yours to test.`,
  args: [
    {
      name: 'target',
      summary: 'A model (with @VERSION or @ALIAS, that version) of the server, or a URL that takes POST',
      completes: 'model',
    },
  ],
  options: OPTIONS,
  examples: [
    { line: 'bellwether bench churn', does: 'at the rate it is made for, with rows like its training data' },
    {
      line: 'bellwether bench churn@1.1.0 --rate 2000 --duration 5m --rows customers.csv --html report.html',
      does: 'a version, harder and longer, with real rows, and a report to keep',
    },
    { line: 'bellwether bench churn --find --duration 10s --p99 20', does: 'how much it can take within 20 ms' },
    {
      line: 'bellwether bench http://127.0.0.1:8080/v2/models/churn/infer --rate 500 --rows bodies.jsonl --p99 20',
      does: 'another protocol: each line is a body',
    },
  ],
  // What it takes is loaded when it is run: other commands start without it.
  run: async context => (await import('./bench.ts')).runBench(context),
}

const smoke: Command = {
  path: 'smoke',
  summary: 'Try whether a fresh deployment is well',
  description: `Asks whether the server is alive and ready, reads its API's description, asks each model for one prediction, looks up the record of it, and finds it in the metrics. What the key may not do is skipped. The exit status is ${NOT_WELL} where something is not well.

The predictions are real ones: a row like those of the training data for each model, recorded like any other.`,
  args: [{ name: 'url', optional: true, summary: 'The server; default: the one that other commands talk to' }],
  options: [
    {
      name: 'model',
      short: 'm',
      type: 'string',
      value: 'NAME',
      repeatable: true,
      completes: 'model',
      summary: `Only this one; may be given again. Default: the first ${MODELS_USUAL} by name`,
    },
    { name: 'all', type: 'boolean', summary: 'Every model, however many there are' },
    { name: 'wait', type: 'string', value: 'TIME', default: '0s', summary: 'How long a server may take to come up' },
    { name: 'purpose', type: 'string', value: 'TEXT', summary: 'What the predictions are for' },
  ],
  examples: [
    { line: 'bellwether smoke', does: 'the server on the data folder' },
    { line: 'bellwether smoke https://models.example.org --wait 60s --key $KEY', does: 'one that is being deployed' },
  ],
  run: async context => (await import('./smoke-command.ts')).runSmoke(context),
}

export const loadtestCommands: readonly Command[] = [bench, smoke]
