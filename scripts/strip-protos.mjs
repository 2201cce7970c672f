// Takes out of compiled descriptions what nothing reads at run time: options (rules of validation, marks of deprecation and version, most of
// all bytes), the imports that only they need, and the files that then nobody imports.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FieldOptionsSchema, FileDescriptorSetSchema, MessageOptionsSchema } from '@bufbuild/protobuf/wkt';

/** Files that only describe options. */
const ANNOTATIONS =
  /^(validate\/|(udpa|xds|envoy)\/annotations\/|google\/api\/(annotations|http)\.proto|google\/protobuf\/descriptor\.proto)/;

/** A FileDescriptorSet, in and out. */
export function stripDescriptors(bytes) {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const byName = new Map(set.file.map((file) => [file.name, file]));
  for (const file of set.file) stripFile(file, byName);
  const kept = new Set();
  const keep = (name) => {
    if (kept.has(name)) return;
    kept.add(name);
    for (const dependency of byName.get(name).dependency) keep(dependency);
  };
  for (const { name } of set.file) if (!ANNOTATIONS.test(name)) keep(name);
  return toBinary(FileDescriptorSetSchema, { ...set, file: set.file.filter(({ name }) => kept.has(name)) });
}

function stripFile(file, byName) {
  file.options = undefined;
  file.sourceCodeInfo = undefined;
  file.extension = ANNOTATIONS.test(file.name) ? file.extension : [];
  const used = new Set();
  const visit = (message) => {
    stripMessage(message);
    for (const field of [...message.field, ...message.extension]) used.add(field.typeName).add(field.extendee);
    message.nestedType.forEach(visit);
  };
  file.messageType.forEach(visit);
  file.enumType.forEach(stripEnum);
  for (const extension of file.extension) used.add(extension.typeName).add(extension.extendee);
  for (const service of file.service) {
    service.options = undefined;
    for (const method of service.method) {
      method.options = undefined;
      used.add(method.inputType).add(method.outputType);
    }
  }
  const isPublic = new Set(file.publicDependency.map((index) => file.dependency[index]));
  file.dependency = file.dependency.filter((name) => isPublic.has(name) || offers(name, used, byName));
  file.publicDependency = [...isPublic].map((name) => file.dependency.indexOf(name));
  file.weakDependency = [];
}

function stripMessage(message) {
  const mapEntry = message.options?.mapEntry;
  message.options = mapEntry ? create(MessageOptionsSchema, { mapEntry }) : undefined;
  message.enumType.forEach(stripEnum);
  for (const oneof of message.oneofDecl) oneof.options = undefined;
  for (const field of message.field) {
    // `packed` decides how a list is encoded.
    const packed = field.options?.packed;
    const said = field.options && Object.hasOwn(field.options, 'packed');
    field.options = said ? create(FieldOptionsSchema, { packed }) : undefined;
  }
}

function stripEnum(type) {
  // Two names for one number are an error without this.
  const allowAlias = type.options?.allowAlias;
  type.options = allowAlias ? { ...type.options, $unknown: undefined } : undefined;
  for (const value of type.value) value.options = undefined;
}

/** Whether a file, or one that it imports publicly, has a type that is used. */
function offers(name, used, byName) {
  const file = byName.get(name);
  const has = (scope, types) =>
    types.some((type) => {
      const full = `${scope}.${type.name}`;
      return (
        used.has(full) ||
        has(full, type.nestedType ?? []) ||
        (type.enumType ?? []).some((each) => used.has(`${full}.${each.name}`))
      );
    });
  return (
    has(`.${file.package}`, [...file.messageType, ...file.enumType]) ||
    file.publicDependency.some((index) => offers(file.dependency[index], used, byName))
  );
}
