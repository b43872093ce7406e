/** How a call ends in gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, and `google.rpc.Status`. */
import type { OutgoingHttpHeaders } from 'node:http2'
import { PROBLEMS, type Problem } from '../errors.ts'
import { encodeMessage, type Fields } from '../platform/proto-codec.ts'
import { protoFile } from '../platform/proto-file.ts'

/** https://github.com/googleapis/googleapis: status.proto and error_details.proto, as far as we tell them. */
const RPC = protoFile(
  'google/rpc/status.proto',
  `syntax = "proto3"; package google.rpc;
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message BadRequest {
    message FieldViolation { string field = 1; string description = 2; }
    repeated FieldViolation field_violations = 1;
  }
  message RequestInfo { string request_id = 1; }
  message ErrorInfo { string reason = 1; string domain = 2; }`,
)

const DOMAIN = 'bellwether.dev'
/** Trailers are headers, and clients take 8 KiB of them altogether. */
const MESSAGE_CHARACTERS_MAX = 1_024
const FIELDS_MAX = 16
const FIELD_CHARACTERS_MAX = 120

/** Canonical gRPC codes that the table of problems does not have, because nothing but gRPC tells them. */
export const CANCELLED = 1
export const UNIMPLEMENTED = 12

export const DONE: OutgoingHttpHeaders = Object.freeze({ 'grpc-status': '0' })

/** The trailers of a call that was refused. */
export function refusedTrailers(problem: Problem, requestId: string): OutgoingHttpHeaders {
  const trailers: OutgoingHttpHeaders = {
    ...statusTrailers(PROBLEMS[problem.code].grpc, problem.message),
    'grpc-status-details-bin': details(problem, requestId).toString('base64').replace(/=+$/, ''),
  }
  const { retryAfterSeconds } = problem
  // https://github.com/grpc/proposal/blob/master/A6-client-retries.md#pushback
  if (retryAfterSeconds !== undefined) trailers['grpc-retry-pushback-ms'] = String(retryAfterSeconds * 1000)
  return trailers
}

export function statusTrailers(code: number, message: string): OutgoingHttpHeaders {
  return { 'grpc-status': String(code), 'grpc-message': percentEncoded(message.slice(0, MESSAGE_CHARACTERS_MAX)) }
}

/** Printable ASCII stands as it is, and the percent sign and all others by the bytes of their UTF-8. */
function percentEncoded(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\x20-\x24\x26-\x7e]+/g, part =>
      Array.from(Buffer.from(part), byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    )
}

function details({ code, message, fields, retryAfterSeconds }: Problem, requestId: string): Buffer {
  const violations = fields.slice(0, FIELDS_MAX).map(({ field, problem }) => ({
    field: field.slice(0, FIELD_CHARACTERS_MAX),
    description: problem.slice(0, FIELD_CHARACTERS_MAX),
  }))
  const retry_delay = { seconds: retryAfterSeconds ?? 0 }
  return encodeMessage(RPC.message('Status'), {
    code: PROBLEMS[code].grpc,
    message: message.slice(0, MESSAGE_CHARACTERS_MAX),
    details: [
      detail('ErrorInfo', { reason: code.toUpperCase(), domain: DOMAIN }),
      detail('RequestInfo', { request_id: requestId }),
      ...(violations.length === 0 ? [] : [detail('BadRequest', { field_violations: violations })]),
      ...(retryAfterSeconds === undefined ? [] : [detail('RetryInfo', { retry_delay })]),
    ],
  })
}

function detail(type: string, fields: Fields): Fields {
  return { type_url: `type.googleapis.com/google.rpc.${type}`, value: encodeMessage(RPC.message(type), fields) }
}
