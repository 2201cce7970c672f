import { type Diagnostic, type KubeObject, parseApiVersion } from '#domain';
import type { ParsedDocument } from '../manifests/document.ts';
import type { ValidateOptions } from '../manifests/validate.ts';
import { adviceAnalyzers } from './advice/index.ts';
import type { Analyzer } from './analyzer.ts';
import { istioAnalyzers } from './analyzers/index.ts';
import { assumedGateways } from './assumed-gateways.ts';
import type { MeshSettings, RegistryEndpoint } from './mesh/mesh-settings.ts';
import { MeshView } from './mesh/mesh-view.ts';
import { Results } from './results.ts';
import { schemaAnalyzer, schemaAnalyzers, schemaFindings } from './schema-findings.ts';

/** All analyzers of what is between objects, in the order in which they run. */
export const analyzers: readonly Analyzer[] = [...istioAnalyzers, ...adviceAnalyzers];

/** Every name that `AnalyzeOptions.names` may have: of analyzers, and of the validation of each kind. */
export const analyzerNames: readonly string[] = [...analyzers.map(({ name }) => name), ...schemaAnalyzers];

export interface AnalyzeOptions {
  /** Namespace of documents that name none; the empty text leaves them without. Absent: `default`. */
  readonly namespace?: string;
  /** Only findings of this namespace and of cluster-wide objects. Absent: all. */
  readonly only?: string | undefined;
  /** Absent: Istio's defaults. */
  readonly settings?: MeshSettings | undefined;
  /** Endpoints that mesh networks take from registries. */
  readonly registryEndpoints?: readonly RegistryEndpoint[] | undefined;
  /** Also report what is wrong within each document, by these means. Absent: no, for callers that validate documents themselves. */
  readonly schema?: Pick<ValidateOptions, 'checkMessage'>;
  /** Names of the analyzers to run. Absent: all. */
  readonly names?: ReadonlySet<string> | undefined;
}

const CLUSTER_WIDE = new Set([
  'Namespace',
  'Node',
  'GatewayClass',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
]);

/** Namespaces of the cluster itself: `istioctl analyze` reads nothing of them. */
const IGNORED = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

const keyOf = (object: KubeObject): string =>
  [parseApiVersion(object.apiVersion).group, object.kind, object.metadata.namespace ?? '', object.metadata.name].join(
    '/',
  );

/** The object in its namespace. */
function placed(object: KubeObject, namespace: string): KubeObject {
  const { namespace: own, ...rest } = object.metadata;
  const isClusterWide = CLUSTER_WIDE.has(object.kind);
  const home = isClusterWide ? undefined : own || namespace || undefined;
  if (home === own) return object;
  return { ...object, metadata: home === undefined ? rest : { ...rest, namespace: home } };
}

const isIgnored = (object: KubeObject): boolean =>
  IGNORED.has((object.kind === 'Namespace' ? object.metadata.name : object.metadata.namespace) ?? '');

/** What the objects leave out because a cluster makes it. */
interface Assumptions {
  readonly partial: boolean;
  readonly templates: 'none' | 'without-pods';
  readonly gateways: readonly KubeObject[];
}

/**
 * Manifests with Deployments and no Pod are to be applied to a cluster: their pods, Istio's own gateways and namespaces that they do not
 * mention will be there. Documents with Pods, or with neither, are taken as they are.
 */
function assumptionsOf(stored: readonly KubeObject[], documents: readonly KubeObject[]): Assumptions {
  if (stored.length > 0) return { partial: false, templates: 'without-pods', gateways: [] };
  const partial = documents.some(({ kind }) => kind === 'Deployment') && !documents.some(({ kind }) => kind === 'Pod');
  return partial
    ? { partial, templates: 'without-pods', gateways: assumedGateways() }
    : { partial, templates: 'none', gateways: [] };
}

/**
 * What is wrong between objects, as `istioctl analyze` finds it, worst first. Documents stand for objects that are not stored yet, or
 * replace those that are; diagnostics about them have a location.
 */
export function analyze(
  objects: Iterable<KubeObject>,
  documents: readonly ParsedDocument[] = [],
  options: AnalyzeOptions = {},
): Diagnostic[] {
  const namespace = options.namespace ?? 'default';
  const stored = [...objects];
  const sources = new Map<KubeObject, ParsedDocument>();
  for (const document of documents) sources.set(placed(document.object, namespace), document);
  const assumptions = assumptionsOf(stored, [...sources.keys()]);
  const all = new Map<string, KubeObject>();
  for (const object of [...assumptions.gateways, ...stored, ...sources.keys()]) {
    if (!isIgnored(object)) all.set(keyOf(object), object);
  }
  const mesh = new MeshView(all.values(), { ...options, ...assumptions });
  const results = new Results({
    documentOf: (object) => sources.get(object),
    assumed: new Set(assumptions.gateways),
    only: options.only,
  });
  const isAsked = (name: string): boolean => options.names?.has(name) ?? true;
  for (const analyzer of analyzers) if (isAsked(analyzer.name)) analyzer.analyze(mesh, results.report);
  for (const object of options.schema ? all.values() : []) {
    const document = sources.get(object);
    if (!document || !isAsked(schemaAnalyzer(object.kind))) continue;
    results.add(object, schemaFindings({ ...document, object }, options.schema ?? {}));
  }
  return results.sorted();
}
