/** Our own interface over gRPC: rows of named features in, predictions with the ids of their records out. */
import { PROBLEMS, Problem } from '../errors.ts'
import { DELIMITED, FIXED64, ProtoReader, ProtoWriter, VARINT } from '../platform/protobuf.ts'
import type { Answer, InvocationRpc, RpcAddress, RpcService } from '../route.ts'
import type { Journey } from './journey.ts'
import type { Lane, LoadedModel } from './lane.ts'
import { type Protocol, predict, type Serving } from './predict.ts'
import type { Rows } from './signature.ts'

const PROTO = {
  name: 'bellwether/v1/prediction.proto',
  text: `syntax = "proto3";
package bellwether.v1;

// Every request is recorded before it is answered, and every refusal as well.
service PredictionService {
  // Refused, the call ends with a status; its details are a google.rpc.BadRequest that names the fields.
  rpc Predict(PredictRequest) returns (PredictResponse);
  // Each request is answered by one response, in their order. A refusal is a response too: the stream goes on.
  rpc PredictStream(stream PredictRequest) returns (stream PredictStreamResponse);
}

message PredictRequest {
  // Empty: the default model of the server.
  string model = 1;
  // A semantic version or an alias. Empty: the release of the model chooses.
  string version = 2;
  // The caller's own, up to 256 characters; it comes back with the answer.
  string id = 3;
  // One of rows and table.
  repeated Row rows = 4;
  Table table = 5;
  // Of this request, before the metadata of the call: bellwether-subject, -unit, -purpose, -explain.
  string subject = 6;
  string unit = 7;
  string purpose = 8;
  bool explain = 9;
}

// Every feature of the model by its name.
message Row { map<string, Value> features = 1; }

// None of them is a missing value.
message Value {
  oneof kind {
    double number = 1;
    bool boolean = 2;
    string text = 3;
  }
}

// Rows of numbers, the shortest way: all features by their names, and the values row after row. NaN is a missing value.
message Table {
  repeated string features = 1;
  repeated double values = 2;
}

message PredictResponse {
  string id = 1;
  string model = 2;
  string version = 3;
  // Empty where the caller chose the version.
  string release = 4;
  string arm = 5;
  // In the order of the rows.
  repeated Prediction predictions = 6;
}

message Prediction {
  // Of its record: for outcomes, and for GET /predictions/{id}.
  string id = 1;
  map<string, double> outputs = 2;
  // JSON: what moved it, where that was asked for.
  string explanation = 3;
}

message PredictStreamResponse {
  // Of the request.
  string id = 1;
  oneof result {
    PredictResponse answer = 2;
    Refusal refusal = 3;
  }
}

message Refusal {
  message Field { string field = 1; string problem = 2; }
  // Stable, for programs: invalid, not_found, rate_limited and so on.
  string code = 1;
  // As a call that does not stream ends with it: google.rpc.Code.
  int32 status = 2;
  string message = 3;
  repeated Field fields = 4;
}
`,
}

const ID_CHARACTERS_MAX = 256

const one: Protocol = { door: 'grpc', read: readRows, write: (...told) => write(...told, false) }
const streamed: Protocol = { door: 'grpc', read: readRows, write: (...told) => write(...told, true) }

export function ownService(serving: Serving): RpcService {
  const invocation = { kind: 'invocation', permission: 'model:predict', address } as const
  const Predict: InvocationRpc = { ...invocation, invoke: request => predict(serving, one, request) }
  const PredictStream: InvocationRpc = { ...invocation, invoke: request => predict(serving, streamed, request), told }
  return { name: 'bellwether.v1.PredictionService', proto: PROTO, procedures: { Predict, PredictStream } }
}

/** Fields of the request that stand for headers. */
const HEADERS: Readonly<Record<number, string>> = {
  6: 'bellwether-subject',
  7: 'bellwether-unit',
  8: 'bellwether-purpose',
}
const EXPLAIN_TAG = 8 * 9 + VARINT

