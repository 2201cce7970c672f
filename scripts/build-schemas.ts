/**
 * Makes the JSON Schemas of the served kinds. Run it after the packages or the structures change:
 *
 *   node scripts/build-schemas.ts
 *
 * Field descriptions come from the type declarations of @kubernetes-models. Those know neither integers nor patterns, bounds and rules:
 * for Istio and the Gateway API the shape comes from `structures/`, which holds what their custom resource definitions say
 * about each field, without words. Kubernetes' own kinds have no such definitions; their integers are put right here.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createGenerator } from 'ts-json-schema-generator';

type Schema = Record<string, unknown>;

interface Source {
  readonly kind: string;
  /** Declaration file inside the package. */
  readonly file: string;
  readonly versions: readonly string[];
  /** Name of the written file, without `.json`. */
  readonly name: string;
}

const root = dirname(import.meta.dirname);

function istio(kind: string, group: string, versions: readonly string[]): Source {
  const file = `@kubernetes-models/istio/${group}/${versions[0]}/${kind}.d.ts`;
  return { kind, file, versions: versions.map((each) => `${group}/${each}`), name: kind.toLowerCase() };
}

function gatewayApi(kind: string, versions: readonly string[], described = versions[0]): Source {
  const file = `@kubernetes-models/gateway-api/gateway.networking.k8s.io/${described}/${kind}.d.ts`;
  const apiVersions = versions.map((each) => `gateway.networking.k8s.io/${each}`);
  return { kind, file, versions: apiVersions, name: `k8s-${kind.toLowerCase()}` };
}

function core(kind: string, apiVersion = 'v1'): Source {
  const file = `kubernetes-models/${apiVersion}/${kind}.d.ts`;
  return { kind, file, versions: [apiVersion], name: kind.toLowerCase() };
}

const networking = ['v1', 'v1beta1', 'v1alpha3'];
const istioSources: readonly Source[] = [
  istio('VirtualService', 'networking.istio.io', networking),
  istio('DestinationRule', 'networking.istio.io', networking),
  istio('Gateway', 'networking.istio.io', networking),
  istio('ServiceEntry', 'networking.istio.io', networking),
  istio('Sidecar', 'networking.istio.io', networking),
  istio('WorkloadEntry', 'networking.istio.io', networking),
  istio('WorkloadGroup', 'networking.istio.io', networking),
  istio('EnvoyFilter', 'networking.istio.io', ['v1alpha3']),
  istio('ProxyConfig', 'networking.istio.io', ['v1beta1']),
  istio('PeerAuthentication', 'security.istio.io', ['v1', 'v1beta1']),
  istio('AuthorizationPolicy', 'security.istio.io', ['v1', 'v1beta1']),
  istio('RequestAuthentication', 'security.istio.io', ['v1', 'v1beta1']),
  istio('Telemetry', 'telemetry.istio.io', ['v1', 'v1alpha1']),
  istio('WasmPlugin', 'extensions.istio.io', ['v1alpha1']),
  istio('TrafficExtension', 'extensions.istio.io', ['v1alpha1']),
  gatewayApi('GatewayClass', ['v1', 'v1beta1']),
  gatewayApi('Gateway', ['v1', 'v1beta1']),
  gatewayApi('HTTPRoute', ['v1', 'v1beta1']),
  gatewayApi('GRPCRoute', ['v1']),
  gatewayApi('ReferenceGrant', ['v1', 'v1beta1']),
  gatewayApi('BackendTLSPolicy', ['v1', 'v1alpha3']),
  gatewayApi('ListenerSet', ['v1']),
  gatewayApi('TLSRoute', ['v1', 'v1alpha3', 'v1alpha2']),
  gatewayApi('TCPRoute', ['v1', 'v1alpha2'], 'v1alpha2'),
  gatewayApi('UDPRoute', ['v1', 'v1alpha2'], 'v1alpha2'),
];
const coreSources: readonly Source[] = [
  core('Namespace'),
  core('Service'),
  core('ServiceAccount'),
  core('ConfigMap'),
  core('Secret'),
  core('Pod'),
  core('Node'),
  core('Event'),
  core('EndpointSlice', 'discovery.k8s.io/v1'),
  core('Deployment', 'apps/v1'),
  core('ReplicaSet', 'apps/v1'),
];

/** Numbers with a fraction; every other number of these APIs is an integer. */
const fractions = new Set(
  'aggression minimumPercent randomSamplingPercentage limits requests capacity allocatable sizeLimit divisor'.split(
    ' ',
  ),
);
const isFraction = (name: string, parent: string): boolean =>
  fractions.has(name) ||
  (name === 'value' && /percentage$/i.test(parent)) ||
  (name === 'percent' && parent === 'retryBudget');

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Looks up the property that a list's items or a map's values belong to. */
interface Place {
  readonly name: string;
  readonly parent: string;
  /** Longest description kept. */
  readonly words: number;
}

function shorten(text: string, words: number): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  if (plain.length <= words) return plain;
  const sentence = plain.slice(0, words).lastIndexOf('. ');
  return sentence > 40 ? plain.slice(0, sentence + 1) : `${plain.slice(0, words).trimEnd()}…`;
}

