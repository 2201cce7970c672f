/**
 * Makes server/kube-api/types/types.json, the shapes of Kubernetes' own kinds: JSON names, types, protobuf numbers, and how lists merge. They
 * are read from the tags of the Go declarations. Beside it stands descriptions.json, what the package kubernetes-models says of each type
 * and field, for `kubectl explain`. Run it with the unpacked sources of both modules after a new Kubernetes release:
 *
 *   node scripts/build-kube-types.ts <folder of k8s.io/api> <folder of k8s.io/apimachinery>
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Field {
  /** Go type without pointer: `string`, `PodSpec`, `[]Container`, `map[string]string`. */
  t: string;
  /** Protobuf field number. */
  n?: number;
  /** Keys of a list's items (`listType=map`). */
  k?: string[];
  /** `set` or `atomic` lists, `atomic` maps. */
  l?: string;
  /** Items of a list or map that are replaced whole. */
  i?: 'atomic';
  /** Merge key of a strategic patch. */
  m?: string;
  /** Patch strategy. */
  s?: string;
  /** Required. */
  r?: 1;
  /** Optional, and written even when it is empty. */
  w?: 1;
  /** Held by value in Go, so that an empty object has it as `{}`. */
  v?: 1;
  /** A pointer to a scalar: zero is not the same as absent. */
  p?: 1;
}
type Struct = Record<string, Field>;

const [api, machinery] = process.argv.slice(2);
if (!api || !machinery) throw new Error('usage: build-kube-types.ts <k8s.io/api> <k8s.io/apimachinery>');

const packages: readonly [name: string, folder: string][] = [
  ['meta.v1', join(machinery, 'pkg/apis/meta/v1')],
  ...(
    [
      'core/v1',
      'apps/v1',
      'batch/v1',
      'rbac/v1',
      'networking/v1',
      'discovery/v1',
      'events/v1',
      'authentication/v1',
      'authorization/v1',
      'autoscaling/v1',
      'autoscaling/v2',
      'policy/v1',
      'coordination/v1',
      'storage/v1',
      'scheduling/v1',
      'admissionregistration/v1',
    ] as const
  ).map((each): [string, string] => [each.replace('/', '.'), join(api, each)]),
];

const KINDS = [
  ...['Binding', 'ConfigMap', 'Endpoints', 'Event', 'LimitRange', 'Namespace', 'Node', 'PersistentVolume'],
  ...['PersistentVolumeClaim', 'Pod', 'PodTemplate', 'ReplicationController', 'ResourceQuota', 'Secret', 'Service'],
  ...['ServiceAccount'],
].map((kind) => `core.v1.${kind}`);
const roots = [
  ...KINDS,
  ...['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'].map((kind) => `apps.v1.${kind}`),
  ...['CronJob', 'Job'].map((kind) => `batch.v1.${kind}`),
  ...['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'].map((kind) => `rbac.v1.${kind}`),
  ...['Ingress', 'IngressClass', 'NetworkPolicy'].map((kind) => `networking.v1.${kind}`),
  'discovery.v1.EndpointSlice',
  'events.v1.Event',
  ...['SelfSubjectReview', 'TokenRequest', 'TokenReview'].map((kind) => `authentication.v1.${kind}`),
  ...['LocalSubjectAccessReview', 'SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview'].map(
    (kind) => `authorization.v1.${kind}`,
  ),
  'autoscaling.v1.Scale',
  'autoscaling.v1.HorizontalPodAutoscaler',
  'autoscaling.v2.HorizontalPodAutoscaler',
  'policy.v1.PodDisruptionBudget',
  'policy.v1.Eviction',
  'coordination.v1.Lease',
  'storage.v1.StorageClass',
  'scheduling.v1.PriorityClass',
  'admissionregistration.v1.MutatingWebhookConfiguration',
  'admissionregistration.v1.ValidatingWebhookConfiguration',
  'meta.v1.DeleteOptions',
];