function address(message: Buffer): RpcAddress {
  const params: Record<string, string> = {}
  let headers: Record<string, string> | undefined
  const put = (name: string, text: string): void => {
    headers ??= {}
    headers[name] = text
  }
  try {
    const reader = new ProtoReader(message)
    while (!reader.isDone) {
      const tag = reader.tag()
      const number = (tag & 7) === DELIMITED ? tag >>> 3 : 0
      if (number === 1 || number === 2) setText(params, number === 1 ? 'name' : 'version', reader.text())
      else if (number >= 6 && number <= 8) {
        const text = reader.text()
        if (text !== '') put(HEADERS[number]!, text)
      } else if (tag === EXPLAIN_TAG) {
        if (reader.varint() !== 0) put('bellwether-explain', 'true')
      } else reader.skip(tag)
    }
  } catch {
    // Whoever reads the message says what is wrong with it, and it is recorded for the model that it named.
  }
  return headers === undefined ? { params } : { params, headers }
}

function setText(params: Record<string, string>, name: string, text: string): void {
  // The third syntax cannot tell an empty text from none.
  if (text === '') delete params[name]
  else params[name] = text
}

/** What the answer repeats: the id of the request. */
function readRows(body: Buffer, model: LoadedModel, rowsMax: number, journey: Journey): Rows {
  const { id, rows, table } = readRequest(body)
  if (id.length > ID_CHARACTERS_MAX) wrongRequest('id', `has more than ${ID_CHARACTERS_MAX} characters`)
  journey.asked = id
  if (table === undefined) {
    if (rows.length === 0) wrongRequest('rows', 'is empty, and there is no table: at least one row was wanted')
    return model.signature.read(rows, rowsMax)
  }
  if (rows.length > 0) wrongRequest('table', 'is given, and rows as well: one of them was wanted')
  return readTable(table, model, rowsMax)
}

interface PredictRequest {
  id: string
  rows: object[]
  table: ProtoReader | undefined
}

function readRequest(body: Buffer): PredictRequest {
  const request: PredictRequest = { id: '', rows: [], table: undefined }
  const reader = new ProtoReader(body)
  while (!reader.isDone) {
    const tag = reader.tag()
    if (tag === 8 * 3 + DELIMITED) request.id = reader.text()
    else if (tag === 8 * 4 + DELIMITED) request.rows.push(readRow(reader.within()))
    else if (tag === 8 * 5 + DELIMITED) request.table = reader.within()
    else reader.skip(tag)
  }
  return request
}

type Cell = number | boolean | string | null

/** An object without a prototype, so that no name of a feature means anything else. */
function readRow(reader: ProtoReader): object {
  const row = Object.create(null) as Record<string, Cell>
  while (!reader.isDone) {
    const tag = reader.tag()
    if (tag !== 8 * 1 + DELIMITED) {
      reader.skip(tag)
      continue
    }
    const entry = reader.within()
    let name = ''
    let cell: Cell = null
    while (!entry.isDone) {
      const part = entry.tag()
      if (part === 8 * 1 + DELIMITED) name = entry.text()
      else if (part === 8 * 2 + DELIMITED) cell = readCell(entry.within())
      else entry.skip(part)
    }
    row[name] = cell
  }
  return row
}

function readCell(reader: ProtoReader): Cell {
  let cell: Cell = null
  while (!reader.isDone) {
    const tag = reader.tag()
    if (tag === 8 * 1 + FIXED64) cell = reader.double()
    else if (tag === 8 * 2 + VARINT) cell = reader.varint() !== 0
    else if (tag === 8 * 3 + DELIMITED) cell = reader.text()
    else reader.skip(tag)
  }
  return cell
}

function readTable(reader: ProtoReader, { signature }: LoadedModel, rowsMax: number): Rows {
  const names: string[] = []
  const values: number[] = []
  while (!reader.isDone) {
    const tag = reader.tag()
    if (tag === 8 * 1 + DELIMITED) names.push(reader.text())
    else if (tag === 8 * 2 + DELIMITED) {
      const packed = reader.within()
      while (!packed.isDone) values.push(packed.double())
    } else if (tag === 8 * 2 + FIXED64) values.push(reader.double())
    else reader.skip(tag)
  }
  return fillRows(names, values, signature, rowsMax)
}