function mergeAlternatives(schema: Schema): Schema {
  const options = schema['anyOf'];
  if (!Array.isArray(options)) return schema;
  const kept = options.filter((each) => isSchema(each) && each['not'] === undefined && each['type'] !== 'null');
  const { anyOf: _, ...rest } = schema;
  if (kept.length === 1) return { ...(kept[0] as Schema), ...rest };
  if (kept.length > 1 && kept.every((each) => isSchema(each) && each['type'] === 'object')) {
    return { ...unite(kept as Schema[]), ...rest };
  }
  const types = kept.map((each) => (isSchema(each) && Object.keys(each).length === 1 ? each['type'] : undefined));
  if (types.every((type) => typeof type === 'string')) return { ...rest, type: types };
  return { ...rest, anyOf: kept };
}

/** One object that allows what any of the alternatives allows: which fields exclude each other is a rule, and has a message of its own. */
function unite(options: readonly Schema[]): Schema {
  const required = (each: Schema): string[] => (each['required'] as string[] | undefined) ?? [];
  const common = options.map(required).reduce((all, each) => all.filter((name) => each.includes(name)));
  return {
    type: 'object',
    properties: Object.assign({}, ...options.map((each) => each['properties'] ?? {})) as Schema,
    additionalProperties: options[0]?.['additionalProperties'] ?? false,
    ...(common.length > 0 ? { required: common } : {}),
  };
}

function dropNull(schema: Schema): Schema {
  const type = schema['type'];
  if (!Array.isArray(type)) return schema;
  const kept = type.filter((each) => each !== 'null');
  return { ...schema, type: kept.length === 1 ? kept[0] : kept };
}

/** The same schema with integers told from numbers, short descriptions and no alternatives that say nothing. */
function tidy(input: unknown, place: Place): unknown {
  if (Array.isArray(input)) return input.map((each) => tidy(each, place));
  if (!isSchema(input)) return input;
  const schema = dropNull(mergeAlternatives(input));
  const out: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === '$schema' || key === 'definitions' || key === 'format') continue;
    if (key === 'properties' && isSchema(value)) {
      out[key] = Object.fromEntries(
        Object.entries(value).map(([name, child]) => [
          name,
          tidy(child, { name, parent: place.name, words: place.words }),
        ]),
      );
    } else if (key === 'description') out[key] = shorten(String(value), place.words);
    else out[key] = isSchema(value) || Array.isArray(value) ? tidy(value, place) : value;
  }
  const integer = (type: unknown): unknown =>
    type === 'number' && !isFraction(place.name, place.parent) ? 'integer' : type;
  // An object without fields of its own is free: a piece of Envoy configuration, a plug-in's settings.
  const free = out['type'] === 'object' && Object.keys((out['properties'] ?? {}) as Schema).length === 0;
  if (free && out['additionalProperties'] === false) delete out['additionalProperties'];
  if (out['type'] !== undefined)
    out['type'] = Array.isArray(out['type']) ? out['type'].map(integer) : integer(out['type']);
  return out;
}

/** Fields of metadata that a manifest may carry, with descriptions of their own: the declarations repeat them for each kind at length. */
const metadata: Schema = {
  type: 'object',
  description: 'Name, namespace, labels and annotations of the object.',
  additionalProperties: false,
  properties: {
    name: { type: 'string', description: 'Unique among objects of this kind in a namespace.' },
    namespace: { type: 'string', description: 'Namespace of the object; cluster-wide kinds have none.' },
    generateName: { type: 'string', description: 'Prefix of a name that the server completes.' },
    labels: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Keys and values that selectors match.',
    },
    annotations: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Keys and values for tools; no selector sees them.',
    },
    finalizers: { type: 'array', items: { type: 'string' }, description: 'Deletion waits until this list is empty.' },
    ownerReferences: {
      type: 'array',
      description: 'Objects that this one belongs to; it is deleted with the last of them.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: {
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          name: { type: 'string' },
          uid: { type: 'string' },
          controller: { type: 'boolean' },
          blockOwnerDeletion: { type: 'boolean' },
        },
      },
    },
    uid: { type: 'string' },
    resourceVersion: { type: 'string' },
    generation: { type: 'integer' },
    creationTimestamp: { type: ['string', 'null'] },
    deletionTimestamp: { type: 'string' },
    deletionGracePeriodSeconds: { type: 'integer' },
    managedFields: { type: 'array' },
    selfLink: { type: 'string' },
  },
};

/** The schema that the declarations give, or nothing where the package does not know the kind. */
function declared(source: Source, words: number): Schema {
  const path = join(root, 'node_modules', source.file);
  if (!existsSync(path)) return {};
  const generator = createGenerator({
    path,
    type: `I${source.kind}`,
    tsconfig: join(root, 'tsconfig.server.json'),
    skipTypeCheck: true,
    expose: 'none',
    topRef: false,
    additionalProperties: false,
  });
  return tidy(generator.createSchema(`I${source.kind}`), { name: '', parent: '', words }) as Schema;
}