/** Types with a JSON form of their own; the walk ends there. */
const LEAVES =
  /^(string|bool|u?int(8|16|32|64)?|float(32|64)|byte|Time|MicroTime|Duration|Quantity|IntOrString|RawExtension|FieldsV1|JSON)$/;
const PREFIXES: Readonly<Record<string, string>> = {
  metav1: 'meta.v1',
  v1: 'core.v1',
  corev1: 'core.v1',
  apiv1: 'core.v1',
};

const structs = new Map<string, Struct>();
const inlines = new Map<string, string[]>();
const aliases = new Map<string, string>();

function goType(text: string, of: string): string {
  const bare = text.replace(/^\*/, '');
  if (bare.startsWith('[]')) return `[]${goType(bare.slice(2), of)}`;
  const map = /^map\[[^\]]+\](.+)$/.exec(bare);
  if (map) return `map[string]${goType(map[1] ?? '', of)}`;
  const [prefix, name] = bare.includes('.') ? bare.split('.') : [undefined, bare];
  if (LEAVES.test(name ?? '')) return name ?? '';
  if (prefix === undefined) return `${of}.${name}`;
  if (prefix === 'types') return 'string';
  // The type of a shared package in its own folder: meta/v1 is `v1` where no core type can be meant.
  return `${PREFIXES[prefix] ?? prefix}.${name}`;
}

function readStruct(name: string, of: string, body: string): void {
  const fields: Struct = {};
  const inlined: string[] = [];
  let comment = '';
  for (const line of body.split('\n').map((each) => each.trim())) {
    if (line.startsWith('//')) comment += `${line}\n`;
    const field = /^(?:(\w+)\s+)?([*[\]\w.]+)\s+`(.*)`/.exec(line);
    if (!field) {
      if (!line.startsWith('//')) comment = '';
      continue;
    }
    const tags = field[3] ?? '';
    const tag = (key: string): string => new RegExp(`(?:^| )${key}:"([^"]*)"`).exec(tags)?.[1] ?? '';
    const [json = '', ...options] = tag('json').split(',');
    const type = goType(field[2] ?? '', of);
    const marks = comment;
    comment = '';
    if (options.includes('inline')) {
      inlined.push(type);
      const number = /,(\d+),/.exec(tag('protobuf'))?.[1];
      if (number && !type.endsWith('.TypeMeta')) fields[`~${type}`] = { t: type, n: Number(number) };
      continue;
    }
    if (json === '' || json === '-') continue;
    const list = /\+listType=(\w+)/.exec(marks)?.[1] ?? /\+mapType=(\w+)/.exec(marks)?.[1];
    const structAtomic = /\+structType=atomic/.test(marks) ? 'atomic' : undefined;
    const keys = [...marks.matchAll(/\+listMapKey=(\w+)/g)].map((each) => each[1] ?? '');
    const number = /,(\d+),/.exec(tag('protobuf'))?.[1];
    const optional = options.includes('omitempty') || /\+optional/.test(marks);
    const form = list && list !== 'map' && list !== 'granular' ? list : structAtomic;
    fields[json] = {
      t: type,
      ...(number ? { n: Number(number) } : {}),
      ...(keys.length > 0 ? { k: keys } : {}),
      ...(form ? { l: form } : {}),
      ...(tag('patchMergeKey') ? { m: tag('patchMergeKey') } : {}),
      ...(tag('patchStrategy') ? { s: tag('patchStrategy') } : {}),
      ...(optional ? {} : { r: 1 as const }),
      ...(optional && !options.includes('omitempty') ? { w: 1 as const } : {}),
      ...(/^[*[]|^map\[/.test(field[2] ?? '') ? {} : { v: 1 as const }),
      ...(field[2]?.startsWith('*') ? { p: 1 as const } : {}),
    };
  }
  structs.set(`${of}.${name}`, fields);
  inlines.set(`${of}.${name}`, inlined);
}

for (const [name, folder] of packages) {
  const files = readdirSync(folder).filter((file) => /^(\w*types)\.go$/.test(file) && !file.includes('zz_'));
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const match of text.matchAll(/(?:((?:^\/\/.*\n)*))^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      readStruct(match[2] ?? '', name, match[3] ?? '');
      if (/\+structType=atomic/.test(match[1] ?? '')) aliases.set(`${name}.${match[2]}!atomic`, 'atomic');
    }
    for (const match of text.matchAll(/^type (\w+) ((?:map\[|\[\]|string|bool|int|float)\S*)/gm)) {
      aliases.set(`${name}.${match[1]}`, goType(match[2] ?? '', name));
    }
  }
}

/** A named type that stands for a plain one: `PodPhase` is a string. */
function settle(type: string): string {
  if (type.startsWith('[]')) return `[]${settle(type.slice(2))}`;
  if (type.startsWith('map[string]')) return `map[string]${settle(type.slice(11))}`;
  const meant = aliases.get(type);
  return meant === undefined ? type : settle(meant);
}

const result: Record<string, Struct> = {};
function visit(type: string): void {
  const base = type.replace(/^(\[\]|map\[string\])+/, '');
  if (LEAVES.test(base) || base in result) return;
  const fields = structs.get(base);
  if (!fields) throw new Error(`no declaration of ${base}`);
  const flat: Struct = {};
  result[base] = flat;
  for (const inlined of inlines.get(base) ?? []) {
    visit(inlined);
    // Without a number of its own it does not travel: apiVersion and kind stand in the envelope.
    const known = fields[`~${inlined}`] ? {} : (result[inlined] ?? {});
    for (const [name, { n: _, ...field }] of Object.entries(known)) flat[name] = field;
  }
  for (const [name, field] of Object.entries(fields)) {
    const atomic = aliases.get(`${field.t}!atomic`);
    const item = field.t.replace(/^(\[\]|map\[string\])/, '');
    const whole = atomic && !field.l ? { l: atomic } : {};
    const items = item !== field.t && aliases.has(`${item}!atomic`) ? { i: 'atomic' as const } : {};
    const settled = { ...field, ...whole, ...items, t: settle(field.t) };
    // Only structs held by value matter.
    if (!structs.has(settled.t)) delete settled.v;
    else delete settled.p;
    flat[name] = settled;
    visit(settled.t);
  }
}
for (const name of roots) visit(name);

const lines = Object.entries(result)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, fields]) => `${JSON.stringify(name)}:${JSON.stringify(fields)}`);
const root = dirname(import.meta.dirname);
const target = join(root, 'server/kube-api/types/types.json');
writeFileSync(target, `{\n${lines.join(',\n')}\n}\n`);
console.log(`${target}: ${lines.length} types`);