function fillRows(names: string[], cells: number[], signature: LoadedModel['signature'], rowsMax: number): Rows {
  const inputs = names.map(name => signature.inputs.findIndex(input => input.name === name))
  const columns = names.length
  const isWhole = columns === signature.inputs.length && new Set(inputs).size === columns && !inputs.includes(-1)
  const count = columns === 0 ? 0 : cells.length / columns
  if (!isWhole || count === 0 || !Number.isInteger(count)) return unlikeModel(names, cells.length, signature)
  if (count > rowsMax) {
    throw new Problem(
      'too_large',
      `Cannot read the features: the table has ${count} rows, at most ${rowsMax} are taken at once`,
    )
  }
  const rows = signature.rows(count, false)
  let isRight = true
  for (let at = 0; at < cells.length; at++) {
    const cell = Number.isNaN(cells[at]!) ? null : cells[at]!
    const offset = Math.floor(at / columns) * signature.width
    isRight = signature.encode(inputs[at % columns]!, cell, rows.values, offset) && isRight
  }
  return isRight ? rows : signature.read(asObjects(names, cells), rowsMax)
}

function unlikeModel(names: readonly string[], cells: number, { inputs }: LoadedModel['signature']): never {
  const wanted = inputs.map(({ name }) => name)
  const unknown = names.filter(name => !wanted.includes(name))
  const missing = wanted.filter(name => !names.includes(name))
  if (unknown.length > 0) return wrongRequest('table.features', `has ${unknown[0]}, which is no feature of this model`)
  if (missing.length > 0) return wrongRequest('table.features', `lacks ${missing.slice(0, 3).join(', ')}`)
  if (names.length > wanted.length) return wrongRequest('table.features', 'names a feature twice')
  return wrongRequest('table.values', `has ${cells} numbers, whole rows of ${names.length} were wanted`)
}

/** The slow reader says which cells are wrong, and why. */
function asObjects(names: readonly string[], cells: readonly number[]): object[] {
  const objects: object[] = []
  for (let at = 0; at < cells.length; at += names.length) {
    objects.push(
      Object.fromEntries(
        names.map((name, column) => [name, Number.isNaN(cells[at + column]!) ? null : cells[at + column]!]),
      ),
    )
  }
  return objects
}

const writer = new ProtoWriter()

function write(journey: Journey, { model, release, arm }: Lane, isStream: boolean): Answer {
  const id = journey.asked as string
  const { version, outputs } = model
  const names = version.signature.outputs.map(({ name }) => name)
  writer.clear()
  if (isStream) writeText(1, id)
  if (isStream) writer.tag(2, DELIMITED)
  const start = isStream ? writer.begin() : 0
  writeText(1, id)
  writeText(2, version.model)
  writeText(3, version.version)
  writeText(4, release ?? '')
  writeText(5, arm ?? '')
  for (let row = 0; row < journey.ids.length; row++) {
    writer.tag(6, DELIMITED)
    const prediction = writer.begin()
    writeText(1, journey.ids[row]!)
    for (let column = 0; column < names.length; column++) {
      writeOutput(names[column]!, journey.rows!.outputs[row * outputs.count + column]!)
    }
    if (journey.context!.explain) writeText(3, journey.explanationTexts[row] ?? '')
    writer.end(prediction)
  }
  if (isStream) writer.end(start)
  return { body: writer.take() }
}

/** An entry of the map of outputs. */
function writeOutput(name: string, value: number): void {
  writer.tag(2, DELIMITED)
  const entry = writer.begin()
  writeText(1, name)
  writer.tag(2, FIXED64)
  writer.double(value)
  writer.end(entry)
}

function writeText(number: number, text: string): void {
  if (text === '') return
  writer.tag(number, DELIMITED)
  writer.text(text)
}

/** How a refusal is told within a stream. */
function told({ code, message, fields }: Problem, question: Buffer): Buffer {
  let id = ''
  try {
    id = readRequest(question).id
  } catch {
    // It has none that could be told.
  }
  writer.clear()
  writeText(1, id)
  writer.tag(3, DELIMITED)
  const start = writer.begin()
  writeText(1, code)
  writer.tag(2, VARINT)
  writer.varint(PROBLEMS[code].grpc)
  writeText(3, message)
  for (const { field, problem } of fields) {
    writer.tag(4, DELIMITED)
    const entry = writer.begin()
    writeText(1, field)
    writeText(2, problem)
    writer.end(entry)
  }
  writer.end(start)
  return writer.take()
}

function wrongRequest(field: string, problem: string): never {
  throw new Problem('invalid', `Cannot read the request: ${field} ${problem}`, { fields: [{ field, problem }] })
}
