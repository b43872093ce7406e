/** Describes a `.proto` file in the way that reflection tells it: as `google.protobuf.FileDescriptorProto`. */
import { encodeMessage, type Fields } from './proto-codec.ts'
import {
  type ProtoEnum,
  type ProtoField,
  type ProtoFile,
  type ProtoMessage,
  protoFile,
  type Scalar,
} from './proto-file.ts'

/** The parts of google/protobuf/descriptor.proto that our files need. */
const DESCRIPTOR = protoFile(
  'google/protobuf/descriptor.proto',
  `syntax = "proto3"; package google.protobuf;
  message FileDescriptorProto {
    string name = 1; string package = 2; repeated DescriptorProto message_type = 4; repeated EnumDescriptorProto enum_type = 5;
    repeated ServiceDescriptorProto service = 6; string syntax = 12;
  }
  message DescriptorProto {
    string name = 1; repeated FieldDescriptorProto field = 2; repeated DescriptorProto nested_type = 3;
    repeated EnumDescriptorProto enum_type = 4; MessageOptions options = 7; repeated OneofDescriptorProto oneof_decl = 8;
  }
  message MessageOptions { bool map_entry = 7; }
  message OneofDescriptorProto { string name = 1; }
  message FieldDescriptorProto {
    string name = 1; int32 number = 3; int32 label = 4; int32 type = 5; string type_name = 6;
    oneof presence { int32 oneof_index = 9; }
  }
  message EnumDescriptorProto { string name = 1; repeated EnumValueDescriptorProto value = 2; }
  message EnumValueDescriptorProto { string name = 1; oneof always { int32 number = 2; } }
  message ServiceDescriptorProto { string name = 1; repeated MethodDescriptorProto method = 2; }
  message MethodDescriptorProto {
    string name = 1; string input_type = 2; string output_type = 3; bool client_streaming = 5; bool server_streaming = 6;
  }`,
)

/** `FieldDescriptorProto.Type`. */
const TYPES: Readonly<Record<Scalar, number>> = {
  ...{ double: 1, float: 2, int64: 3, uint64: 4, int32: 5 },
  ...{ bool: 8, string: 9, bytes: 12, uint32: 13 },
}
const TYPE_MESSAGE = 11
const TYPE_ENUM = 14
const OPTIONAL = 1
const REPEATED = 3

export function fileDescriptor({ name, package: within, types, services }: ProtoFile): Buffer {
  return encodeMessage(DESCRIPTOR.message('FileDescriptorProto'), {
    name,
    package: within,
    message_type: types.filter(type => type.kind === 'message').map(describeMessage),
    enum_type: types.filter(type => type.kind === 'enum').map(describeEnum),
    service: services.map(service => ({
      name: service.name,
      method: service.methods.map(method => ({
        name: method.name,
        input_type: `.${method.input.fullName}`,
        output_type: `.${method.output.fullName}`,
        client_streaming: method.inputStream,
        server_streaming: method.outputStream,
      })),
    })),
    syntax: 'proto3',
  })
}

function describeMessage({ name, fields, oneofs, nested, isEntry }: ProtoMessage): Fields {
  return {
    name,
    field: fields.map(field => describeField(field, oneofs)),
    nested_type: nested.filter(type => type.kind === 'message').map(describeMessage),
    enum_type: nested.filter(type => type.kind === 'enum').map(describeEnum),
    oneof_decl: oneofs.map(oneof => ({ name: oneof })),
    ...(isEntry ? { options: { map_entry: true } } : {}),
  }
}

function describeField({ name, number, type, repeated, oneof }: ProtoField, oneofs: readonly string[]): Fields {
  return {
    name,
    number,
    label: repeated ? REPEATED : OPTIONAL,
    type: typeof type === 'string' ? TYPES[type] : type.kind === 'enum' ? TYPE_ENUM : TYPE_MESSAGE,
    ...(typeof type === 'string' ? {} : { type_name: `.${type.fullName}` }),
    ...(oneof === undefined ? {} : { oneof_index: oneofs.indexOf(oneof) }),
  }
}

function describeEnum({ name, values }: ProtoEnum): Fields {
  return { name, value: values }
}