const child = (schema: Schema | undefined, key: string): Schema | undefined => {
  const value = schema?.[key];
  return isSchema(value) ? value : undefined;
};

/** The structure with the descriptions of the same fields, closed where it does not say that more fields may follow. */
function withWords(structure: Schema, words: Schema | undefined): Schema {
  const out: Schema = { ...structure };
  if (typeof words?.['description'] === 'string') out['description'] = words['description'];
  const properties = child(structure, 'properties');
  if (properties) {
    const described = child(words, 'properties');
    out['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, each]) => [name, withWords(each as Schema, child(described, name))]),
    );
    if (structure['type'] === 'object' && structure['x-kubernetes-preserve-unknown-fields'] !== true) {
      out['additionalProperties'] = false;
    }
  }
  for (const key of ['items', 'additionalProperties']) {
    const each = child(structure, key);
    if (each) out[key] = withWords(each, child(words, key));
  }
  return out;
}

function build(source: Source, words: number, structure: Schema | undefined): string {
  const fromDeclaration = declared(source, words);
  const schema = structure ? withWords(structure, fromDeclaration) : fromDeclaration;
  const properties = schema['properties'] as Schema;
  properties['apiVersion'] = { type: 'string', enum: source.versions, description: 'API group and version.' };
  properties['kind'] = { type: 'string', enum: [source.kind] };
  properties['metadata'] = metadata;
  // Written by the server, and ignored in what a learner applies.
  if (properties['status'] !== undefined)
    properties['status'] = { type: 'object', description: 'Written by the mesh.' };
  const required = structure ? ((structure['required'] as string[] | undefined) ?? []) : [];
  schema['required'] = ['apiVersion', 'kind', 'metadata', ...required];
  schema['additionalProperties'] = false;
  return JSON.stringify(share(schema));
}

/** Parts that occur more than once move to `$defs`: a DestinationRule says its traffic policy four times. */
function share(schema: Schema): Schema {
  const uses = new Map<string, number>();
  const count = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (isSchema(value)) {
      const text = JSON.stringify(value);
      const seen = uses.get(text) ?? 0;
      // A field may be called `type`: then its value is a schema, and this is a list of fields.
      if (text.length > 400 && typeof value['type'] === 'string') uses.set(text, seen + 1);
      if (seen > 0) return;
    }
    for (const child of Object.values(value)) count(child);
  };
  count(schema);
  const definitions: Schema = {};
  const names = new Map<string, string>();
  const replace = (value: unknown, name: string): unknown => {
    if (Array.isArray(value)) return value.map((each) => replace(each, name));
    if (!isSchema(value)) return value;
    const text = JSON.stringify(value);
    const body = (): Schema =>
      Object.fromEntries(Object.entries(value).map(([key, child]) => [key, replace(child, key)]));
    if ((uses.get(text) ?? 0) < 2) return body();
    const known = names.get(text);
    if (known !== undefined) return { $ref: `#/$defs/${known}` };
    const fresh = [...'abcdefghij']
      .map((_, i) => (i === 0 ? name : `${name}${i + 1}`))
      .find((each) => !(each in definitions));
    const definition = fresh ?? `${name}-${names.size}`;
    names.set(text, definition);
    definitions[definition] = {};
    definitions[definition] = body();
    return { $ref: `#/$defs/${definition}` };
  };
  const shared = replace(schema, '') as Schema;
  return Object.keys(definitions).length > 0 ? { ...shared, $defs: definitions } : shared;
}

const STRUCTURES = join(import.meta.dirname, 'structures');

/** The structures of a kind by the file to write: `k8s-tlsroute`, and `versions/k8s-tlsroute.v1alpha2` where a version differs. */
function structuresOf(source: Source): (readonly [string, Schema | undefined])[] {
  const files = readdirSync(STRUCTURES).filter((file) => file.split('.')[0] === source.name);
  if (files.length === 0) return [[source.name, undefined]];
  const read = (file: string): Schema => JSON.parse(readFileSync(join(STRUCTURES, file), 'utf8')) as Schema;
  return files.map((file) => {
    const name = file.replace(/\.json$/, '');
    return [name === source.name ? name : `versions/${name}`, read(file)] as const;
  });
}

function write(folder: string, sources: readonly Source[], words: number): void {
  if (folder.startsWith('server/istio')) mkdirSync(join(root, folder, 'versions'), { recursive: true });
  for (const source of sources) {
    const structures = folder.startsWith('server/istio') ? structuresOf(source) : [[source.name, undefined] as const];
    for (const [name, structure] of structures) {
      const text = build(source, words, structure);
      const file = join(root, folder, `${name}.json`);
      // The same content in another layout stays as it is.
      if (existsSync(file) && JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))) === text) continue;
      writeFileSync(file, `${text}\n`);
      console.log(`${folder}/${name}.json ${text.length}`);
    }
  }
}

write('server/istio/schemas', istioSources, 400);
write('server/kube-api/schemas', coreSources, 90);
