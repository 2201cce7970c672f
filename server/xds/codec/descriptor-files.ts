import {
  createFileRegistry,
  createRegistry,
  type DescFile,
  type DescMessage,
  fromBinary,
  type Registry,
} from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { MeshworkError } from '#domain';

/** One file of a compiled set: what it is called and has at its top level is known, the rest is still bytes. */
interface FileBytes {
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly publicDependencies: readonly number[];
  readonly bytes: Uint8Array;
}

/** Field numbers of descriptor.proto's FileDescriptorSet, FileDescriptorProto and DescriptorProto. */
const SET_FILE = 1;
const NAME = 1;
const FILE_PACKAGE = 2;
const FILE_DEPENDENCY = 3;
const FILE_MESSAGE = 4;
const FILE_PUBLIC_DEPENDENCY = 10;

/**
 * The messages of a FileDescriptorSet, each file read when a message of it, or of a file that imports it, is first asked for. Reading all of
 * Envoy's API at once takes 80 ms, and a mesh uses a third of it. Extensions of messages are not served: proto3's have none.
 */
export function lazyRegistry(set: Uint8Array): Registry {
  const { files, fileOfMessage } = listFiles(set);
  const loaded = new Map<string, { readonly file: DescFile; readonly registry: Registry }>();

  /** The file as its importers see it: its own types, and those that it imports publicly. */
  const visible = (name: string): DescFile => {
    const { publicDependencies, dependencies } = defined(files.get(name), name);
    const { file } = load(name);
    return { ...file, dependencies: publicDependencies.map((index) => visible(dependencies[index] ?? '')) };
  };
  const load = (name: string): { readonly file: DescFile; readonly registry: Registry } => {
    const known = loaded.get(name);
    if (known) return known;
    const { bytes } = defined(files.get(name), name);
    const registry = createFileRegistry(fromBinary(FileDescriptorProtoSchema, bytes), visible);
    const made = { file: defined(registry.getFile(name), name), registry };
    loaded.set(name, made);
    return made;
  };
  const getMessage = (typeName: string): DescMessage | undefined => {
    const file = fileOf(typeName, fileOfMessage);
    return file === undefined ? undefined : load(file).registry.getMessage(typeName);
  };
  return { ...createRegistry(), getMessage };
}

/** The file of the outermost message that the name is inside. */
function fileOf(typeName: string, fileOfMessage: ReadonlyMap<string, string>): string | undefined {
  for (let end = typeName.length; end > 0; end = typeName.lastIndexOf('.', end - 1)) {
    const file = fileOfMessage.get(typeName.slice(0, end));
    if (file !== undefined) return file;
  }
  return undefined;
}

function listFiles(set: Uint8Array): { files: Map<string, FileBytes>; fileOfMessage: Map<string, string> } {
  const files = new Map<string, FileBytes>();
  const fileOfMessage = new Map<string, string>();
  eachField(set, (number, reader) => {
    if (number !== SET_FILE) return false;
    const { messages, ...file } = readHead(reader.bytes());
    files.set(file.name, file);
    for (const message of messages) fileOfMessage.set(message, file.name);
    return true;
  });
  return { files, fileOfMessage };
}

function readHead(bytes: Uint8Array): FileBytes & { readonly messages: readonly string[] } {
  let name = '';
  let scope = '';
  const dependencies: string[] = [];
  const publicDependencies: number[] = [];
  const messages: string[] = [];
  eachField(bytes, (number, reader) => {
    if (number === NAME) name = reader.string();
    else if (number === FILE_PACKAGE) scope = reader.string();
    else if (number === FILE_DEPENDENCY) dependencies.push(reader.string());
    else if (number === FILE_PUBLIC_DEPENDENCY) publicDependencies.push(reader.int32());
    else if (number === FILE_MESSAGE) messages.push(readName(reader.bytes()));
    else return false;
    return true;
  });
  return { name, dependencies, publicDependencies, bytes, messages: messages.map((each) => `${scope}.${each}`) };
}

function readName(message: Uint8Array): string {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    // The first field, as compilers write it.
    if (number === NAME) return reader.string();
    reader.skip(wireType);
  }
  return '';
}

/** Tells each field of a message; one that `read` does not take is skipped. */
function eachField(bytes: Uint8Array, read: (number: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (!read(number, reader)) reader.skip(wireType);
  }
}

function defined<Value>(value: Value | undefined, file: string): Value {
  if (value === undefined) throw new MeshworkError('xds.unknown-file', `${file} is not in the compiled set`);
  return value;
}
