/** Server reflection, `v1` and `v1alpha`, which say the same: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md */
import { decodeMessage, encodeMessage, type Fields } from '../platform/proto-codec.ts'
import { fileDescriptor } from '../platform/proto-descriptor.ts'
import { type ProtoEnum, type ProtoFile, type ProtoMessage, protoFile } from '../platform/proto-file.ts'
import type { RpcService } from '../route.ts'

const VERSIONS = ['v1', 'v1alpha']

const interfaceOf = (version: string): string => `syntax = "proto3";
package grpc.reflection.${version};

service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}

message ServerReflectionRequest {
  string host = 1;
  oneof message_request {
    string file_by_filename = 3;
    string file_containing_symbol = 4;
    ExtensionRequest file_containing_extension = 5;
    string all_extension_numbers_of_type = 6;
    string list_services = 7;
  }
}

message ExtensionRequest {
  string containing_type = 1;
  int32 extension_number = 2;
}

message ServerReflectionResponse {
  string valid_host = 1;
  ServerReflectionRequest original_request = 2;
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ExtensionNumberResponse all_extension_numbers_response = 5;
    ListServiceResponse list_services_response = 6;
    ErrorResponse error_response = 7;
  }
}

message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }

message ExtensionNumberResponse {
  string base_type_name = 1;
  repeated int32 extension_number = 2;
}

message ListServiceResponse { repeated ServiceResponse service = 1; }

message ServiceResponse { string name = 1; }

message ErrorResponse {
  int32 error_code = 1;
  string error_message = 2;
}
`

/** The files that are told of, by their names and by what stands in them. */
interface Library {
  readonly services: readonly string[]
  readonly byName: ReadonlyMap<string, ProtoFile>
  readonly bySymbol: ReadonlyMap<string, ProtoFile>
}

/** Tells of these services and of itself. */
export function reflectionServices(services: readonly RpcService[]): RpcService[] {
  const own = VERSIONS.map(version => ({
    name: `grpc.reflection.${version}.ServerReflection`,
    proto: { name: `grpc/reflection/${version}/reflection.proto`, text: interfaceOf(version) },
  }))
  const library = libraryOf([...services, ...own])
  return own.map(({ name, proto }) => {
    const file = library.byName.get(proto.name)!
    const request = file.message('ServerReflectionRequest')
    const response = file.message('ServerReflectionResponse')
    const handle = ({ message }: { readonly message: Buffer }): Buffer => {
      const asked = decodeMessage(request, message)
      const answer = { valid_host: asked['host'], original_request: asked, ...answerOf(library, asked) }
      return encodeMessage(response, answer)
    }
    return { name, proto, procedures: { ServerReflectionInfo: { kind: 'plain', permission: 'public', handle } } }
  })
}

function libraryOf(services: readonly Pick<RpcService, 'name' | 'proto'>[]): Library {
  const byName = new Map(services.map(({ proto }) => [proto.name, protoFile(proto.name, proto.text)]))
  const bySymbol = new Map<string, ProtoFile>()
  for (const file of byName.values()) {
    for (const symbol of symbolsOf(file)) bySymbol.set(symbol, file)
  }
  return { services: services.map(({ name }) => name), byName, bySymbol }
}

function* symbolsOf({ types, services }: ProtoFile): Generator<string> {
  for (const type of types) yield* typeSymbols(type)
  for (const { fullName, methods } of services) {
    yield fullName
    for (const { name } of methods) yield `${fullName}.${name}`
  }
}

function* typeSymbols(type: ProtoMessage | ProtoEnum): Generator<string> {
  yield type.fullName
  if (type.kind === 'enum') {
    // Its values stand beside it, not in it.
    const scope = type.fullName.slice(0, type.fullName.lastIndexOf('.'))
    for (const { name } of type.values) yield `${scope}.${name}`
    return
  }
  for (const { name } of type.fields) yield `${type.fullName}.${name}`
  for (const nested of type.nested) yield* typeSymbols(nested)
}

function answerOf({ services, byName, bySymbol }: Library, asked: Fields): Fields {
  const { file_by_filename: name, file_containing_symbol: symbol, all_extension_numbers_of_type: extended } = asked
  if (asked['list_services'] !== undefined) {
    return { list_services_response: { service: services.map(service => ({ name: service })) } }
  }
  if (typeof name === 'string') return fileAnswer(byName.get(name), `there is no file ${shown(name)}`)
  if (typeof symbol === 'string') return fileAnswer(bySymbol.get(symbol), `nothing is called ${shown(symbol)}`)
  // The third syntax has no extensions, so that every type has none.
  if (typeof extended === 'string' && bySymbol.has(extended)) {
    return { all_extension_numbers_response: { base_type_name: extended } }
  }
  if (asked['file_containing_extension'] !== undefined) return errorAnswer(NOT_FOUND, 'there are no extensions')
  return errorAnswer(extended === undefined ? INVALID : NOT_FOUND, 'nothing is asked that is known')
}

/** gRPC's status codes. */
const INVALID = 3
const NOT_FOUND = 5

function fileAnswer(file: ProtoFile | undefined, missing: string): Fields {
  if (file === undefined) return errorAnswer(NOT_FOUND, missing)
  return { file_descriptor_response: { file_descriptor_proto: [fileDescriptor(file)] } }
}

function errorAnswer(code: number, found: string): Fields {
  return { error_response: { error_code: code, error_message: `Cannot describe it: ${found}` } }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
