import { type Diagnostic, errorMessage } from '#domain';
import {
  type EncodedResource,
  encodeResource,
  type ProxyNode,
  type ResourceByType,
  type TypeUrl,
  typeUrls,
} from '#xds';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { createKeyedMemo, type KeyedMemo } from './keyed-memo.ts';
import { type ProxyView, viewProxy } from './proxy-view.ts';
import { checkReferences } from './reference-check.ts';
import { type ConfigResources, endpointResources, ownResources, sharedResources } from './resources.ts';
import { createScope, scopeKey } from './scope.ts';

export type EncodedByType = ReadonlyMap<TypeUrl, ReadonlyMap<string, EncodedResource>>;

export interface Translation {
  readonly resources: EncodedByType;
  /** What the reference check and the encoder found. */
  readonly problems: readonly Diagnostic[];
}

/** Builds what a node is to hold. Proxies that receive the same resources share their bytes. */
export interface Translator {
  translate(snapshot: MeshSnapshot, node: ProxyNode): Translation;
}

/** Scopes and proxies remembered at a time. */
const MEMORY = 512;

export function createTranslator(): Translator {
  const memo = createKeyedMemo(MEMORY);
  return {
    translate(snapshot, node) {
      const proxy = viewProxy(snapshot, node);
      const key = proxy.role === 'router' ? `router/${proxy.id}` : scopeKey(snapshot, proxy);
      const shared = translateShared(memo, { snapshot, proxy, key });
      const own = translateOwn(memo, snapshot, proxy);
      const endpoints = translateEndpoints(memo, { snapshot, proxy, key, shared });
      return {
        resources: new Map<TypeUrl, ReadonlyMap<string, EncodedResource>>([
          [typeUrls.cluster, new Map([...shared.clusters, ...own.clusters])],
          [typeUrls.endpoint, endpoints.encoded],
          [typeUrls.listener, new Map([...shared.listeners, ...own.listeners])],
          [typeUrls.route, shared.routes],
        ]),
        problems: [...shared.problems, ...own.problems, ...endpoints.problems],
      };
    },
  };
}

type EncodedMap = ReadonlyMap<string, EncodedResource>;

interface EncodedConfig {
  readonly source: ConfigResources;
  readonly listeners: EncodedMap;
  readonly routes: EncodedMap;
  readonly clusters: EncodedMap;
  readonly problems: readonly Diagnostic[];
}

interface SharedInput {
  readonly snapshot: MeshSnapshot;
  readonly proxy: ProxyView;
  readonly key: string;
}

/** Endpoints are an input of clusters and listeners only where a service is headless or found by DNS: its addresses are in them. */
function translateShared(memo: KeyedMemo, { snapshot, proxy, key }: SharedInput): EncodedConfig {
  const { mesh, services, virtualServices, destinationRules, gateways, peerAuthentications, serviceAccounts } =
    snapshot;
  const policies = [snapshot.authorizationPolicies, snapshot.requestAuthentications];
  const named = services.all.some(({ resolution }) => resolution !== 'ClientSideLB');
  const inputs = [
    mesh,
    services,
    virtualServices,
    destinationRules,
    peerAuthentications,
    serviceAccounts,
    proxy.role === 'router' ? gateways : undefined,
    proxy.role === 'router' ? JSON.stringify(proxy.labels) : undefined,
    snapshot.sidecars,
    named ? snapshot.endpoints : undefined,
    ...(proxy.role === 'router' ? policies : []),
  ];
  return memo.of<EncodedConfig>(`shared/${key}`, inputs, (previous) => {
    const source = sharedResources(createScope(snapshot, proxy), proxy);
    return encodeConfig(source, checkReferences(source), previous);
  });
}

function translateOwn(memo: KeyedMemo, snapshot: MeshSnapshot, proxy: ProxyView): EncodedConfig {
  const { mesh, services, destinationRules, peerAuthentications, authorizationPolicies, requestAuthentications } =
    snapshot;
  const targets = proxy.targets.map(({ service, targetPort }) => [service.hostname, targetPort]);
  const key = JSON.stringify([
    proxy.role,
    proxy.istioProxy,
    proxy.namespace,
    Object.entries(proxy.labels).sort(),
    targets,
    snapshot.sidecars.length > 0 ? proxy.ip : 0,
  ]);
  const inputs = [
    mesh,
    services,
    destinationRules,
    peerAuthentications,
    snapshot.sidecars,
    authorizationPolicies,
    requestAuthentications,
  ];
  return memo.of<EncodedConfig>(`own/${key}`, inputs, (previous) =>
    encodeConfig(ownResources(createScope(snapshot, proxy), proxy), [], previous),
  );
}

interface EncodedEndpoints {
  readonly encoded: EncodedMap;
  readonly problems: readonly Diagnostic[];
}

function translateEndpoints(
  memo: KeyedMemo,
  { snapshot, proxy, key, shared }: SharedInput & { readonly shared: EncodedConfig },
): EncodedEndpoints {
  const { region, zone, subZone } = proxy.locality;
  const inputs = [shared, snapshot.endpoints, snapshot.workloads];
  return memo.of<EncodedEndpoints>(
    `endpoints/${key}/${region}/${zone}/${subZone}/${proxy.node}`,
    inputs,
    (previous) => {
      const assignments = endpointResources(createScope(snapshot, proxy), shared.source.clusters);
      const problems: Diagnostic[] = [];
      return {
        encoded: encodeAll(typeUrls.endpoint, assignments, { problems, previous: previous?.encoded }),
        problems,
      };
    },
  );
}

function encodeConfig(
  source: ConfigResources,
  found: readonly Diagnostic[],
  previous: EncodedConfig | undefined,
): EncodedConfig {
  const problems = [...found];
  return {
    source,
    listeners: encodeAll(typeUrls.listener, source.listeners, { problems, previous: previous?.listeners }),
    routes: encodeAll(typeUrls.route, source.routes, { problems, previous: previous?.routes }),
    clusters: encodeAll(typeUrls.cluster, source.clusters, { problems, previous: previous?.clusters }),
    problems,
  };
}

/** A resource that cannot be encoded keeps its last good form, and is reported. */
function encodeAll<Url extends TypeUrl>(
  typeUrl: Url,
  resources: readonly ResourceByType[Url][],
  { problems, previous }: { readonly problems: Diagnostic[]; readonly previous: EncodedMap | undefined },
): EncodedMap {
  const encoded = new Map<string, EncodedResource>();
  for (const resource of resources) {
    try {
      const done = encodeResource(typeUrl, resource);
      encoded.set(done.name, done);
    } catch (cause) {
      problems.push({ code: 'MW0402', severity: 'error', message: errorMessage(cause) });
      const { name, cluster_name } = resource as { readonly name?: string; readonly cluster_name?: string };
      const last = previous?.get(name ?? cluster_name ?? '');
      if (last !== undefined) encoded.set(last.name, last);
    }
  }
  return encoded;
}
