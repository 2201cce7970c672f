import { toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  type Server,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { decodeFields, encodeFields, rawMethod } from './grpc-server.ts';

/** Both versions of the protocol, newest first: clients ask for the other where one is not there. */
const SERVICES = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];
const METHOD = 'ServerReflectionInfo';
/** Fields of ServerReflectionRequest. */
const FILE_BY_FILENAME = 3;
const FILE_CONTAINING_SYMBOL = 4;
const FILE_CONTAINING_EXTENSION = 5;
const ALL_EXTENSION_NUMBERS_OF_TYPE = 6;
const LIST_SERVICES = 7;

interface Reflected {
  /** Full names of the services that the server has beside this one. */
  readonly services: readonly string[];
  /** Files of descriptors, each before those that it imports. */
  readonly files: readonly FileDescriptorProto[];
}

/** Tells clients such as grpcurl which services the server has, and their messages. Source: reflection.proto of grpc-proto. */
export function addReflection(server: Server, reflected: Reflected): void {
  const talk = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    call.on('data', (request: Buffer) => call.write(answerTo(request, reflected)));
    call.on('end', () => call.end());
  };
  for (const service of SERVICES) {
    const method = { ...rawMethod(`/${service}/${METHOD}`), requestStream: true, responseStream: true };
    const definition = { [METHOD]: method } as ServiceDefinition;
    server.addService(definition, { [METHOD]: talk } as UntypedServiceImplementation);
  }
}

function answerTo(request: Buffer, { services, files }: Reflected): Buffer {
  const asked = decodeFields(request).find(({ field }) => field >= FILE_BY_FILENAME);
  const text = Buffer.from(asked?.bytes ?? []).toString('utf8');
  const respond = (field: number, message: Buffer): Buffer =>
    encodeFields([
      [2, request],
      [field, message],
    ]);
  const told = (found: FileDescriptorProto | undefined, missing: string): Buffer =>
    found === undefined
      ? respond(7, refusal(status.NOT_FOUND, missing))
      : respond(4, encodeFields(withImports(found, files).map((file) => [1, bytesOf(file)] as const)));
  switch (asked?.field) {
    case FILE_BY_FILENAME:
      return told(
        files.find(({ name }) => name === text),
        `File not found: ${text}`,
      );
    case FILE_CONTAINING_SYMBOL:
      return told(
        files.find((file) => symbolsOf(file).includes(text)),
        `Symbol not found: ${text}`,
      );
    case LIST_SERVICES: {
      const names = [...SERVICES, ...services].sort();
      return respond(6, encodeFields(names.map((name) => [1, encodeFields([[1, name]])] as const)));
    }
    // No message here has extensions.
    case ALL_EXTENSION_NUMBERS_OF_TYPE:
      return files.some((file) => symbolsOf(file).includes(text))
        ? respond(5, encodeFields([[1, text]]))
        : respond(7, refusal(status.NOT_FOUND, `Type not found: ${text}`));
    case FILE_CONTAINING_EXTENSION:
      return respond(7, refusal(status.NOT_FOUND, 'Extension not found'));
    default:
      return respond(7, refusal(status.INVALID_ARGUMENT, 'The request asks for nothing'));
  }
}

const bytesOf = (file: FileDescriptorProto): Uint8Array => toBinary(FileDescriptorProtoSchema, file);

/** An ErrorResponse: its code is a number, all others of these messages have texts alone. */
const refusal = (code: number, message: string): Buffer =>
  Buffer.concat([Buffer.from([8, code]), encodeFields([[2, message]])]);

const withImports = (file: FileDescriptorProto, files: readonly FileDescriptorProto[]): FileDescriptorProto[] => [
  file,
  ...file.dependency.flatMap((name) => files.filter((each) => each.name === name)),
];

function symbolsOf(file: FileDescriptorProto): string[] {
  const inPackage = (name: string): string => `${file.package}.${name}`;
  return [
    ...file.messageType.map(({ name }) => inPackage(name)),
    ...file.service.flatMap(({ name, method }) => [
      inPackage(name),
      ...method.map((each) => inPackage(`${name}.${each.name}`)),
    ]),
  ];
}
