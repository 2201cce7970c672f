import { type Diagnostic, type KubeObject, parseApiVersion } from '#domain';
import type { ParsedDocument } from '../manifests/document.ts';
import { type Analyzer, collect } from './analyzer.ts';
import { clientCertificates } from './client-certificates.ts';
import { deploymentServices } from './deployment-services.ts';
import { destinationHosts } from './destination-hosts.ts';
import { destinationSubsets } from './destination-subsets.ts';
import { gatewayConflicts } from './gateway-conflicts.ts';
import { gatewayReferences } from './gateway-references.ts';
import { injection } from './injection.ts';
import { meshHosts } from './mesh-hosts.ts';
import { MeshView } from './mesh-view.ts';
import { portNames } from './port-names.ts';
import { serviceEntries } from './service-entries.ts';
import { subsetPods } from './subset-pods.ts';
import { workloadSelectors } from './workload-selectors.ts';

/** All analyzers, in the order of their reports. */
export const analyzers: readonly Analyzer[] = [
  destinationHosts,
  destinationSubsets,
  gatewayReferences,
  meshHosts,
  subsetPods,
  clientCertificates,
  gatewayConflicts,
  workloadSelectors,
  portNames,
  serviceEntries,
  deploymentServices,
  injection,
];

export interface AnalyzeOptions {
  /** Namespace of documents that name none. Absent: `default`. */
  readonly namespace?: string;
  /** Absent: `istio-system`. */
  readonly rootNamespace?: string;
}

const CLUSTER_WIDE = new Set(['Namespace', 'Node', 'GatewayClass']);

const keyOf = (object: KubeObject): string =>
  [parseApiVersion(object.apiVersion).group, object.kind, object.metadata.namespace ?? '', object.metadata.name].join(
    '/',
  );

/** The object in its namespace. */
function placed(object: KubeObject, namespace: string): KubeObject {
  if (object.metadata.namespace || CLUSTER_WIDE.has(object.kind)) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/**
 * What is wrong between objects, as `istioctl analyze` finds it. Documents stand for objects that are not stored yet, or replace those
 * that are; diagnostics about them have a location. What is wrong within one object is found by `validateDocument`.
 */
export function analyze(
  objects: Iterable<KubeObject>,
  documents: readonly ParsedDocument[] = [],
  options: AnalyzeOptions = {},
): Diagnostic[] {
  const all = new Map<string, KubeObject>();
  const sources = new Map<string, ParsedDocument>();
  for (const object of objects) all.set(keyOf(object), object);
  for (const document of documents) {
    const object = placed(document.object, options.namespace ?? 'default');
    all.set(keyOf(object), object);
    sources.set(`${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`, document);
  }
  const mesh = new MeshView(all.values(), { rootNamespace: options.rootNamespace ?? 'istio-system' });
  const found: Diagnostic[] = [];
  const report = collect(found);
  for (const analyzer of analyzers) analyzer.analyze(mesh, report);
  return found.map((each) => {
    const { origin } = each;
    const document = origin && sources.get(`${origin.kind}/${origin.namespace}/${origin.name}`);
    return document ? { ...each, location: document.locate(origin.path) } : each;
  });
}
