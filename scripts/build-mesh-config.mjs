// Makes server/istio/schemas/mesh-config.json, what the fields of Istio's MeshConfig hold: `node scripts/build-mesh-config.mjs FOLDER`,
// where FOLDER holds the sources of istio.io/api. Needed again when Istio's version changes.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = 'istio.mesh.v1alpha1.MeshConfig';
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder of istio.io/api.');
const output = join(resolve(dirname(fileURLToPath(import.meta.url)), '..'), 'server/istio/schemas/mesh-config.json');

/** What JSON has in the place of messages of protobuf's own. */
const KNOWN = {
  'google.protobuf.Duration': 'duration',
  'google.protobuf.Struct': 'any',
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.DoubleValue': 'double',
  'google.protobuf.Int32Value': 'int32',
  'google.protobuf.Int64Value': 'int64',
  'google.protobuf.UInt32Value': 'uint32',
};
const SCALARS = new Set(['string', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'double', 'float']);

const messages = new Map();
const enums = new Map();
const read = new Set();

function readFile(path) {
  if (read.has(path) || path.startsWith('google/')) return;
  read.add(path);
  const text = readFileSync(join(folder, path), 'utf8').replace(/\/\/.*$/gm, '');
  const words = text.match(/"(?:\\.|[^"\\])*"|[\w.]+|[^\s\w]/g) ?? [];
  let at = 0;
  const next = () => words[at++];
  const skipTo = (end) => {
    for (let depth = 0; at < words.length; ) {
      const word = next();
      if (word === '{' || word === '[') depth++;
      else if (word === '}' || word === ']') depth--;
      if (depth === 0 && (word === end || (end === ';' && word === '}'))) return;
    }
  };
  const readEnum = (scope) => {
    const name = `${scope}.${next()}`;
    const values = {};
    next();
    for (let word = next(); word !== '}'; word = next()) {
      if (word !== 'option' && word !== 'reserved') {
        next();
        values[word] = Number(next());
      }
      skipTo(';');
    }
    enums.set(name, values);
  };
  const readBody = (scope, fields) => {
    for (let word = next(); word !== '}'; word = next()) {
      if (word === ';') continue;
      if (word === 'message') readMessage(scope);
      else if (word === 'enum') readEnum(scope);
      else if (word === 'oneof') {
        at += 2;
        readBody(scope, fields);
      } else if (word === 'option' || word === 'reserved' || word === 'extensions') skipTo(';');
      else fields.push(readField(word));
    }
  };
  const readField = (first) => {
    let form = '';
    let type = first;
    if (first === 'repeated' || first === 'optional') {
      if (first === 'repeated') form = '[';
      type = next();
    } else if (first === 'map') {
      at += 3;
      form = '{';
      type = next();
      next();
    }
    const name = next();
    at += 2;
    skipTo(';');
    return { name: name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()), form, type };
  };
  const readMessage = (scope) => {
    const name = `${scope}.${next()}`;
    const fields = [];
    next();
    readBody(name, fields);
    messages.set(name, fields);
  };
  let scope = '';
  while (at < words.length) {
    const word = next();
    if (word === ';') continue;
    if (word === 'package') scope = next();
    else if (word === 'import') readFile(next().slice(1, -1));
    else if (word === 'message') readMessage(scope);
    else if (word === 'enum') readEnum(scope);
    else skipTo(';');
  }
}

/** A name as protobuf finds it: in the message that uses it, then in those around it. */
function resolveType(type, scope) {
  if (SCALARS.has(type)) return type;
  if (KNOWN[type]) return KNOWN[type];
  for (let around = scope; ; around = around.slice(0, Math.max(0, around.lastIndexOf('.')))) {
    const name = around === '' ? type : `${around}.${type}`;
    if (messages.has(name) || enums.has(name)) return name;
    if (around === '') throw new Error(`Nobody declares ${type} of ${scope}.`);
  }
}

readFile('mesh/v1alpha1/config.proto');
const shape = { messages: {}, enums: {} };
const waiting = [ROOT];
for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
  if (enums.has(name)) shape.enums[name] = enums.get(name);
  if (!messages.has(name) || shape.messages[name]) continue;
  const entries = messages.get(name).map((field) => [field.name, field.form, resolveType(field.type, name)]);
  shape.messages[name] = Object.fromEntries(entries.map(([field, form, type]) => [field, form + type]));
  waiting.push(...entries.map(([, , type]) => type));
}
writeFileSync(output, `${JSON.stringify(shape, null, 1)}\n`);
