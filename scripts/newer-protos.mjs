// Adds to compiled descriptions what Envoy's API has got since the packaged .proto files: structures/envoy-newer.json says of each file
// which messages, fields and enum values it lacks there, by their names and numbers.
import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  EnumValueDescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
} from '@bufbuild/protobuf/wkt';

const NEWER = new URL('structures/envoy-newer.json', import.meta.url);

/** A FileDescriptorSet, in and out. What is there already stays as it is. */
export function withNewerStructures(bytes) {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const newer = JSON.parse(readFileSync(NEWER, 'utf8'));
  const files = new Map(set.file.map((file) => [file.name, file]));
  for (const [name, structures] of Object.entries(newer))
    addStructures(fileNamed(name, structures.package, files), structures);
  const homes = homesOf(files.values());
  for (const [name, { messages }] of Object.entries(newer)) addImports(files.get(name), messages, homes);
  return toBinary(FileDescriptorSetSchema, { ...set, file: inOrder(files) });
}

/** What a file imports stands before it. */
function inOrder(files) {
  const ordered = new Set();
  const visit = (name) => {
    const file = files.get(name);
    if (ordered.has(file)) return;
    for (const dependency of file.dependency) visit(dependency);
    ordered.add(file);
  };
  for (const name of files.keys()) visit(name);
  return [...ordered];
}

function fileNamed(name, scope, files) {
  const file = files.get(name) ?? create(FileDescriptorProtoSchema, { name, package: scope, syntax: 'proto3' });
  files.set(name, file);
  return file;
}

function addStructures(file, { messages, enums }) {
  // Outer messages stand before those inside them.
  for (const [name, { fields, map }] of Object.entries(messages)) {
    const message = within(file, name, 'message');
    if (map) message.options = create(MessageOptionsSchema, { mapEntry: true });
    const present = new Set(message.field.map((field) => field.name));
    for (const field of fields) if (!present.has(field[0])) message.field.push(fieldOf(field));
  }
  for (const [name, values] of Object.entries(enums)) {
    const type = within(file, name, 'enum');
    const present = new Set(type.value.map((value) => value.name));
    for (const [value, number] of Object.entries(values)) {
      if (!present.has(value)) type.value.push(create(EnumValueDescriptorProtoSchema, { name: value, number }));
    }
  }
}

/** The message or enum of this full name, made where it is absent. */
function within(file, fullName, what) {
  const path = fullName.slice(file.package.length + 1).split('.');
  const own = path.pop();
  let messages = file.messageType;
  let enums = file.enumType;
  for (const part of path) {
    const outer = messages.find(({ name }) => name === part);
    messages = outer.nestedType;
    enums = outer.enumType;
  }
  const list = what === 'message' ? messages : enums;
  const found = list.find(({ name }) => name === own);
  if (found) return found;
  const made = create(what === 'message' ? DescriptorProtoSchema : EnumDescriptorProtoSchema, { name: own });
  list.push(made);
  return made;
}

const fieldOf = ([name, number, label, type, typeName]) =>
  create(FieldDescriptorProtoSchema, {
    name,
    number,
    label,
    type,
    jsonName: name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()),
    ...(typeName && { typeName: `.${typeName}` }),
  });

/** Which file each message and enum is in. */
function homesOf(files) {
  const homes = new Map();
  for (const file of files) {
    const visit = (scope, messages, enums) => {
      for (const { name, nestedType, enumType } of messages) {
        homes.set(`${scope}.${name}`, file.name);
        visit(`${scope}.${name}`, nestedType, enumType);
      }
      for (const { name } of enums) homes.set(`${scope}.${name}`, file.name);
    };
    visit(file.package, file.messageType, file.enumType);
  }
  return homes;
}

function addImports(file, messages, homes) {
  const types = Object.values(messages).flatMap(({ fields }) => fields.flatMap((field) => field[4] ?? []));
  for (const type of types) {
    const home = homes.get(type);
    if (home === undefined) throw new Error(`${file.name} needs ${type}, which no file has`);
    if (home !== file.name && !file.dependency.includes(home)) file.dependency.push(home);
  }
}