/** The declaration of a type in kubernetes-models. */
function declarationFile(type: string): string {
  const [group = '', version = '', name = ''] = type.split('.');
  const models = join(root, 'node_modules/kubernetes-models');
  if (group === 'meta')
    return join(root, 'node_modules/@kubernetes-models/apimachinery/apis/meta', version, `${name}.d.ts`);
  if (group === 'core') return join(models, version, `${name}.d.ts`);
  const folder = readdirSync(models).find((each) => each.split('.')[0] === group) ?? group;
  return join(models, folder, version, `${name}.d.ts`);
}

const words = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .replaceAll('\\*', '*')
    .trim();

const descriptions: Record<string, Record<string, string>> = {};
for (const type of Object.keys(result)) {
  const file = declarationFile(type);
  if (!existsSync(file)) continue;
  const text = readFileSync(file, 'utf8');
  const found: Record<string, string> = {};
  const own = /\/\*\*([\s\S]*?)\*\/\s*export interface/.exec(text)?.[1];
  // The type's own words stand under the empty name.
  if (own) found[''] = words(own);
  for (const [, comment = '', name = ''] of text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*"([^"]+)"\??:/g)) {
    found[name] = words(comment);
  }
  descriptions[type] = found;
}
const described = Object.entries(descriptions)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, fields]) => `${JSON.stringify(name)}:${JSON.stringify(fields)}`);
writeFileSync(join(dirname(target), 'descriptions.json'), `{\n${described.join(',\n')}\n}\n`);
console.log(`descriptions.json: ${described.length} types`);
